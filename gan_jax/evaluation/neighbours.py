"""Measures by nearest neighbours: are samples near the data, and is the data near samples?

Distances are taken block by block, in float64: memory for BLOCK rows of them, however many features there are.
"""

from collections.abc import Iterator

import numpy as np

from gan_jax.evaluation.frechet import as_features

Array = np.ndarray
BLOCK = 1024


def precision_recall(real: Array, fake: Array, *, k: int = 5) -> tuple[float, float]:
    """Improved precision and recall of features [N, d] and [M, d] (Kynkäänniemi et al. 2019, arXiv:1904.06991).

    Precision: the fraction of fake features within the ball of any real one, whose radius is the distance to its k-th
    nearest other real one (equation 2; on the ball counts). Recall: the same with the roles exchanged. The paper takes
    k=3; 5 is that of density and coverage. Raises ValueError unless both have more than k features, all finite.
    """
    real, fake = _centred(real, fake)
    real_radii, fake_radii = radii(real, k), radii(fake, k)
    precise, recalled = np.zeros(len(fake), bool), np.zeros(len(real), bool)
    for rows, distances in _blocks(real, fake):
        precise |= (distances <= real_radii[rows, None]).any(axis=0)
        recalled[rows] = (distances <= fake_radii).any(axis=1)
    return float(precise.mean()), float(recalled.mean())


def density_coverage(real: Array, fake: Array, *, k: int = 5) -> tuple[float, float]:
    """Density and coverage of features [N, d] and [M, d] (Naeem et al. 2020, arXiv:2002.09797, equations 5 and 6).

    Density: how many real balls a fake feature lies in, on average, over k; it may be above 1. Coverage: the fraction of
    real balls that hold a fake feature. The balls are those of precision. Raises as `precision_recall`.
    """
    real, fake = _centred(real, fake)
    real_radii = radii(real, k)
    held, covered = 0, np.zeros(len(real), bool)
    for rows, distances in _blocks(real, fake):
        within = distances <= real_radii[rows, None]
        held += within.sum()
        covered[rows] = within.any(axis=1)
    return float(held / (k * len(fake))), float(covered.mean())


def radii(features: Array, k: int) -> Array:
    """The distance of each feature [N, d] to its k-th nearest other, [N]. Raises ValueError unless N > k > 0."""
    features = as_features(features)
    if not 0 < k < len(features):
        raise ValueError(f"k={k}: must be at least 1 and less than the number of features, {len(features)}")
    found = np.empty(len(features))
    for rows, distances in _blocks(features, features):
        distances[np.arange(len(rows)), rows] = 0  # itself comes first
        found[rows] = np.partition(distances, k, axis=1)[:, k]
    return found


def nearest(queries: Array, features: Array, k: int = 1) -> tuple[Array, Array]:
    """For each query [M, d] its k nearest features of [N, d]: distances [M, k], ascending, and indices [M, k].

    Raises ValueError unless N ≥ k > 0.
    """
    if not 0 < k <= len(features):
        raise ValueError(f"k={k}: must be at least 1 and at most the number of features, {len(features)}")
    queries, features = _centred(queries, features)
    found, indices = np.empty((len(queries), k)), np.empty((len(queries), k), np.int64)
    for rows, distances in _blocks(queries, features):
        some = np.argpartition(distances, k - 1, axis=1)[:, :k]
        # The few that are returned are computed anew, difference by difference, without the rounding of squares.
        exact = np.array([np.linalg.norm(features[own] - queries[row], axis=1) for row, own in zip(rows, some)])
        order = exact.argsort(axis=1, kind="stable")
        indices[rows] = np.take_along_axis(some, order, axis=1)
        found[rows] = np.take_along_axis(exact, order, axis=1)
    return found, indices


def _centred(a: Array, b: Array) -> tuple[Array, Array]:
    """Both in float64 around a common origin: far from it, differences would drown in rounding."""
    a, b = as_features(a), as_features(b)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"features of {a.shape[1]} and of {b.shape[1]} dimensions cannot be compared")
    origin = a.mean(axis=0)
    return a - origin, b - origin


def _blocks(a: Array, b: Array) -> Iterator[tuple[Array, Array]]:
    """Yields (rows of a, their distances to all of b [rows, M])."""
    a_squares, b_squares = (np.einsum("nd,nd->n", x, x) for x in (a, b))
    for start in range(0, len(a), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(a)))
        squares = a_squares[rows, None] + b_squares
        # What is within rounding of 0 is 0, so that equal features are at distance 0, on the ball of radius 0 too.
        rounding = 4 * np.sqrt(a.shape[1]) * np.finfo(np.float64).eps * squares
        squares -= 2 * (a[rows] @ b.T)
        squares[squares <= rounding] = 0
        yield rows, np.sqrt(squares, out=squares)
