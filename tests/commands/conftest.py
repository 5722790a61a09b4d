"""What the tests of commands share."""

import pytest

from gan_jax.commands import evaluate
from gan_jax.config import flags


@pytest.fixture(scope="session")
def score():
    """score(workdir, *flags) is what `evaluate` finds, and raises what it raises."""
    return lambda workdir, *given: evaluate.evaluate(
        flags.parse(evaluate.Options(), [f"--workdir={workdir}", *given]).config
    )
