"""The batch of step t, a function of (seed, t).

Write M for the number of examples that a step consumes. Step t consumes positions t*M, ..., (t+1)*M - 1 of an endless
sequence: a permutation of all examples, then another, and so on. Nothing is dropped, batches may straddle epochs, and
to resume takes no more than the number of the step.
"""

import atexit
import functools
import itertools
import multiprocessing
import os
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Generator

import grain
import numpy as np
from absl import flags

from gan_jax.data.source import Source

Batch = dict[str, np.ndarray]


def indices(length: int, seed: int, start: int, count: int) -> np.ndarray:
    """The examples at positions start, ..., start + count - 1 of the endless sequence.

    Args:
      length: number of examples, at least 1.
      seed: not negative. The permutation of epoch e, positions e*length, ..., (e+1)*length - 1, depends on seed and e.
      start: first position, not negative.
      count: number of positions.

    Returns:
      int64 [count], values in [0, length).
    """
    chosen = np.empty(count, np.int64)
    epoch, offset = divmod(start, length)
    filled = 0
    while filled < count:
        piece = _permutation(length, seed, epoch)[offset : offset + count - filled]
        chosen[filled : filled + len(piece)] = piece
        filled += len(piece)
        epoch, offset = epoch + 1, 0
    return chosen


def batches(
    source: Source,
    *,
    seed: int,
    batch_size: int,
    parts: int,
    start_step: int = 0,
    process_index: int = 0,
    process_count: int = 1,
    workers: int = 0,
) -> Generator[Batch, None, None]:
    """Yields the batches of steps start_step, start_step + 1, ... without end.

    A step consumes parts * batch_size examples: one part for each update of the round. The processes of a run each get
    a contiguous slice of every part, so that their slices side by side are what one process would get.

    Args:
      source: a `Source`.
      seed: of the order of the examples.
      batch_size: of one part, over all processes.
      parts: number of parts in a step.
      start_step: the first step to yield; as quick to reach as step 0.
      process_index: which process of the run this is.
      process_count: how many processes the run has; divides batch_size.
      workers: how many processes read ahead; 0 reads here, which is best for a source in memory. The batches are the
        same bit for bit. Processes are spawned, so the main module must not act when it is imported; they end when the
        iterator is closed or dropped.

    Yields:
      {"image": uint8 [parts, batch_size / process_count, H, W, C], "label": int32 [parts, batch_size / process_count]}.

    Raises:
      ValueError: when an argument is out of its range.
      RuntimeError: from the iterator, when the source raises; it names the step and the source's error.
    """
    allowed = {
        "seed": (seed, 0),
        "batch_size": (batch_size, 1),
        "parts": (parts, 1),
        "start_step": (start_step, 0),
        "workers": (workers, 0),
        "number of examples": (len(source), 1),
    }
    for name, (value, least) in allowed.items():
        if value < least:
            raise ValueError(f"{name}={value}: must be at least {least}")
    if not 0 <= process_index < process_count:
        raise ValueError(f"process_index={process_index}: must be from 0 to process_count - 1 = {process_count - 1}")
    if batch_size % process_count:
        raise ValueError(f"batch_size={batch_size}: must be a multiple of process_count={process_count}")
    read = functools.partial(
        _read,
        source=source,
        seed=seed,
        batch_size=batch_size,
        parts=parts,
        process_index=process_index,
        process_count=process_count,
    )
    if workers == 0:
        return (read(step) for step in itertools.count(start_step))
    stream = _read_ahead(read, start_step, workers)
    _streams.add(stream)
    return stream


# Each epoch at hand, for one or two sources; to permute again for every batch would take longer than to read it.
@functools.lru_cache(maxsize=4)
def _permutation(length: int, seed: int, epoch: int) -> np.ndarray:
    # RandomState and SeedSequence are frozen by NumPy's promise (NEP 19), Generator is not: a run that is resumed under
    # a later NumPy goes on in the same order.
    state = np.random.RandomState(np.random.MT19937(np.random.SeedSequence((seed, epoch))))
    return state.permutation(length)


def _read(step, *, source, seed, batch_size, parts, process_index, process_count) -> Batch:
    whole = indices(len(source), seed, step * parts * batch_size, parts * batch_size).reshape(parts, batch_size)
    ours = np.split(whole, process_count, axis=1)[process_index]
    try:
        batch = source[ours.ravel()]
    except Exception as error:
        raise RuntimeError(f"step {step} cannot be read: {type(error).__name__}: {error}") from error
    return {name: array.reshape(*ours.shape, *array.shape[1:]) for name, array in batch.items()}


def _read_ahead(read: Callable[[int], Batch], start_step: int, workers: int) -> Generator[Batch, None, None]:
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
            if "error" in result:
                raise RuntimeError(result["error"])
            yield result
    finally:
        iterator.close()


_streams = weakref.WeakSet()


@atexit.register
def _close_streams() -> None:
    # Left to the end of the interpreter, grain would find it half taken down, and complain.
    for stream in list(_streams):
        stream.close()


def _attempt(read: Callable[[int], Batch], step: int) -> Batch | dict[str, str]:
    try:
        return read(step)
    except RuntimeError as error:
        return {"error": str(error)}  # Grain adds to the message of what a worker raises, and loses some exceptions.


def _start_worker(unused_index: int, unused_count: int) -> None:
    # Ctrl-C and a scheduler's end of time reach every process; the parent may want some more batches before it saves.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # A parent that is killed cannot stop its workers, and they would wait for it for ever.
    multiprocessing.parent_process().join()
    os._exit(1)
