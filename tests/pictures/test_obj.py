"""An OBJ's surface encloses what is solid, its squares seen from outside."""

import numpy as np

from gan_jax.pictures.obj import obj


def parsed(text):
    lines = [line.split() for line in text.splitlines()]
    corners = np.array([line[1:] for line in lines if line[0] == "v"], float)
    return corners, np.array([line[1:] for line in lines if line[0] == "f"], int) - 1


def test_a_voxel_by_hand():
    corners, squares = parsed(obj(np.ones((1, 1, 1), bool)))
    assert len(corners) == 8
    assert len(squares) == 6
    middles = corners[squares].mean(axis=1)
    sides = corners[squares]
    normals = np.cross(sides[:, 1] - sides[:, 0], sides[:, 2] - sides[:, 1])
    np.testing.assert_allclose(normals, 2 * (middles - [0.5, 0.5, -0.5]), atol=1e-12)  # outwards, of length 1


def test_the_volume_is_that_of_the_voxels():
    """By the divergence theorem, a sum over squares; faces between solid voxels are left out, and corners shared."""
    voxels = np.random.RandomState(0).rand(3, 4, 5) < 0.5
    corners, squares = parsed(obj(voxels))
    a, b, c, d = np.moveaxis(corners[squares], 1, 0)
    volume = np.sum(a * (np.cross(b, c) + np.cross(c, d))) / 6
    np.testing.assert_allclose(volume, voxels.sum() / 5**3)
    padded = np.pad(voxels, 1).astype(int)
    assert len(squares) == sum(np.abs(np.diff(padded, axis=axis)).sum() for axis in range(3))
    assert len(np.unique(corners, axis=0)) == len(corners)


def test_up_is_up():
    """The lowest voxel of a column, h = 3, is at y from 0 on."""
    voxels = np.zeros((4, 4, 4), bool)
    voxels[0, 3, 0] = True
    corners, _ = parsed(obj(voxels))
    np.testing.assert_allclose(corners.min(axis=0), [0, 0, -0.25])
    np.testing.assert_allclose(corners.max(axis=0), [0.25, 0.25, 0])


def test_nothing_has_no_surface():
    corners, squares = parsed(obj(np.zeros((2, 2, 2), bool)))
    assert corners.size == squares.size == 0
