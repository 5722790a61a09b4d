"""What degradations leave of images, and the pairs that they make."""

import itertools

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import ArraySource, in_memory
from gan_jax.data.degrade import DEGRADATIONS, MISSING, VERSIONS, degraded

RANDOM = np.random.RandomState(0)
IMAGES = RANDOM.randint(0, 256, (3, 16, 12, 3), np.uint8)
SOURCE = ArraySource({"image": IMAGES, "label": np.arange(3, dtype=np.int32)}, ("a", "b", "c"))
WITH_AMOUNT = {
    "gray": ["gray"],
    "lightness": ["lightness"],
    "downscale": ["downscale:2", "downscale"],
    "hole": ["hole", "hole:random", "hole:freeform"],
    "edges": ["edges"],
    "clusters": ["clusters"],
    "noise": ["noise", "noise:.5"],
    "jpeg": ["jpeg", "jpeg:90"],
}
BY_CHANCE = ("hole:random", "hole:freeform", "noise", "noise:.5")
TEXTS = list(itertools.chain(*WITH_AMOUNT.values()))


def test_none_is_untested():
    assert WITH_AMOUNT.keys() == DEGRADATIONS.keys()


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("source", [SOURCE, ArraySource({"image": IMAGES[..., :1]})], ids=["colour", "gray"])
def test_examples_are_what_the_spec_says_and_always_the_same(text, source):
    if text == "clusters" and source is not SOURCE:
        with pytest.raises(ValueError, match="clusters: of images in colour"):
            degraded(source, text)
        return
    pairs = degraded(source, text, VERSIONS)
    rows = np.array([2, 0, len(pairs) - 1])
    batch = pairs[rows]
    assert {name: (value.shape[1:], value.dtype) for name, value in batch.items()} == {
        name: (field.shape, field.dtype) for name, field in pairs.spec.items()
    }
    np.testing.assert_array_equal(batch["target"], source[rows % 3]["image"])
    again = in_memory(pairs)[rows]
    for name, value in batch.items():
        np.testing.assert_array_equal(again[name], value)
    assert (pairs[np.arange(0)]["image"].shape, len(pairs) // 3) == (
        (0, *pairs.spec["image"].shape),
        VERSIONS if text in BY_CHANCE else 1,
    )


def test_labels_and_classes_stay():
    pairs = degraded(SOURCE, "noise", VERSIONS)
    assert pairs.classes == SOURCE.classes
    np.testing.assert_array_equal(pairs.labels, np.tile(np.arange(3), VERSIONS))
    np.testing.assert_array_equal(pairs[np.array([4, 5])]["label"], [1, 2])


def test_digests_differ_with_what_is_done():
    digests = {degraded(SOURCE, text).digest for text in TEXTS}
    assert len(digests) == len(set(TEXTS)) and degraded(SOURCE, "gray").digest in digests


@pytest.mark.parametrize("kind", ["center", "random", "freeform"])
def test_what_is_missing_cannot_be_seen_and_the_rest_is_there(kind):
    """Where the mask is True, and there alone: whatever was there, the example's image is the same."""
    pairs = degraded(SOURCE, f"hole:{kind}", VERSIONS)
    rows = np.arange(len(pairs))
    batch = pairs[rows]
    mask = batch["mask"]
    assert (np.where(mask, batch["image"], MISSING) == MISSING).all()
    np.testing.assert_array_equal(np.where(mask, 0, batch["image"]), np.where(mask, 0, batch["target"]))
    assert mask.any((1, 2, 3)).all() and not mask.all((1, 2, 3)).any()
    other = degraded(ArraySource({"image": 255 - IMAGES}), f"hole:{kind}", VERSIONS)[rows]
    np.testing.assert_array_equal(other["mask"], mask)
    if kind == "center":
        assert mask[:, 4:12, 3:9].all() and mask.sum() == len(mask) * 48
    else:
        assert len(np.unique(mask, axis=0)) > 10


def test_downscale_is_bicubic_without_aliases():
    """As Pillow has it; the average brightness stays, and stripes of one pixel become gray."""
    stripes = np.where(np.arange(16) % 2, 255, 0).astype(np.uint8) * np.ones((16, 1, 1), np.uint8)
    stripes = np.repeat(stripes.reshape(1, 16, 16, 1), 3, -1)
    small = degraded(ArraySource({"image": stripes}), "downscale:4")[np.arange(1)]["image"]
    assert small.shape == (1, 4, 4, 3) and np.abs(small.astype(int) - 127).max() <= 12
    expected = Image.fromarray(IMAGES[0]).resize((6, 8), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(degraded(SOURCE, "downscale:2")[np.arange(1)]["image"][0], np.asarray(expected))


def test_edges_of_a_step_are_dark_and_of_a_plain_image_there_are_none():
    step = np.zeros((1, 8, 8, 1), np.uint8)
    step[:, :, 4:] = 200
    drawn = degraded(ArraySource({"image": step}), "edges")[np.arange(1)]["image"][0, ..., 0]
    assert (drawn[:, 3:5] == 0).all() and (drawn[:, :3] == 255).all() and (drawn[:, 5:] == 255).all()


def test_noise_has_the_deviation_that_is_asked_for():
    gray = np.full((1, 64, 64, 3), 128, np.uint8)
    noisy = degraded(ArraySource({"image": gray}), "noise:.1", VERSIONS)[np.arange(2)]["image"].astype(float)
    assert noisy.std() == pytest.approx(25.5, rel=0.02) and noisy.mean() == pytest.approx(128, abs=1)
    assert not np.array_equal(*noisy)


@pytest.mark.parametrize(
    "text, message",
    [
        ("blur", f"degrade=blur: unknown degradation 'blur'; choose from {', '.join(WITH_AMOUNT)}"),
        ("gray:2", "degrade=gray:2: gray takes no amount"),
        ("hole:round", "degrade=hole:round: choose from center, random, freeform"),
        ("noise:2", "degrade=noise:2: must be a number from 0 to 1"),
        ("noise:much", "degrade=noise:much: must be a number from 0 to 1"),
        ("downscale:1.5", "degrade=downscale:1.5: must be a whole number from 2 to 8"),
        ("downscale:5", "downscale:5: does not divide the sides of images of 16x12"),
        ("jpeg:0", "degrade=jpeg:0: must be a whole number from 1 to 95"),
    ],
)
def test_messages(text, message):
    with pytest.raises(ValueError) as error:
        degraded(SOURCE, text)
    assert str(error.value) == message
