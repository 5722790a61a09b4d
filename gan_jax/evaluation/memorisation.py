"""Does a generator return its training images? Samples are no nearer to them than new images of the same kind are.

Distances are Euclidean between images as they are, in units of gray levels (0..255) a pixel: the root mean square.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from gan_jax.evaluation.neighbours import nearest

Array = np.ndarray
COPY = 1 / 3
EXCESS = 0.01


class Memorisation(NamedTuple):
    """How near samples are to training images, beside images that the generator cannot have seen.

    Fields:
      sample_distance, held_out_distance: the median distance to the nearest training image.
      nearer: the probability that a sample is nearer to the training images than a held-out image is, ties counting
        half: 0.5 if they are alike, 1 if samples are copies (Meehan et al. 2020, arXiv:2004.05675, section 3, their U
        as a probability and with the sign reversed). Poor samples that all look like the mean image raise it too.
      copies, held_out_copies: the fraction that are at most a third as far from the nearest training image as from
        the second nearest (Yoon et al. 2023, "Diffusion Probabilistic Models Generalize when They Fail to Memorize",
        section 3). Of a training image that is there twice, exact copies are found, others are not.
      flagged: whether copies exceed those of held-out images by more than 1 in 100.
    """

    sample_distance: float
    held_out_distance: float
    nearer: float
    copies: float
    held_out_copies: float
    flagged: bool


class Pairs(NamedTuple):
    """Samples and their nearest training images, [n, H, W, C] uint8, what is most like a copy first."""

    samples: Array
    training: Array


def memorisation(
    samples: Array,
    training: Iterable[Array],
    held_out: Array,
    *,
    held_out_is_training: bool = False,
    shown: int = 32,
) -> tuple[Memorisation, Pairs]:
    """Compares uint8 images [N, H, W, C] with the training images, and held-out images [M, H, W, C] likewise.

    Args:
      samples: what a generator drew.
      training: all images that it was trained on, in batches [B, H, W, C]; one batch is in memory at a time.
      held_out: other images of the same kind.
      held_out_is_training: they are among the training images, for want of others, so each is compared with the rest.
      shown: how many pairs to return.
    Raises ValueError for images of different shapes, or fewer than 3 training images.
    """
    if samples.shape[1:] != held_out.shape[1:] or not len(samples) or not len(held_out):
        raise ValueError(f"samples {list(samples.shape)} cannot be compared with images {list(held_out.shape)}")
    distances, images = _three_nearest(np.concatenate([samples, held_out]), training)
    near, other = distances[: len(samples), :2], distances[len(samples) :]
    other = other[:, 1:] if held_out_is_training else other[:, :2]
    copies, held_out_copies = (float(np.mean(x[:, 0] <= COPY * x[:, 1])) for x in (near, other))
    ratios = np.divide(near[:, 0], near[:, 1], out=np.zeros(len(near)), where=near[:, 1] > 0)
    order = ratios.argsort(kind="stable")[:shown]
    measured = Memorisation(
        sample_distance=float(np.median(near[:, 0])),
        held_out_distance=float(np.median(other[:, 0])),
        nearer=_probability_less(near[:, 0], other[:, 0]),
        copies=copies,
        held_out_copies=held_out_copies,
        flagged=copies > held_out_copies + EXCESS,
    )
    return measured, Pairs(samples[order], images[order])


def _three_nearest(queries: Array, training: Iterable[Array]) -> tuple[Array, Array]:
    """The distances of each query to its three nearest training images, [N, 3], ascending, and the nearest [N, ...]."""
    unit = np.sqrt(np.prod(queries.shape[1:]))
    flat = lambda images: images.reshape(len(images), -1) / unit
    asked = flat(queries)
    found, closest = np.full((len(queries), 3), np.inf), np.zeros_like(queries)
    count = 0
    for batch in training:
        if batch.shape[1:] != queries.shape[1:]:
            raise ValueError(f"images {list(queries.shape)} cannot be compared with images {list(batch.shape)}")
        count += len(batch)
        distances, indices = nearest(asked, flat(batch), min(3, len(batch)))
        nearer = distances[:, 0] < found[:, 0]
        closest[nearer] = batch[indices[nearer, 0]]
        found = np.sort(np.concatenate([found, distances], axis=1), axis=1)[:, :3]
    if count < 3:
        raise ValueError(f"memorisation needs at least 3 training images, got {count}")
    return found, closest


def _probability_less(a: Array, b: Array) -> float:
    """P(a < b) + ½ P(a = b) of two samples: Mann and Whitney's U over the number of pairs."""
    b = np.sort(b)
    greater = len(b) - np.searchsorted(b, a, side="right")
    equal = np.searchsorted(b, a, side="right") - np.searchsorted(b, a, side="left")
    return float(np.mean(greater + equal / 2) / len(b))
