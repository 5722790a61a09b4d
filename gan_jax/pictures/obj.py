"""Shapes as Wavefront OBJ files, which every program for 3-D things reads."""

import numpy as np


def obj(voxels: np.ndarray) -> str:
    """The surface of voxels, bool [D, H, W], as an OBJ: the squares between solid and empty, whose corners are shared.

    The longest side of the grid is 1; x to the right, y up, z to the viewer, and corners around a square as seen from outside.
    """
    squares = np.concatenate([_squares(voxels, axis, sign) for axis in range(3) for sign in (-1, 1)])
    corners, numbers = np.unique(squares.reshape(-1, 3), axis=0, return_inverse=True)
    d, h, w = corners.T / max(voxels.shape)
    height = voxels.shape[1] / max(voxels.shape)
    lines = [f"v {x:.6g} {y:.6g} {z:.6g}" for x, y, z in zip(w, height - h, -d)]
    lines += [f"f {a} {b} {c} {d}" for a, b, c, d in numbers.reshape(-1, 4) + 1]
    return "\n".join([f"# {len(squares)} squares of {voxels.sum()} voxels", *lines, ""])


def _squares(voxels: np.ndarray, axis: int, sign: int) -> np.ndarray:
    """The squares that look along ± an axis, as their corners [n, 4, 3]."""
    empty = ~np.pad(voxels, [(1, 1) if each == axis else (0, 0) for each in range(3)])
    beyond = np.take(empty, np.arange(voxels.shape[axis]) + 1 + sign, axis=axis)
    around = np.array([(0, 0), (0, 1), (1, 1), (1, 0)])
    corners = np.insert(around, axis, (1 + sign) // 2, axis=1)
    # (d, h, w) as (-z, -y, x) is a left-handed frame's mirror image, and axis 1 lies between the two others.
    if (sign > 0) == (axis == 1):
        corners = corners[::-1]
    return np.argwhere(voxels & beyond)[:, None] + corners
