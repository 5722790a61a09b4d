"""growth.png: which pictures are set beside each other."""

import numpy as np
import pytest
from PIL import Image

from gan_jax.pictures import grids
from gan_jax.runs import growth


@pytest.fixture
def sampled(tmp_path):
    """sampled(steps) is a directory with pictures of samples after so many rounds, each of its own shade."""

    def sampled(*steps):
        for step in steps:
            grids.save(Image.new("L", (40, 40), step), tmp_path / "samples" / f"{step:06d}.png")
        return tmp_path

    return sampled


def test_the_last_picture_of_each_phase_is_shown_and_the_run_s_last(sampled, shades):
    workdir = sampled(0, 50, 100, 150, 200, 250)
    growth.save(workdir, borders=[120, 200])
    assert shades(workdir) == [100, 200, 250]
    growth.save(workdir, borders=[120, 400])  # the last phase has not begun
    assert shades(workdir) == [100, 250]


def test_before_the_first_border_there_is_nothing_to_compare(sampled):
    growth.save(sampled(0, 50, 100), borders=[100, 200])
    growth.save(sampled(0, 50, 100), borders=[])
    assert not (sampled() / growth.NAME).exists()


@pytest.fixture
def shades():
    """shades(workdir) is the shades of the pictures that growth.png has, from left to right."""

    def shades(workdir):
        row = np.asarray(Image.open(workdir / growth.NAME).convert("L"))
        middle = row[len(row) // 2].tolist()
        return [shade for shade in dict.fromkeys(middle) if middle.count(shade) > 30]

    return shades
