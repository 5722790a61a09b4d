"""Gray images in colour: by the recipe, always alike, and of pieces that are in one split alone."""

import numpy as np
import pytest

from gan_jax.config.parts import ScoringConfig
from gan_jax.data import load, photos
from gan_jax.data.classes import keep
from gan_jax.data.recolored import colored_of
from gan_jax.evaluation import features, hues
from gan_jax.runs import monitor

ROWS = np.arange(200)


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def test_recolored_is_the_difference_from_a_piece_of_a_photograph(digits):
    """Where the digit is black there is the photograph: its piece is found, and all of the image is |piece - digit|."""
    source = load("recolored:digits")
    images, gray = source[ROWS[:5]]["image"], digits[ROWS[:5]]["image"]
    parts = photos.parts("train", (16, 16))
    for image, digit in zip(images, gray):
        black = digit[..., 0] == 0
        found = [
            (number, row, column)
            for number, part in enumerate(parts)
            for row, column in zip(*np.nonzero(_matches(part, image, black)))
        ]
        assert found
        number, row, column = found[0]
        piece = parts[number][row : row + 16, column : column + 16].astype(int)
        np.testing.assert_array_equal(image, np.abs(piece - digit))


def _matches(part, image, black):
    """Where in a part the pixels are those of an image, as far as it is the photograph's."""
    windows = np.lib.stride_tricks.sliding_window_view(part, (16, 16), axis=(0, 1))  # [rows, columns, 3, 16, 16]
    own, matches = np.argwhere(black), None
    for row, column in own:
        same = (windows[:, :, :, row, column] == image[row, column]).all(axis=-1)
        matches = same if matches is None else matches & same
    return matches


def test_pieces_of_a_test_are_of_other_parts():
    """No pixel is in both: columns of the train's parts and the test's are the whole photograph."""
    widths = [sum(part.shape[1] for part in photos.parts(split, (28, 28))) for split in ("train", "test")]
    assert sum(widths) == 2 * 640
    with pytest.raises(ValueError, match="image_size=200x200: the photographs' parts to test on have 427x128 pixels"):
        photos.parts("test", (200, 200))


@pytest.mark.parametrize("name", ["recolored:digits", "colored:digits"])
def test_examples_are_always_the_same(name, digits):
    source, again = load(name), load(name)
    np.testing.assert_array_equal(source[ROWS]["image"], again[ROWS]["image"])
    np.testing.assert_array_equal(source[ROWS[::-1]]["image"][::-1], source[ROWS]["image"])
    np.testing.assert_array_equal(keep(source, ROWS[50:])[np.arange(3)]["image"], source[ROWS[50:53]]["image"])
    assert source.digest == again.digest != digits.digest
    assert source.spec["image"].shape == (16, 16, 3) and source[ROWS]["image"].dtype == np.uint8
    np.testing.assert_array_equal(source.labels, digits.labels)
    assert source.classes == digits.classes
    assert load("recolored:digits").digest != load("colored:digits").digest


def test_colored_is_white_in_any_hue(digits):
    """Black stays; the brightest channel is as bright as the digit, so that a classifier of digits reads it."""
    images = load("colored:digits")[ROWS]["image"]
    np.testing.assert_array_equal(images.max(axis=-1), digits[ROWS]["image"][..., 0])
    assert (images.min(axis=-1) <= images.max(axis=-1) / 100 + 1).all()
    assert hues.spread(hues.hues(images)) > 0.85
    found = monitor.find_extractor(ScoringConfig(), "colored:digits", (16, 16, 3))
    looked = features.extract(found, [images], total=200)
    single = features.load_classifier(features.EXTRACTORS / "digits.npz")
    expected = features.extract(single, [digits[ROWS]["image"]], total=200)
    np.testing.assert_allclose(looked.probabilities, expected.probabilities, atol=1e-4)
    assert found.name == "colored_digits-cnn" and colored_of("recolored:digits") is None


def test_colours_are_no_gray():
    with pytest.raises(ValueError, match="recolored:photos: takes gray images, these have 3 channels"):
        load("recolored:photos")
    with pytest.raises(ValueError, match="unknown dataset 'birds'"):
        load("colored:birds")
