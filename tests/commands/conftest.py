"""What the tests of commands share."""

import pytest

from gan_jax.commands import evaluate
from gan_jax.config import flags

PAIRS = ("--dataset=digits", "--image_size=8", "--width=2", "--batch_size=8", "--patch_layers=1", "--steps=2")


@pytest.fixture(scope="session")
def score():
    """score(workdir, *flags) is what `evaluate` finds, and raises what it raises."""
    return lambda workdir, *given: evaluate.evaluate(
        flags.parse(evaluate.Options(), [f"--workdir={workdir}", *given]).config
    )


@pytest.fixture
def edges(trained_once):
    """A run that translates with noise."""
    return trained_once("edges", *PAIRS, "--noisy", "--degrade=noise:0.2", experiment="pix2pix")


@pytest.fixture
def filled(trained_once):
    """A run that fills holes."""
    return trained_once("filled", *PAIRS, "--task=inpaint", "--game=none", experiment="restore")
