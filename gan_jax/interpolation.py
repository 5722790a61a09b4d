"""Paths between latents, and frames on them from each of which to the next an image changes as much.

Arrays are NumPy's, computed in float64.
"""

from collections.abc import Callable

import numpy as np

EVEN = 1.1  # the largest step of frames that are even, relative to the mean
ROUNDS = 20  # in which frames are made even, at most; a jump of G that is 1e-6 of the path wide takes 15
ALIGNED = 1e-8  # sine of an angle, below which two vectors span no plane

Array = np.ndarray
Path = Callable[[Array, Array, Array], Array]


def lerp(a: Array, b: Array, t: Array) -> Array:
    """(1 - t) a + t b: the straight line. a and b are [..., d], t broadcasts with their [...]; exact at 0 and 1."""
    a, b, t = (np.asarray(array, np.float64) for array in (a, b, t))
    return (1 - t[..., None]) * a + t[..., None] * b


def slerp(a: Array, b: Array, t: Array) -> Array:
    """From a to b on an arc about 0: the direction turns at constant speed, the length changes linearly.

    A straight line between normal latents, whose lengths are all near √d, runs through lengths that G never saw (White
    2016, arXiv:1609.04468, section 2). Where |a| = |b| this is White's formula, sin((1-t)θ)/sin θ a + sin(tθ)/sin θ b. It
    is computed in an orthonormal basis of the plane of a and b, and so for any two vectors: parallel ones, and a zero one,
    which has no direction, are joined by the straight line; opposite ones span no plane, and are joined by the half-turn
    through the axis of coordinates on which a is least (with d = 1, where there is none, through 0).

    Args: a and b are [..., d], t broadcasts with their [...]. Exact at 0 and 1.
    """
    a, b, t = (np.asarray(array, np.float64) for array in (a, b, t))
    t = t[..., None]
    length_a, length_b = (np.linalg.norm(end, axis=-1, keepdims=True) for end in (a, b))
    u, v = _divided(a, length_a), _divided(b, length_b)
    u, v = np.where(length_a == 0, v, u), np.where(length_b == 0, u, v)
    cosine = np.sum(u * v, axis=-1, keepdims=True)
    aside = v - cosine * u
    sine = np.linalg.norm(aside, axis=-1, keepdims=True)
    θ = np.arctan2(sine, cosine)
    aside = np.where((sine < ALIGNED) & (cosine < 0), _across(u), _divided(aside, sine))
    path = ((1 - t) * length_a + t * length_b) * (np.cos(t * θ) * u + np.sin(t * θ) * aside)
    return np.where(t == 0, a, np.where(t == 1, b, path))


PATHS: dict[str, Path] = {"slerp": slerp, "lerp": lerp}


def through(points: Array, t: Array, path: Path = slerp) -> Array:
    """[..., k, d]: where one is at the times t [..., k] on paths through points [..., m, d], the i-th at time i.

    Times are in [0, m - 1], m at least 2.
    """
    t = np.asarray(t, np.float64)
    before = np.minimum(t.astype(int), points.shape[-2] - 2)
    ends = (np.take_along_axis(points, index[..., None], axis=-2) for index in (before, before + 1))
    return path(*ends, t - before)


def closed(points: Array) -> Array:
    """Points [..., m, d] with the first once more as the last: a path through them comes back to where it started."""
    return np.concatenate([points, points[..., :1, :]], axis=-2)


def grid(corners: Array, rows: int, columns: int, path: Path = slerp) -> Array:
    """[rows, columns, d] between corners [2, 2, d]: down the left and the right side, then from side to side.

    With `lerp` it is bilinear; with `slerp`, as there is no such thing on a sphere, rows are arcs, and of columns the
    first and the last.
    """
    left, right = (path(*corners[:, side], np.linspace(0, 1, rows)) for side in (0, 1))
    return path(left[:, None], right[:, None], np.linspace(0, 1, columns))


def unevenness(steps: Array) -> Array:
    """[R]: the largest of each row's steps [R, k - 1], at least 0, relative to their mean; 1 where all are 0."""
    mean = np.mean(steps, axis=1)
    return np.where(mean > 0, _divided(np.max(steps, axis=1), mean), 1.0)


def evenly(measure: Callable[[Array], Array], t: Array) -> tuple[Array, Array]:
    """Times with the ends of `t`, between which the steps are even: none is more than EVEN = 1.1 times their mean.

    Times are moved to where the steps so far, added up, reach equal parts of their sum, until it is so (as de Boor 1974
    places the knots of splines). That holds for what is continuous, however steep: see the tests. Where it jumps, one step
    has to be long; after ROUNDS the best times that were found are returned.

    Args:
      measure: times [R, k] -> the sizes of the steps between neighbours, [R, k - 1].
      t: the first times, [R, k], increasing along a row.

    Returns the times, [R, k], and the `unevenness` of each row.
    """
    best, least = t, np.full(len(t), np.inf)
    for _ in range(ROUNDS):
        steps = measure(t)
        found = unevenness(steps)
        best = np.where((found < least)[:, None], t, best)
        least = np.minimum(found, least)
        if np.all(least <= EVEN):
            break
        t = np.where((least <= EVEN)[:, None], best, _moved(t, steps))
    return best, least


def _moved(t: Array, steps: Array) -> Array:
    """Times at which rows whose steps are so large, if they are taken at constant speed, would have made equal ones."""
    way = np.concatenate([np.zeros((len(t), 1)), np.cumsum(steps, axis=1)], axis=1)
    moved = [np.interp(np.linspace(0, row[-1], len(row)), row, times) for row, times in zip(way, t)]
    return np.where(way[:, -1:] > 0, moved, t)


def _divided(a: Array, by: Array) -> Array:
    return a / np.where(by == 0, 1, by)


def _across(u: Array) -> Array:
    """Unit vectors at right angles to unit vectors u [..., d], in the plane of u and the axis on which it is least."""
    axis = np.eye(u.shape[-1])[np.argmin(np.abs(u), axis=-1)]
    aside = axis - np.sum(axis * u, axis=-1, keepdims=True) * u
    return _divided(aside, np.linalg.norm(aside, axis=-1, keepdims=True))
