"""Furniture by chance: equal for equal seeds, of one piece, symmetric, and in no split twice."""

import numpy as np
import pytest

from gan_jax.data import furniture, sources
from gan_jax.data.furniture import Part
from gan_jax.evaluation import solids


def load(split="train", size=None):
    return furniture.furniture(data_dir="", split=split, image_size=size)


@pytest.fixture(scope="module")
def train():
    return load()


def test_what_there_is(train):
    assert train.arrays["voxels"].shape == (2000, 16, 16, 16)
    assert train.arrays["voxels"].dtype == bool
    assert np.bincount(train.labels).tolist() == [250] * 8
    assert train.classes == tuple(furniture.KINDS)
    assert len(load("test")) == 400
    assert sources.load("furniture", image_size=(32, 32)).spec["voxels"].shape == (32, 32, 32)


def test_a_box_and_a_cylinder_by_hand():
    """A plate of the lowest quarter of a grid of 4; and a column, beside whose circle of radius 0.4 only corners are.

    Centres at 0.125 and 0.375 are √(0.375² + 0.125²) = 0.395 from the middle, those of corners 0.53.
    """
    plate = furniture.voxelised([Part((0, 0, 0), (1, 0.25, 1))], 4)
    assert plate[:, 3].all()
    assert plate.sum() == 16
    column = furniture.voxelised([Part((0.1, 0, 0.1), (0.9, 1, 0.9), True)], 4)
    expected = np.array([[0, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 1], [0, 1, 1, 0]], bool)
    assert (column == expected[:, None, :]).all()


def test_a_piece_stands_on_the_floor_of_one_piece_and_symmetric(train):
    """At every size: nothing falls between two voxels. Left is as right in all but rounding."""
    for size in (16, 23, 32):
        voxels = load("test", size).arrays["voxels"]
        assert voxels[:, :, -1].any(axis=(1, 2)).all()
        assert (solids.components(voxels) == 1).mean() > 0.99
        assert solids.symmetry(voxels).mean() > 0.9
    assert not np.array_equal(train.arrays["voxels"][0], train.arrays["voxels"][8])


def test_the_same_each_time_and_other_pieces_in_each_split(train):
    again = load().arrays["voxels"]
    assert (again == train.arrays["voxels"]).all()
    held_out = {each.tobytes() for each in load("test", 32).arrays["voxels"]}
    assert len(held_out & {each.tobytes() for each in load("train", 32).arrays["voxels"]}) < 20


@pytest.mark.parametrize("size", [8, 65, (16, 32)])
def test_other_sizes_are_refused(size):
    with pytest.raises(ValueError, match=r"image_size=.*: the grids of furniture have sides from 16 to 64"):
        load(size=size)
