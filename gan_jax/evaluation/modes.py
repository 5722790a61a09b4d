"""How many modes a generator covers, and how well: of a mixture in the plane, or by a classifier's labels."""

from typing import NamedTuple

import numpy as np

from gan_jax.data.mixtures import Mixture


class Modes(NamedTuple):
    """What samples of a mixture are measured by (Lin et al. 2018, PacGAN, arXiv:1712.04086, section 4.1).

    Fields:
      modes: how many have a sample of high quality, that is, one within 3 deviations of its nearest center.
      high_quality: the fraction of samples that are so.
      reverse_kl: KL(p ‖ uniform) in nats, p the shares of the modes in the samples of high quality; log K if there
        are none. About (K - 1) / 2N for N samples of the mixture itself.
    """

    modes: int
    high_quality: float
    reverse_kl: float


class Coverage(NamedTuple):
    """Fields:

    modes: how many have a sample.
    reverse_kl: KL(p ‖ q) in nats, p the modes' shares in the samples, q in the data.
    """

    modes: int
    reverse_kl: float


def mode_coverage(labels: np.ndarray, num_modes: int, real_labels: np.ndarray | None = None) -> Coverage:
    """Coverage by labels [N] in [0, num_modes) that a classifier gave to samples.

    As Stacked MNIST's 1,000 modes are counted (Metz et al. 2017, arXiv:1611.02163, section 3.3.1; PacGAN, section 4.2).

    Args: real_labels: of the data, [M]; None takes its modes for equally frequent. One is added to each mode's count, so
      that a mode that the data lack makes the KL large, but not infinite.
    Raises ValueError if there are no labels or any is out of range.
    """
    counts = _counts(labels, num_modes)
    real_counts = np.ones(num_modes) if real_labels is None else _counts(real_labels, num_modes) + 1
    return Coverage(int((counts > 0).sum()), max(0.0, _kl(counts, real_counts)))


def stacked_labels(labels: np.ndarray, num_classes: int = 10) -> np.ndarray:
    """The mode of images of several digits, one a channel: labels [N, C] -> [N], (a, b, c) -> 100 a + 10 b + c."""
    return np.asarray(labels) @ num_classes ** np.arange(np.shape(labels)[1])[::-1]


def _counts(labels: np.ndarray, num_modes: int) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.size == 0 or labels.min() < 0 or labels.max() >= num_modes:
        raise ValueError(f"labels must be at least one number from 0 to {num_modes - 1}")
    return np.bincount(labels, minlength=num_modes)


def mode_quality(samples: np.ndarray, mixture: Mixture) -> Modes:
    """Measures samples [N, 2], in the mixture's own units. One that is not finite is not of high quality."""
    distances = np.linalg.norm(samples[:, None] - mixture.centers, axis=-1)
    distances = np.where(np.isfinite(distances), distances, np.inf)
    good = distances.min(axis=1) <= 3 * mixture.deviation
    counts = np.bincount(distances.argmin(axis=1)[good], minlength=len(mixture.centers))
    reverse_kl = _kl(counts, np.ones(len(counts))) if counts.any() else float(np.log(len(counts)))
    return Modes(int((counts > 0).sum()), float(good.mean()), reverse_kl)


def _kl(p: np.ndarray, q: np.ndarray) -> float:
    """KL(p ‖ q) in nats of counts [K]; those of q are above 0."""
    p, q = p[p > 0] / p.sum(), q[p > 0] / q.sum()
    return float(np.sum(p * np.log(p / q)))
