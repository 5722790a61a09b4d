"""Paths between latents, and frames on them from each of which to the next an image changes as much.

Arrays are NumPy's, computed in float64.
"""

from collections.abc import Callable

import numpy as np

EVEN = 1.1  # the longest of even steps, relative to the mean
FINE = 64  # corners of the polygon from one point of a path to the next, at least
FAST = 1.5  # the longest side of a polygon that is fine everywhere, relative to the mean
ROUNDS = 20  # in which it is made so, at most
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
    2016, arXiv:1609.04468, section 2). Where |a| = |b| this is White's formula, sin((1-t)θ)/sin θ a + sin(tθ)/sin θ b.
    It is computed in an orthonormal basis of the plane of a and b, and so for any two vectors: parallel ones, and a
    zero one, which has no direction, are joined by the straight line; opposite ones span no plane, and are joined by
    the half-turn through the axis of coordinates on which a is least (with d = 1, where there is none, through 0).

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


def usual_path(prior: str) -> str:
    """The name of the path between latents of a prior: an arc between normal ones; straight in a box of uniform ones, and in W."""
    return "slerp" if prior == "normal" else "lerp"


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


def unevenness(steps: Array) -> float:
    """The largest of the sizes of steps, [k - 1], relative to their mean; 1 where all are 0."""
    mean = np.mean(steps)
    return float(np.max(steps) / mean) if mean > 0 else 1.0


def evenly(draw: Callable[[Array], Array], segments: int, count: int) -> Array:
    """Times [count] from 0 to `segments`, between neighbours of which what is drawn comes an equal length of its way.

    So no step is longer than the way's length / (count - 1). It is as long as that where the way is straight, and
    shorter where it bends, the less so the more steps there are. The tests hold the longest to EVEN = 1.1 times the
    mean: for smooth ways with 12 steps a turn, corners at whole times, and slopes of up to 1e6 a unit of time. A jump
    is one long step.

    The length is measured on a polygon of many corners on the way, which are moved to where it is fast until no side is
    long.

    Args:
      draw: times [m], increasing -> what is drawn then, [m, p].
    """
    whole, many = np.arange(segments + 1), max(FINE * segments, 4 * count)
    t = np.linspace(0, segments, many)
    for _ in range(ROUNDS):
        corners = np.union1d(t, whole)
        sides = np.linalg.norm(np.diff(np.float64(draw(corners)), axis=0), axis=1)
        way = np.append(0, np.cumsum(sides))
        if unevenness(sides) < FAST:
            break
        t = np.interp(np.linspace(0, way[-1], many), way, corners)  # as de Boor 1974 places the knots of splines
    return np.interp(np.linspace(0, way[-1], count), way, corners) if way[-1] > 0 else np.linspace(0, segments, count)


def _divided(a: Array, by: Array) -> Array:
    return a / np.where(by == 0, 1, by)


def _across(u: Array) -> Array:
    """Unit vectors at right angles to unit vectors u [..., d], in the plane of u and the axis on which it is least."""
    axis = np.eye(u.shape[-1])[np.argmin(np.abs(u), axis=-1)]
    aside = axis - np.sum(axis * u, axis=-1, keepdims=True) * u
    return _divided(aside, np.linalg.norm(aside, axis=-1, keepdims=True))
