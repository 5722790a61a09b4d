"""How many modes of a mixture a generator covers, and how well."""

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


def mode_quality(samples: np.ndarray, mixture: Mixture) -> Modes:
    """Measures samples [N, 2], in the mixture's own units. One that is not finite is not of high quality."""
    distances = np.linalg.norm(samples[:, None] - mixture.centers, axis=-1)
    distances = np.where(np.isfinite(distances), distances, np.inf)
    good = distances.min(axis=1) <= 3 * mixture.deviation
    counts = np.bincount(distances.argmin(axis=1)[good], minlength=len(mixture.centers))
    return Modes(int((counts > 0).sum()), float(good.mean()), _kl_to_uniform(counts))


def _kl_to_uniform(counts: np.ndarray) -> float:
    if not counts.any():
        return float(np.log(len(counts)))
    p = counts[counts > 0] / counts.sum()
    return float(np.sum(p * np.log(p * len(counts))))
