"""What is measured of videos without a network: known ways of a bright spot, and what repeats."""

import numpy as np
import pytest

from gan_jax.data import sources
from gan_jax.evaluation import videos


def spot(places, side=16):
    """A video of one bright pixel at each place (down, right)."""
    video = np.zeros((1, len(places), side, side, 1), np.uint8)
    for frame, (down, right) in enumerate(places):
        video[0, frame, down, right] = 200
    return video


def test_centres():
    places = [(3, 4), (5, 4), (15, 0)]
    np.testing.assert_allclose(videos.centres(spot(places))[0], places)
    two = spot([(2, 2)]) + spot([(4, 8)])
    np.testing.assert_allclose(videos.centres(two), [[[3, 5]]])
    brighter = spot([(2, 2)]) // 2 + spot([(4, 8)])
    np.testing.assert_allclose(videos.centres(brighter), [[[10 / 3, 6]]])
    np.testing.assert_allclose(videos.centres(np.zeros((1, 1, 16, 16, 3), np.uint8)), [[[7.5, 7.5]]])


def test_speeds():
    np.testing.assert_allclose(videos.speeds(spot([(0, 0), (3, 4), (3, 4), (3, 10)])), [[5, 0, 6]])


@pytest.mark.parametrize(
    ("across", "count"),
    [
        ([1, 3, 5, 7, 9], 0),
        ([1, 3, 5, 3, 1], 1),
        ([1, 3, 5, 5, 3, 1], 1),  # it rests where it turns
        ([1, 5, 1, 5, 1], 3),
        ([4, 4, 4, 4, 4], 0),
    ],
)
def test_bounces(across, count):
    assert videos.bounces(spot([(2, right) for right in across])) == count
    assert videos.bounces(spot([(down, 2) for down in across])) == count
    assert videos.bounces(spot([(down, down) for down in across])) == 2 * count


def test_a_little_wavering_is_no_bounce():
    """Half a pixel back and forth: of two spots one flickers."""
    frames = [np.clip(spot([(2, 4)]).astype(int) + (i % 2) * 20 * (spot([(2, 5)]) > 0), 0, 255) for i in range(8)]
    assert videos.bounces(np.concatenate(frames, axis=1).astype(np.uint8)) == 0


def test_what_repeats():
    random = np.random.RandomState(0)
    noise = random.randint(0, 256, (3, 16, 8, 8, 1)).astype(np.uint8)
    looping = np.tile(noise[:, :4], (1, 4, 1, 1, 1))
    np.testing.assert_allclose(videos.repeats(looping), 1, atol=1e-5)
    np.testing.assert_allclose(videos.autocorrelation(looping)[:, [3, 7, 11]], 1, atol=1e-5)
    assert (videos.autocorrelation(looping)[:, [0, 1, 2]] < 0.9).all()
    assert (videos.repeats(noise) < 0.2).all()
    np.testing.assert_allclose(videos.repeats(np.repeat(noise[:, :1], 16, axis=1)), 1)
    half = np.tile(noise[:, :8], (1, 2, 1, 1, 1))
    np.testing.assert_allclose(videos.repeats(half), 1, atol=1e-5)


def test_autocorrelation_is_numpy_s():
    """Of a video of one pixel, the correlation of a series and the same later, about its mean."""
    values = np.random.RandomState(1).randint(0, 256, 12).astype(np.uint8)
    series = values - values.mean()
    wanted = [
        (series[:-lag] @ series[lag:]) / np.sqrt((series[:-lag] @ series[:-lag]) * (series[lag:] @ series[lag:]))
        for lag in range(1, 12)
    ]
    np.testing.assert_allclose(videos.autocorrelation(values.reshape(1, -1, 1, 1, 1))[0], wanted, rtol=1e-5)


def test_what_is_bright_is_cut_out():
    """A digit is the same wherever it is, up to a rounded pixel; beyond edges it is black."""
    there = spot([(0, 0), (7, 9), (15, 15)])
    cut = videos.cut_around(there, 5)
    assert cut.shape == (1, 3, 5, 5, 1)
    assert (cut == spot([(2, 2)] * 3, side=5)).all()
    digits = sources.load("moving:1:digits", split="test", frames=6)[np.arange(5)]["video"]
    cut = videos.cut_around(digits, 18)
    assert (cut[:, 1:] == cut[:, :1]).all()
    assert cut.sum() == digits.sum()
