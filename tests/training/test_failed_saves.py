"""A save that fails is said in one line, whenever that shows, and leaves nothing behind that keeps the process alive."""

import resource
import shutil
import threading
from contextlib import contextmanager

import numpy as np
import pytest

from gan_jax.training.checkpoint import Checkpoints, SaveError

LARGE = {"w": np.random.default_rng(0).random((100, 100))}
SMALL = 16 * 2**10  # bytes; LARGE takes more


@contextmanager
def small_files():
    """Files can be no larger than SMALL, which stands in for a disk that is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def lasting():
    """The threads that Python waits for in the end, but for those of pools, which it tells to end."""
    names = [thread.name for thread in threading.enumerate() if not thread.daemon]
    return [name for name in names if not name.startswith(("asyncio_", "metadata_store_", "MainThread"))]


@pytest.fixture
def checkpoints(tmp_path):
    made = Checkpoints(tmp_path / "checkpoints")
    made.save(1, {"w": np.zeros(3)})
    made.wait()
    return made


@pytest.mark.parametrize("last", ["save", "wait", "close", "context"])
def test_an_error_in_the_background_shows_at_the_next_call(checkpoints, tmp_path, last):
    end = {
        "save": lambda: checkpoints.save(3, LARGE),
        "wait": checkpoints.wait,
        "close": checkpoints.close,
        "context": lambda: checkpoints.__exit__(None, None, None),
    }
    with small_files():
        checkpoints.save(2, LARGE)
        with pytest.raises(SaveError) as error:
            end[last]()
    expected = (
        f"cannot save a checkpoint in {tmp_path / 'checkpoints'}: File too large; the last good checkpoint is of step 1"
    )
    assert str(error.value) == expected
    assert lasting() == []


def test_the_error_that_comes_first_is_the_one_that_is_said(checkpoints):
    with small_files(), pytest.raises(ArithmeticError, match="nan"), checkpoints:
        checkpoints.save(2, LARGE)
        raise ArithmeticError("d_loss is nan at step 3")


def test_a_folder_that_cannot_be_made(checkpoints, tmp_path):
    """What Orbax would do in the background then waits for it 20 minutes."""
    shutil.rmtree(tmp_path / "checkpoints")
    (tmp_path / "checkpoints").write_text("no folder")
    with pytest.raises(SaveError, match="Not a directory"):
        checkpoints.save(2, LARGE)
    assert lasting() == []
