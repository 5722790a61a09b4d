"""Pictures of voxels show what is there, from where one looks."""

import numpy as np
import pytest

from gan_jax.pictures import solids
from gan_jax.pictures.kinds import KINDS, kind_of


def seen(voxels, **view):
    """Where a picture shows something: [side, side], by its distance from the ground's colour."""
    picture = solids.render(voxels, side=64, **view).astype(int)
    return np.abs(picture - np.array(solids.GROUND)).sum(axis=-1) > 30


def corner(d, h, w):
    voxels = np.zeros((4, 4, 4), bool)
    voxels[d, h, w] = True
    return voxels


@pytest.mark.parametrize("azimuth", [0, 35, 90, 200])
@pytest.mark.parametrize("elevation", [-30, 0, 25, 80])
def test_the_axes_are_at_right_angles(azimuth, elevation):
    frame = np.stack(solids.axes(azimuth, elevation))
    np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(frame) == pytest.approx(-1)  # (d, h, w) by (right, down, away), w being to the right


def test_from_the_front_right_is_right_and_down_is_down():
    for voxels, rows, columns in ((corner(0, 0, 0), 0, 0), (corner(0, 3, 0), 1, 0), (corner(3, 0, 3), 0, 1)):
        quarters = seen(voxels, azimuth=0, elevation=0).reshape(2, 32, 2, 32).any(axis=(1, 3))
        expected = np.zeros((2, 2), bool)
        expected[rows, columns] = True
        assert (quarters == expected).all()


def test_from_the_right_the_front_is_left():
    assert seen(corner(0, 0, 3), azimuth=90, elevation=0)[:, :32].any()
    assert not seen(corner(0, 0, 3), azimuth=90, elevation=0)[:, 32:].any()


def test_what_is_before_hides_what_is_behind():
    """A wall, and a block behind it that is as dark from all sides: from the front one sees but the wall."""
    wall = np.zeros((4, 4, 4), bool)
    wall[0] = True
    with_block = wall.copy()
    with_block[2, 1:3, 1:3] = True
    front = [solids.render(each, azimuth=0, elevation=0) for each in (wall, with_block)]
    back = [solids.render(each, azimuth=180, elevation=0) for each in (wall, with_block)]
    above = [solids.render(each, azimuth=0, elevation=60) for each in (wall, with_block)]
    assert (front[0] == front[1]).all()
    assert seen(with_block, azimuth=180, elevation=0).sum() == seen(wall, azimuth=180, elevation=0).sum()
    assert back[0].shape == back[1].shape
    assert (above[0] != above[1]).any()


def test_a_cube_s_area():
    """From the front a cube of all voxels is a square, FILL of the picture a side."""
    area = seen(np.ones((4, 4, 4), bool), azimuth=0, elevation=0).mean()
    assert area == pytest.approx(solids.FILL**2, rel=0.1)  # outlines are half a fine pixel wider
    whole = seen(np.ones((4, 4, 4), bool))
    assert not (whole[0].any() or whole[-1].any() or whole[:, 0].any() or whole[:, -1].any())


def test_nothing_is_the_ground():
    assert (solids.render(np.zeros((4, 4, 4), bool)) == solids.GROUND).all()


def test_kinds():
    """What is drawn becomes levels, what is in files too, and people see images of both."""
    drawn = np.where(corner(0, 0, 0), 0.1, -0.1)[None]
    voxels = kind_of({"label": None, "voxels": None})
    assert voxels is KINDS["voxels"]
    levels = voxels.levels(drawn)
    assert levels.shape == (1, 4, 4, 4, 1)
    assert (levels == voxels.of_examples(corner(0, 0, 0)[None])).all()
    assert voxels.pictures(drawn).shape == (1, solids.SIDE, solids.SIDE, 3)
    assert np.abs(voxels.pictures(drawn)).max() <= 1
    image = KINDS["image"]
    assert image.levels(np.float32([[-1, 0, 1]])).tolist() == [[0, 128, 255]]
    assert image.pictures(np.float32([-1, 1])).tolist() == [-1, 1]
    with pytest.raises(ValueError, match="the examples have no image and no voxels and no video; they have label"):
        kind_of({"label": None})
