"""How the frames of videos look, one by one, to a network of images: beside real frames, and beside each other in a video."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from gan_jax.config.parts import ScoringConfig
from gan_jax.data import moving
from gan_jax.evaluation import features, metrics, videos
from gan_jax.evaluation.features import Extractor, Features
from gan_jax.evaluation.scores import short
from gan_jax.runs import monitor

Array = np.ndarray
NAME = "frames"
VIDEOS = 500  # that are looked at, at most


class Looking(NamedTuple):
    """How frames are looked at: by a network; cut to what is bright, to as many pixels a side, or whole where that is None."""

    extractor: Extractor
    side: int | None


def looking(dataset: str, frame_shape: tuple[int, int, int]) -> Looking:
    """As suits a dataset: the one image of a video of moving:1:NAME is cut out, to be seen by the network that knows NAME.

    Raises ValueError or OSError if no network takes such frames.
    """
    found = moving.FORM.fullmatch(dataset)
    if found and found[1] == "1":
        extractor = monitor.find_extractor(ScoringConfig(), found[2], frame_shape)
        return Looking(extractor, extractor.sides[0] if extractor.knows_classes else None)
    extractor = features.for_any_images(frame_shape)
    if extractor is None:
        raise ValueError(f"{NAME}: no extractor takes frames of {frame_shape[-1]} channels")
    return Looking(extractor, None)


def numbers(how: Looking, real: Array, fake: Array) -> dict[str, float]:
    """Of videos uint8 [N, T, H, W, C], named by the network and by how many videos were compared.

    frame_frechet_distance: of all frames. content_distance: of two frames of a fake video, the mean over all pairs, Euclidean in
    features (Tulyakov et al. 2018, section 4.1); 0 of one that stands still. same_class: how many fake videos' last frames are
    taken for the same as the first; where the network knows such frames.
    """
    real, fake = real[:VIDEOS], fake[:VIDEOS]
    seen = [_look(how, each, title) for each, title in ((real, "real frames"), (fake, "frames"))]
    found = {
        "frame_frechet_distance": metrics.frechet_distance(*(each.features for each in seen)),
        "content_distance": content_distance(seen[1].features.reshape(*fake.shape[:2], -1)),
    }
    if how.side is not None:
        classes = seen[1].probabilities.argmax(axis=1).reshape(fake.shape[:2])
        found["same_class"] = np.mean(classes[:, 0] == classes[:, -1])
    return {f"{name}[{how.extractor.name},{short(len(fake))}]": float(value) for name, value in found.items()}


def content_distance(frames: Array) -> float:
    """The mean Euclidean distance between two frames of a video, of features [N, T, d]. Raises ValueError for a single frame."""
    if frames.shape[1] < 2:
        raise ValueError("content_distance: of videos of two frames or more")
    first, second = np.triu_indices(frames.shape[1], 1)
    return float(np.mean([np.linalg.norm(each[first] - each[second], axis=1).mean() for each in frames]))


def _look(how: Looking, given: Array, title: str) -> Features:
    """What the network sees of all frames, [N T, ...]."""

    def batches() -> Iterator[Array]:
        for video in given:
            yield video if how.side is None else videos.cut_around(video[None], how.side)[0]

    return features.extract(how.extractor, batches(), total=len(given) * given.shape[1], title=title)
