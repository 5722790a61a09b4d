"""Images that move: their ways by hand, equal for equal numbers, and what is refused."""

import numpy as np
import pytest

from gan_jax.data import moving, sources
from gan_jax.data.moving import Moving
from gan_jax.data.source import ArraySource


@pytest.fixture
def dots():
    """Ten images of 2×2, of the levels 10, 20, ..., whose classes are their numbers."""
    images = np.broadcast_to((10 * np.arange(1, 11, dtype=np.uint8))[:, None, None, None], (10, 2, 2, 1))
    return ArraySource({"image": images, "label": np.arange(10, dtype=np.int32)}, tuple("0123456789"))


def test_ways_are_straight_and_bounce(dots):
    """Where neither edge is met the steps are equal; a tenth of the way in all, and no corner is left."""
    source = Moving(dots, 50, 0, 1, 40, 102)
    for index in range(20):
        (places,) = source.places(index, 2, 2)
        assert places.min() >= 0
        assert places.max() <= 100
        steps = np.diff(places, axis=0)
        lengths = np.hypot(*steps.T)
        assert lengths.max() <= 10 + 1.5  # rounded to pixels
        turns = np.abs(np.diff(steps, axis=0)).max(axis=1) > 1
        assert 2 <= turns.sum() <= 16  # 40 steps of a tenth each meet some edges, and most of them none
        assert np.median(lengths) == pytest.approx(10, abs=1)


def test_what_is_seen(dots):
    """Two images of a video, each whole in every frame unless the lighter one hides it."""
    source = Moving(dots, 50, 0, 2, 6, 12)
    videos = source[np.arange(50)]["video"]
    assert videos.shape == (50, 6, 12, 12, 1)
    for index, video in enumerate(videos):
        levels = sorted(10 * (1 + source.chosen[index]))
        places = source.places(index, 2, 2)
        for frame, corners in zip(video, places.swapaxes(0, 1)):
            assert (frame == levels[1]).sum() == 4 or levels[0] == levels[1]
            for (top, left), number in zip(corners, source.chosen[index]):
                assert (frame[top : top + 2, left : left + 2] >= 10 * (1 + number)).all()
            assert (frame > 0).sum() <= 8


def test_the_same_each_time_and_for_each_number_of_frames(dots):
    source = Moving(dots, 50, 0, 2, 6, 12)
    rows = np.array([7, 3, 7])
    once, again = source[rows]["video"], source[rows]["video"]
    assert (once == again).all()
    assert (once[0] == once[2]).all()
    assert (once[0] != once[1]).any()
    assert (Moving(dots, 50, 0, 2, 4, 12)[rows]["video"] == once[:, :4]).all()
    assert (Moving(dots, 50, 1, 2, 6, 12)[rows]["video"] != once).any()


def test_names():
    source = sources.load("moving:1:digits", frames=5, image_size=24)
    assert source.spec["video"].shape == (5, 24, 24, 1)
    assert source.classes == tuple("0123456789")
    assert len(source) == 10_000
    batch = source[np.arange(20)]
    assert (batch["label"] == source.labels[:20]).all()
    two = sources.load("moving:digits", split="test")
    assert two.spec.keys() == {"video"}
    assert two.spec["video"].shape == (moving.FRAMES, moving.SIDE, moving.SIDE, 1)
    assert len(two) == 1000


@pytest.mark.parametrize(
    ("name", "size", "said"),
    [
        ("moving:", None, "must be moving:NAME"),
        ("moving:3:digits", None, "must be moving:NAME"),
        ("moving:nothing", None, "unknown dataset 'nothing'"),
        ("moving:photos", 64, "takes gray images, these have 3 channels"),
        ("moving:digits", 8, "must be a side of at least 16"),
        ("moving:digits", (32, 40), "image_size=32x40: must be a side"),
    ],
)
def test_what_is_refused(name, size, said):
    with pytest.raises(ValueError, match=said):
        sources.load(name, image_size=size)
