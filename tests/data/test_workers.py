import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest
from PIL import Image

from gan_jax.data import ArraySource, Domains, batches, indices, load
from gan_jax.data.classes import keep_classes
from gan_jax.data.source import Selection


def test_workers_keep_the_order(tmp_path, take, assert_equal):
    for i in range(5):
        Image.new("RGB", (8, 8), (i, 2 * i, 3 * i)).save(tmp_path / f"{i}.png")
    arguments = dict(source=load(f"folder:{tmp_path}", data_dir="unused"), seed=2, batch_size=4, batches_per_step=2)
    arguments |= dict(process_index=1, process_count=2)
    expected = take(7, **arguments)
    for workers in (1, 3):
        assert_equal(take(7, **arguments, workers=workers), expected)


def test_workers_carry_every_field_and_domain(every_field, take, assert_equal):
    """Of a source in memory, of one that is not, and of some classes, side by side."""
    lazy = Selection(every_field, tuple(every_field.spec))
    source = Domains({"memory": every_field, "lazy": lazy, "classes": keep_classes(lazy, "fox,cat")})
    given = dict(source=source, seed=3, batch_size=4, batches_per_step={"memory": 1, "lazy": 2, "classes": 3})
    assert_equal(take(3, **given, start_step=12, workers=2), take(3, **given, start_step=12))


def test_workers_carry_a_field_of_any_name(every_field, take, assert_equal):
    given = dict(source=ArraySource({"error": every_field.arrays["age"]}), seed=3, batch_size=4, batches_per_step=1)
    assert_equal(take(2, **given, workers=1), take(2, **given))


class Unsendable(Exception):
    """An exception that pickle can write and cannot read."""

    def __init__(self, one, two):
        super().__init__(f"{one} {two}")


class Broken(ArraySource):
    error = ValueError("image 3 is broken")

    def __getitem__(self, indices):
        if 3 in indices:
            raise self.error
        return super().__getitem__(indices)


class BrokenUnsendably(Broken):
    error = Unsendable("image 3", "is broken")


@pytest.mark.parametrize("kind", [Broken, BrokenUnsendably])
@pytest.mark.parametrize("workers", [0, 1])
def test_error_of_the_source_comes_out(numbered, kind, workers):
    iterator = batches(kind(numbered(10).arrays), seed=0, batch_size=1, batches_per_step=1, workers=workers)
    step = indices(10, 0, 0, 10).tolist().index(3)
    message = f"^step {step} cannot be read: {type(kind.error).__name__}: image 3 is broken$"
    with pytest.raises(RuntimeError, match=message) as caught:
        for _ in range(10):
            next(iterator)
    # Not even while somebody keeps the error, and with it the frames that it went through.
    assert caught.tb and not multiprocessing.active_children()


@pytest.mark.parametrize("end", ["close", "drop"])
def test_workers_end_with_the_iterator(numbered, end):
    iterator = batches(numbered(10), seed=0, batch_size=1, batches_per_step=1, workers=2)
    next(iterator)
    assert len(multiprocessing.active_children()) == 2
    if end == "close":
        iterator.close()
    del iterator
    gc.collect()
    assert not multiprocessing.active_children()


SCRIPT = """
import multiprocessing, os, signal
import numpy as np
from gan_jax.data import batches
from gan_jax.data.source import ArraySource

if __name__ == "__main__":
    source = ArraySource({{"image": np.zeros((10, 1, 1, 1), np.uint8), "label": np.zeros(10, np.int32)}}, ("0",))
    iterator = batches(source, seed=0, batch_size=1, batches_per_step=1, workers=2)
    next(iterator)
    print(*[child.pid for child in multiprocessing.active_children()], flush=True)
    {end}
"""


def run_script(tmp_path, end: str) -> tuple[subprocess.CompletedProcess, list[int]]:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(end=end))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, script], env=environment, timeout=60, capture_output=True, text=True, start_new_session=True
    )
    return done, [int(pid) for pid in done.stdout.split("\n")[0].split()]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_script_that_just_ends(tmp_path):
    done, workers = run_script(tmp_path, "pass")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(workers) == 2 and not any(map(alive, workers))


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_workers_outlive_signals(tmp_path, name):
    # As a terminal and a scheduler do: to all processes at once. The parent catches it and reads on.
    end = f"next(iterator); signal.signal(signal.{name}, signal.SIG_IGN); os.killpg(0, signal.{name})"
    end += "; [next(iterator) for _ in range(20)]"
    done, _ = run_script(tmp_path, end)
    assert (done.returncode, done.stderr) == (0, "")


def test_workers_end_with_a_killed_parent(tmp_path):
    done, workers = run_script(tmp_path, "os.kill(os.getpid(), 9)")
    assert done.returncode == -signal.SIGKILL and len(workers) == 2
    deadline = time.monotonic() + 10
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, workers))
