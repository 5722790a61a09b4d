"""The Fréchet distance between two sets of features, each taken for a Gaussian (FID, with Inception's features)."""

from typing import NamedTuple

import jax
import numpy as np
from jax.experimental import multihost_utils

Array = np.ndarray


class FeatureStatistics(NamedTuple):
    """Mean and covariance of features that come in batches: memory for one matrix [d, d], sums in float64.

    Fields:
      count: how many features were added.
      mean: theirs, [d].
      scatter: the sum of (x - mean)(x - mean)ᵀ, [d, d].
    """

    count: int = 0
    mean: Array | float = 0.0
    scatter: Array | float = 0.0

    def add(self, features: Array) -> "FeatureStatistics":
        """With the features [n, d] added. Raises ValueError if they are not finite."""
        x = as_features(features)
        mean = x.mean(axis=0)
        centred = x - mean
        return self.merge(FeatureStatistics(len(x), mean, centred.T @ centred))

    def merge(self, other: "FeatureStatistics") -> "FeatureStatistics":
        """Both together, in any order (Chan, Golub & LeVeque 1983, equation 2.1)."""
        count = self.count + other.count
        if count == 0:
            return self
        step = np.subtract(other.mean, self.mean)
        between = np.multiply.outer(step, step) * (self.count * other.count / count)
        return FeatureStatistics(
            count, self.mean + step * (other.count / count), self.scatter + other.scatter + between
        )

    def over_processes(self) -> "FeatureStatistics":
        """All processes' together; each must call it."""
        if jax.process_count() == 1:
            return self
        own = np.concatenate([[self.count], np.ravel(self.mean), np.ravel(self.scatter)]).astype(np.float64)
        # As bytes: JAX would make float64 float32 on the way.
        gathered = np.asarray(multihost_utils.process_allgather(own.view(np.uint32)))
        total = FeatureStatistics()
        for row in gathered:
            numbers = row.view(np.float64)
            d = np.size(self.mean)
            total = total.merge(FeatureStatistics(int(numbers[0]), numbers[1 : 1 + d], numbers[1 + d :].reshape(d, d)))
        return total

    @property
    def covariance(self) -> Array:
        """[d, d], ddof 1. Raises ValueError for fewer than 2 features."""
        if self.count < 2:
            raise ValueError(f"a covariance needs at least 2 features, got {self.count}")
        return self.scatter / (self.count - 1)


def frechet_distance(features_a: Array, features_b: Array) -> float:
    """‖μ_a - μ_b‖² + tr(Σ_a + Σ_b - 2 (Σ_a Σ_b)^½) of features [N, d] and [M, d]; covariances with ddof 1.

    Heusel et al. 2017 (arXiv:1706.08500, equation 6). It falls with the number of features, so compare only what was
    measured with equal numbers. Raises ValueError for fewer than 2 features, or ones that are not finite.
    """
    a, b = (FeatureStatistics().add(features) for features in (features_a, features_b))
    return frechet_distance_from_stats(a.mean, a.covariance, b.mean, b.covariance)


def frechet_distance_from_stats(mu_a: Array, cov_a: Array, mu_b: Array, cov_b: Array) -> float:
    """The same from means [d] and covariances [d, d], in float64; always finite and never negative.

    With Σ_a = A Aᵀ and Σ_b = B Bᵀ, tr (Σ_a Σ_b)^½ is the sum of the singular values of Aᵀ B. A and B are made of the
    eigenvectors of the symmetric Σ, so a singular Σ needs no care, and no root of a rounding error is ever taken.
    """
    mu_a, mu_b, cov_a, cov_b = (np.asarray(x, np.float64) for x in (mu_a, mu_b, cov_a, cov_b))
    if mu_a.shape != mu_b.shape or cov_a.shape != cov_b.shape or cov_a.shape != (*mu_a.shape, *mu_a.shape):
        raise ValueError(
            f"means and covariances do not fit: {mu_a.shape}, {cov_a.shape} against {mu_b.shape}, {cov_b.shape}"
        )
    if not all(np.isfinite(x).all() for x in (mu_a, mu_b, cov_a, cov_b)):
        raise ValueError("means or covariances are not finite")
    cross = np.linalg.svd(_factor(cov_a).T @ _factor(cov_b), compute_uv=False).sum()
    distance = np.sum((mu_a - mu_b) ** 2) + np.trace(cov_a) + np.trace(cov_b) - 2 * cross
    return max(0.0, float(distance))


def as_features(features: Array) -> Array:
    """Features [N, d] in float64. Raises ValueError unless they are that, finite, and N > 0."""
    features = np.asarray(features, np.float64)
    if features.ndim != 2 or len(features) == 0:
        raise ValueError(f"features must be [N, d] with N > 0, got {list(features.shape)}")
    if not np.isfinite(features).all():
        raise ValueError("features are not finite: NaN or infinite")
    return features


def _factor(covariance: Array) -> Array:
    """A [d, r] with A Aᵀ the covariance, without the eigenvalues that are rounding errors."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    kept = values > len(values) * np.finfo(np.float64).eps * np.abs(values).max(initial=0.0)
    return vectors[:, kept] * np.sqrt(values[kept])
