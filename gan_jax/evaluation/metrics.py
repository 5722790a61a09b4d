"""Features and class probabilities to numbers. Arrays in, floats out, in float64.

All measures that experiments use have their public names here; those that need more than a formula are in files of
their own beside it.
"""

import numpy as np

from gan_jax.evaluation.frechet import as_features, frechet_distance, frechet_distance_from_stats
from gan_jax.evaluation.image_metrics import ms_ssim, sliced_wasserstein
from gan_jax.evaluation.modes import Coverage, mode_coverage, stacked_labels
from gan_jax.evaluation.neighbours import density_coverage, precision_recall

__all__ = [
    "Coverage",
    "density_coverage",
    "frechet_distance",
    "frechet_distance_from_stats",
    "inception_score",
    "jensen_shannon",
    "kernel_distance",
    "kl_divergence",
    "mode_coverage",
    "mode_score",
    "ms_ssim",
    "precision_recall",
    "sliced_wasserstein",
    "stacked_labels",
]

Array = np.ndarray
BLOCK = 1024  # rows of a kernel matrix that are held at once


def kernel_distance(a: Array, b: Array, *, block_size: int | None = None) -> tuple[float, float]:
    """The unbiased squared MMD of features [N, d] and [M, d] with the kernel (x·y/d + 1)³, as (mean, std).

    KID (Bińkowski et al. 2018, arXiv:1801.01401, section 4 and equation 4, its unbiased form). It is unbiased, so it may
    be negative, and its mean does not depend on how many features there are.

    Args: block_size: None takes all at once, and std is 0. Else the sets are cut into blocks of so many, in their order,
      the rest left out; mean and standard deviation (ddof 1; 0 of a single block) are over the blocks.
    Raises ValueError for fewer than 2 features a block, or ones that are not finite.
    """
    a, b = as_features(a), as_features(b)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"features of {a.shape[1]} and of {b.shape[1]} dimensions cannot be compared")
    least = min(len(a), len(b))
    if least < 2 or (block_size is not None and not 2 <= block_size <= least):
        raise ValueError(f"the kernel distance needs 2 to {least} features a block, got block_size={block_size}")
    if block_size is None:
        return _squared_mmd(a, b), 0.0
    starts = range(0, least - block_size + 1, block_size)
    blocks = [_squared_mmd(a[start : start + block_size], b[start : start + block_size]) for start in starts]
    return float(np.mean(blocks)), float(np.std(blocks, ddof=1)) if len(blocks) > 1 else 0.0


def inception_score(probabilities: Array, splits: int = 1) -> tuple[float, float]:
    """exp E_x KL(p(y|x) ‖ p(y)) of class probabilities [N, K], as (mean, std) over `splits` equal parts; 1 to K.

    Salimans et al. 2016 (arXiv:1606.03498, section 4); p(y) is the mean of the part; std has ddof 0, as in their code.
    Raises ValueError unless rows are probabilities (they sum to 1 within 1e-3), and N ≥ splits ≥ 1.
    """
    p = _as_probabilities(probabilities)
    if not 1 <= splits <= len(p):
        raise ValueError(f"splits={splits}: must be 1 to the number of samples, {len(p)}")
    scores = [np.exp(_kl_rows(part, part.mean(axis=0)).mean()) for part in np.array_split(p, splits)]
    return float(np.mean(scores)), float(np.std(scores))


def mode_score(fake: Array, real: Array) -> float:
    """exp(E_x KL(p(y|x) ‖ p(y)) - KL(p(y) ‖ p*(y))) of class probabilities [N, K]; p* is the mean of the real ones.

    Che et al. 2017 (arXiv:1612.02136, section 4.1) as they mean it; the p(y) of samples in the first term is the
    Inception score's (Xu et al. 2018, arXiv:1806.07755, section 2.2). Raises as `inception_score`.
    """
    p, real_mean = _as_probabilities(fake), _as_probabilities(real).mean(axis=0)
    mean = p.mean(axis=0)
    return float(np.exp(_kl_rows(p, mean).mean() - kl_divergence(mean, real_mean)))


def kl_divergence(p: Array, q: Array) -> float:
    """KL(p ‖ q) in nats of two histograms [K], counts or shares; infinite if q lacks what p has."""
    p, q = (_as_histogram(x) for x in (p, q))
    return max(0.0, float(_kl_rows(p[None], q)[0]))


def jensen_shannon(p: Array, q: Array) -> float:
    """½ KL(p ‖ m) + ½ KL(q ‖ m) in nats, m = (p + q) / 2, of two histograms [K]: 0 to log 2."""
    p, q = (_as_histogram(x) for x in (p, q))
    return (kl_divergence(p, (p + q) / 2) + kl_divergence(q, (p + q) / 2)) / 2


def _squared_mmd(a: Array, b: Array) -> float:
    n, m = len(a), len(b)
    kernel = lambda x, y: (x @ y.T / x.shape[1] + 1) ** 3
    total = lambda x, y: sum(kernel(x[start : start + BLOCK], y).sum() for start in range(0, len(x), BLOCK))
    diagonal = lambda x: ((np.einsum("nd,nd->n", x, x) / x.shape[1] + 1) ** 3).sum()
    within = (total(a, a) - diagonal(a)) / (n * (n - 1)) + (total(b, b) - diagonal(b)) / (m * (m - 1))
    return float(within - 2 * total(a, b) / (n * m))


def _kl_rows(p: Array, q: Array) -> Array:
    """KL of each row of p [N, K] to q [K]; 0 log 0 is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p > 0, p * (np.log(p) - np.log(q)), 0).sum(axis=-1)


def _as_probabilities(probabilities: Array) -> Array:
    p = as_features(probabilities)
    if (p < 0).any() or np.abs(p.sum(axis=1) - 1).max() > 1e-3:
        raise ValueError("class probabilities must be at least 0 and sum to 1 in each row")
    return p / p.sum(axis=1, keepdims=True)


def _as_histogram(counts: Array) -> Array:
    counts = np.asarray(counts, np.float64)
    if counts.ndim != 1 or not np.isfinite(counts).all() or (counts < 0).any() or counts.sum() == 0:
        raise ValueError("a histogram is a list of counts or shares, at least 0 and not all 0")
    return counts / counts.sum()
