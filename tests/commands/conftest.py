"""What the tests of commands share."""

from functools import partial

import pytest

from gan_jax.commands import evaluate
from gan_jax.config import flags


@pytest.fixture(scope="session")
def score():
    """score(workdir, *flags) is what `evaluate` finds, and raises what it raises."""
    return lambda workdir, *given: evaluate.evaluate(
        flags.parse(evaluate.Options(), [f"--workdir={workdir}", *given]).config
    )


@pytest.fixture
def fails_of(run_command, capsys):
    """fails_of(command)(*flags) is the one line that the command prints on stderr."""

    def fails(command, *given):
        capsys.readouterr()
        assert run_command(command, *given) == 2
        (line,) = capsys.readouterr().err.rpartition("\r")[2].splitlines()  # after the bar, which is wiped
        assert line.startswith("error: ")
        return line

    return lambda command: partial(fails, command)


@pytest.fixture(scope="session")
def small():
    """Flags of a short run of tiny networks on pairs."""
    return ("--width=2", "--batch_size=8", "--patch_layers=1", "--steps=2")


@pytest.fixture(scope="session")
def small_digits(small):
    """The same, of digits."""
    return ("--dataset=digits", "--image_size=8", *small)


@pytest.fixture
def edges(trained_once, small_digits):
    """A run that translates with noise."""
    return trained_once("edges", *small_digits, "--noisy", "--degrade=noise:0.2", experiment="pix2pix")


@pytest.fixture
def filled(trained_once, small_digits):
    """A run that fills holes."""
    return trained_once("filled", *small_digits, "--task=inpaint", "--game=none", experiment="restore")
