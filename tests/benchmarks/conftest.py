"""What the tests of the benchmarks share."""

import pytest


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed; it is not in requirements.txt")


@pytest.fixture
def torch_side(torch):
    from gan_jax.benchmarks import torch_side

    return torch_side
