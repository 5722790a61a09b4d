"""Ours and Flax's 3-D convolutions compute the same, and each of a 3D-GAN is in the report."""

import re

import pytest
from flax import linen as nn

from gan_jax.benchmarks import volumes
from gan_jax.layers.conv3d import Conv3D

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def test_each_layer_is_in_the_report(run_command, capsys):
    assert run_command("benchmark_volumes", "--image_size=16", "--width=2", "--batch_size=2", "--rounds=1") == 0
    lines = capsys.readouterr().out.splitlines()[2:]
    assert [re.split("  +", line.strip())[:2] for line in lines] == [
        ["convolution to 2 channels", "2×16×16×16×1"],
        ["convolution to 4 channels", "2×8×8×8×2"],
        ["transposed, to 2 channels", "2×4×4×4×4"],
        ["transposed, to 1 channels", "2×8×8×8×2"],
    ]
    assert all(len(re.findall(r"[\d.]+ +[\d.]+ \( *[\d.]+\)", line)) == 2 for line in lines)


def test_what_differs_is_not_timed():
    other = volumes.Pair("", Conv3D(2, 4, 2, use_bias=False), nn.Conv(2, (4,) * 3, 1, use_bias=False), (1, 4, 4, 4, 1))
    with pytest.raises((AssertionError, ValueError)):
        volumes.passes(other)


def test_other_sides_are_refused(run_command, capsys):
    assert run_command("benchmark_volumes", "--image_size=24") == 2
    assert "grids of 16, 32, 64 voxels a side, got 24" in capsys.readouterr().err
