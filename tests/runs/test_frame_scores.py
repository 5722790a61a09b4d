"""Frames of videos as a network of images sees them: of digits that stay themselves, or do not, and of what stands still."""

import numpy as np
import pytest

from gan_jax.data import sources
from gan_jax.evaluation import metrics
from gan_jax.runs import frame_scores
from gan_jax.runs.frame_scores import Looking, content_distance


def digits(split="test"):
    return sources.load("moving:1:digits", split=split, frames=4)[np.arange(40)]["video"]


@pytest.fixture
def how():
    return frame_scores.looking("moving:1:digits", (32, 32, 1))


def test_who_looks(how):
    """One moving image is cut out for the network that knows such; of two, or of other videos, frames are seen whole."""
    assert (how.extractor.name, how.side) == ("digits-cnn", 16)
    for dataset, shape in (("moving:digits", (32, 32, 1)), ("videos:/some/where", (32, 32, 3))):
        found = frame_scores.looking(dataset, shape)
        assert (found.extractor.name, found.side) == ("emoji-cnn", None)
    with pytest.raises(ValueError, match="frames: no extractor takes frames of 2 channels"):
        frame_scores.looking("videos:/some/where", (32, 32, 2))


def test_digits_that_stay_themselves(how):
    """Real ones do; where another video's frame comes last but few do; the distance of frames grows with it."""
    real, others = digits(), digits("train")
    own = frame_scores.numbers(how, others, real)
    assert own["same_class[digits-cnn,40]"] > 0.9
    mixed = np.concatenate([real[:, :3], np.roll(real, 1, axis=0)[:, 3:]], axis=1)
    found = frame_scores.numbers(how, others, mixed)
    assert found["same_class[digits-cnn,40]"] < 0.4
    assert found["content_distance[digits-cnn,40]"] > 2 * own["content_distance[digits-cnn,40]"]
    still = frame_scores.numbers(how, others, np.repeat(real[:, :1], 4, axis=1))
    assert still["content_distance[digits-cnn,40]"] < 1e-4


def test_the_distance_of_frames_is_that_of_cut_out_digits(how):
    """By hand: what comes of the network's features of each digit, alone and in the middle."""
    real, others = digits(), digits("train")
    features = []
    for videos in (others, real):
        cut = frame_scores.videos.cut_around(videos, 16).reshape(-1, 16, 16, 1)
        features.append(np.asarray(how.extractor.apply(how.extractor.variables, cut)[0]))
    found = frame_scores.numbers(how, others, real)["frame_frechet_distance[digits-cnn,40]"]
    assert found == pytest.approx(metrics.frechet_distance(*features), rel=1e-3)
    same = frame_scores.numbers(how, real, real)["frame_frechet_distance[digits-cnn,40]"]
    assert same < 0.01 * found


def test_whole_frames():
    """Of other videos nothing is cut, and no class is known."""
    how = frame_scores.looking("videos:/some/where", (32, 32, 1))
    found = frame_scores.numbers(how, digits("train"), digits())
    assert {name.partition("[")[0] for name in found} == {"frame_frechet_distance", "content_distance"}


def test_content_distance():
    """The mean over three pairs of frames."""
    frames = np.array([[[0.0, 0], [3, 4], [0, 0]], [[1, 1], [1, 1], [1, 1]]])
    assert content_distance(frames) == pytest.approx((5 + 5 + 0) / 3 / 2)
    with pytest.raises(ValueError, match="two frames or more"):
        content_distance(frames[:, :1])


def test_no_more_videos_than_said(how, monkeypatch):
    monkeypatch.setattr(frame_scores, "VIDEOS", 7)
    found = frame_scores.numbers(Looking(how.extractor, 16), digits("train"), digits())
    assert "content_distance[digits-cnn,7]" in found
