"""Processes that read ahead: they make the batches of the next steps while this one is trained on."""

import atexit
import functools
import multiprocessing
import os
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Generator

import grain
from absl import flags

_streams = weakref.WeakSet()


def read_ahead(read: Callable[[int], dict], start_step: int, workers: int) -> Generator[dict, None, None]:
    """Yields read(start_step), read(start_step + 1), ... without end, each made in one of `workers` processes.

    Args: read: step -> a batch; can be pickled, and raises nothing but RuntimeError.
    Raises RuntimeError, from the iterator, where `read` does, with its text.
    """
    stream = _read_ahead(read, start_step, workers)
    _streams.add(stream)
    return stream


def _read_ahead(read: Callable[[int], dict], start_step: int, workers: int) -> Generator[dict, None, None]:
    dataset = grain.MapDataset.range(start_step, sys.maxsize).map(functools.partial(_attempt, read))
    # The processes are the parallelism: one thread in each.
    dataset = dataset.to_iter_dataset(grain.ReadOptions(num_threads=0, prefetch_buffer_size=0))
    # Batches come by pipe. Shared memory is faster, but a container may have 64 MB of it, a worker that finds it full
    # is killed without a word, and at the end of the run what lies in it is left there.
    options = grain.experimental.DatasetOptions(min_shm_size=sys.maxsize)
    dataset = grain.experimental.WithOptionsIterDataset(dataset, options)
    dataset = dataset.mp_prefetch(grain.MultiprocessingOptions(workers, per_worker_buffer_size=2), _start_worker)
    if not flags.FLAGS.is_parsed():
        flags.FLAGS.mark_as_parsed()  # Grain reads flags of its own, and in a notebook or a test nobody has parsed any.
    iterator = iter(dataset)
    try:
        for result in iterator:
            if isinstance(result, str):
                raise RuntimeError(result)
            yield result
    finally:
        iterator.close()


@atexit.register
def _close_streams() -> None:
    # Left to the end of the interpreter, grain would find it half taken down, and complain.
    for stream in list(_streams):
        stream.close()


def _attempt(read: Callable[[int], dict], step: int) -> dict | str:
    try:
        return read(step)
    except RuntimeError as error:
        return str(error)  # Grain adds to the message of what a worker raises, and loses some exceptions.


def _start_worker(unused_index: int, unused_count: int) -> None:
    # Ctrl-C and a scheduler's end of time reach every process; the parent may want some more batches before it saves.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # A parent that is killed cannot stop its workers, and they would wait for it for ever.
    multiprocessing.parent_process().join()
    os._exit(1)
