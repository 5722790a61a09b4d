import gc
import itertools
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import batches, indices, load
from gan_jax.data.source import ArraySource


def numbered(length: int) -> ArraySource:
    """Images and labels that tell their index."""
    numbers = np.arange(length)
    return ArraySource(
        numbers.astype(np.uint8).reshape(length, 1, 1, 1), numbers.astype(np.int32), tuple(map(str, range(length)))
    )


def take(count: int, *args, **kwargs) -> list[dict[str, np.ndarray]]:
    iterator = batches(*args, **kwargs)
    try:
        return list(itertools.islice(iterator, count))
    finally:
        iterator.close()


def assert_equal(batches_a, batches_b):
    assert len(batches_a) == len(batches_b)
    for a, b in zip(batches_a, batches_b, strict=True):
        for name in ("image", "label"):
            assert a[name].dtype == b[name].dtype
            np.testing.assert_array_equal(a[name], b[name])


# ---------------------------------------------------------------------------------------------------------- indices


@pytest.mark.parametrize("length", [1, 2, 7, 1000])
def test_each_epoch_is_a_permutation(length):
    epochs = indices(length, 3, 0, 5 * length).reshape(5, length)
    np.testing.assert_array_equal(np.sort(epochs, axis=1), np.tile(np.arange(length), (5, 1)))


def test_epochs_and_seeds_differ():
    orders = [indices(1000, seed, 1000 * epoch, 1000) for seed in (0, 1) for epoch in (0, 1)]
    for a, b in itertools.combinations(orders, 2):
        # Two random permutations agree in about one place.
        assert np.sum(a == b) < 10


def test_order_is_uniform():
    # Of 3 things there are 6 orders; each comes up 500 times of 3000, give or take 20.
    orders = indices(3, 0, 0, 9000).reshape(3000, 3)
    _, counts = np.unique(orders, axis=0, return_counts=True)
    assert len(counts) == 6 and counts.min() > 400 and counts.max() < 600


@pytest.mark.parametrize("start, count", [(0, 0), (0, 1), (6, 1), (5, 4), (7, 7), (3, 30), (40, 2)])
def test_any_stretch_is_a_part_of_the_whole(start, count):
    whole = indices(7, 5, 0, 50)
    stretch = indices(7, 5, start, count)
    assert stretch.dtype == np.int64
    np.testing.assert_array_equal(stretch, whole[start : start + count])


def test_order_is_the_same_for_ever():
    # A run that is resumed years later must go on in its order: these numbers may never change.
    assert indices(10, 0, 0, 20).tolist() == [6, 1, 0, 5, 3, 8, 7, 9, 2, 4, 7, 3, 5, 0, 1, 4, 6, 8, 9, 2]


def test_far_positions():
    far = 10**20
    np.testing.assert_array_equal(indices(7, 0, far, 9), indices(7, 0, far - 3, 12)[3:])


def test_result_is_the_callers():
    indices(10, 0, 0, 10)[:] = 0
    assert len(set(indices(10, 0, 0, 10).tolist())) == 10


# ---------------------------------------------------------------------------------------------------------- batches


def test_batches_walk_through_the_sequence():
    found = take(6, numbered(10), seed=4, batch_size=2, parts=3)
    assert {batch["image"].shape for batch in found} == {(3, 2, 1, 1, 1)}
    assert {batch["label"].shape for batch in found} == {(3, 2)}
    assert found[0]["image"].dtype == np.uint8 and found[0]["label"].dtype == np.int32
    walked = np.concatenate([batch["label"].ravel() for batch in found])
    np.testing.assert_array_equal(walked, indices(10, 4, 0, 36))
    for batch in found:
        np.testing.assert_array_equal(batch["image"].reshape(3, 2), batch["label"])


def test_fewer_examples_than_a_step_takes():
    (batch,) = take(1, numbered(3), seed=0, batch_size=4, parts=2)
    assert np.bincount(batch["label"].ravel()).tolist() in ([3, 3, 2], [3, 2, 3], [2, 3, 3])


@pytest.mark.parametrize("workers", [0, 2])
def test_resume(workers):
    arguments = dict(source=numbered(10), seed=1, batch_size=3, parts=2)
    whole = take(9, **arguments)
    assert_equal(take(4, **arguments, start_step=5, workers=workers), whole[5:])


@pytest.mark.parametrize("process_count", [2, 4])
def test_slices_of_processes_tile_the_batch(process_count):
    arguments = dict(source=numbered(10), seed=1, batch_size=8, parts=2)
    slices = [
        take(3, **arguments, process_index=process_index, process_count=process_count)
        for process_index in range(process_count)
    ]
    for step, whole in enumerate(take(3, **arguments)):
        for name in ("image", "label"):
            tiled = np.concatenate([part[step][name] for part in slices], axis=1)
            np.testing.assert_array_equal(tiled, whole[name])


WRONG = {
    "seed=-1: must be at least 0": {"seed": -1},
    "batch_size=0: must be at least 1": {"batch_size": 0},
    "parts=0: must be at least 1": {"parts": 0},
    "start_step=-1: must be at least 0": {"start_step": -1},
    "workers=-1: must be at least 0": {"workers": -1},
    "process_index=2: must be from 0 to process_count - 1 = 1": {"process_index": 2, "process_count": 2},
    "batch_size=4: must be a multiple of process_count=3": {"process_count": 3},
    "number of examples=0: must be at least 1": {"source": numbered(0)},
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_arguments(message):
    with pytest.raises(ValueError) as error:
        batches(**{"source": numbered(4), "seed": 0, "batch_size": 4, "parts": 1, **WRONG[message]})
    assert str(error.value) == message


def test_in_memory_batch_is_quick():
    source = ArraySource(np.zeros((60000, 28, 28, 1), np.uint8), np.zeros(60000, np.int32), ("0",))
    iterator = batches(source, seed=0, batch_size=256, parts=1)

    def seconds():
        start = time.perf_counter()
        next(iterator)
        return time.perf_counter() - start

    seconds()  # permutes
    assert min(seconds() for _ in range(50)) < 1e-3


# ---------------------------------------------------------------------------------------------------------- workers


def test_workers_keep_the_order(tmp_path):
    for i in range(5):
        Image.new("RGB", (8, 8), (i, 2 * i, 3 * i)).save(tmp_path / f"{i}.png")
    arguments = dict(source=load(f"folder:{tmp_path}", data_dir="unused"), seed=2, batch_size=4, parts=2)
    arguments |= dict(process_index=1, process_count=2)
    expected = take(7, **arguments)
    for workers in (1, 3):
        assert_equal(take(7, **arguments, workers=workers), expected)


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
def test_error_of_the_source_comes_out(kind, workers):
    source = numbered(10)
    iterator = batches(kind(source.images, source.labels, 10), seed=0, batch_size=1, parts=1, workers=workers)
    step = indices(10, 0, 0, 10).tolist().index(3)
    message = f"^step {step} cannot be read: {type(kind.error).__name__}: image 3 is broken$"
    with pytest.raises(RuntimeError, match=message) as caught:
        for _ in range(10):
            next(iterator)
    # Not even while somebody keeps the error, and with it the frames that it went through.
    assert caught.tb and not multiprocessing.active_children()


@pytest.mark.parametrize("end", ["close", "drop"])
def test_workers_end_with_the_iterator(end):
    iterator = batches(numbered(10), seed=0, batch_size=1, parts=1, workers=2)
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
    source = ArraySource(np.zeros((10, 1, 1, 1), np.uint8), np.zeros(10, np.int32), ("0",))
    iterator = batches(source, seed=0, batch_size=1, parts=1, workers=2)
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
