"""The batch of step t, a function of (seed, t).

Write M for the number of examples that a step consumes. Step t consumes positions t*M, ..., (t+1)*M - 1 of an endless
sequence: a permutation of all examples, then another, and so on. Nothing is dropped, batches may straddle epochs, and
to resume takes no more than the number of the step. Where M changes on the way, as in the phases of a growing network,
it takes the position too: the sum of what the steps before consumed (`consumed`).
"""

import functools
import itertools
from collections.abc import Generator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gan_jax.data.source import Domains, Source
from gan_jax.data.workers import read_ahead

Batch = dict  # of arrays, by the names of an example's fields; of several domains, of such dicts
ALONE = ""  # where a name of a domain goes, and the source has no domains


def indices(length: int, seed: int, start: int, count: int, order: int = 0) -> np.ndarray:
    """The examples at positions start, ..., start + count - 1 of the endless sequence.

    Args:
      length: number of examples, at least 1.
      seed: not negative. The permutation of epoch e, positions e*length, ..., (e+1)*length - 1, depends on seed and e.
      start: first position, not negative.
      count: number of positions.
      order: which of the seed's sequences, not negative; they are independent of each other.

    Returns:
      int64 [count], values in [0, length).
    """
    chosen = np.empty(count, np.int64)
    epoch, offset = divmod(start, length)
    filled = 0
    while filled < count:
        piece = _permutation(length, seed, epoch, order)[offset : offset + count - filled]
        chosen[filled : filled + len(piece)] = piece
        filled += len(piece)
        epoch, offset = epoch + 1, 0
    return chosen


def consumed(stretches: Sequence[tuple[int, int | Mapping[str, int], int]]) -> int | dict[str, int]:
    """How many examples were consumed in stretches of steps, each (steps, batches_per_step, batch_size).

    That is the `start_position` at which the next stretch goes on. Where batches_per_step is one for each domain, in
    all of the stretches, so is the result.
    """
    per_step = [batches for _, batches, _ in stretches if isinstance(batches, Mapping)]
    if per_step:
        return {
            domain: sum(steps * batches[domain] * batch_size for steps, batches, batch_size in stretches)
            for domain in per_step[0]
        }
    return sum(steps * batches * batch_size for steps, batches, batch_size in stretches)


def batches(
    source: Source | Domains,
    *,
    seed: int,
    batch_size: int,
    batches_per_step: int | Mapping[str, int],
    start_step: int = 0,
    start_position: int | Mapping[str, int] | None = None,
    process_index: int = 0,
    process_count: int = 1,
    workers: int = 0,
) -> Generator[Batch, None, None]:
    """Yields the batches of steps start_step, start_step + 1, ... without end.

    A step consumes batches_per_step * batch_size examples: a batch for each update of the round. The processes of a run
    each get a contiguous slice of every batch, so that their slices side by side are what one process would get.

    Each domain has an order of its own. The first has that of a source alone, and so has a later one, unless its length
    is that of an earlier one or within a tenth of it: two permutations of almost as many things are much alike if they
    have one seed, and would pair what is unpaired. The order of such a domain depends on its number too.

    Args:
      source: a `Source`, or `Domains`.
      seed: of the order of the examples.
      batch_size: of one batch, over all processes.
      batches_per_step: number of batches in a step; of domains it may be one for each, as {"a": 2, "b": 1}.
      start_step: the first step to yield; as quick to reach as step 0.
      start_position: where in the endless sequence that step begins; of domains it may be one for each. None is
        start_step * batches_per_step * batch_size, for a run whose steps all consume the same number.
      process_index: which process of the run this is.
      process_count: how many processes the run has; divides batch_size.
      workers: how many processes read ahead; 0 reads here, which is best for a source in memory. The batches are the
        same bit for bit. Processes are spawned, so the main module must not act when it is imported; they end when the
        iterator is closed or dropped.

    Yields:
      Every field of the source with [batches_per_step, batch_size / process_count] in front of its shape, as {"image":
      uint8 [P,B,H,W,C], "label": int32 [P,B]}. Of domains, such a dict for each: {"a": {"image": ...}, "b": ...}.

    Raises:
      ValueError: when an argument is out of its range.
      RuntimeError: from the iterator, when the source raises; it names the step and the source's error.
    """
    _require_at_least(0, seed=seed, start_step=start_step, workers=workers)
    _require_at_least(1, batch_size=batch_size)
    if not 0 <= process_index < process_count:
        raise ValueError(f"process_index={process_index}: must be from 0 to process_count - 1 = {process_count - 1}")
    if batch_size % process_count:
        raise ValueError(f"batch_size={batch_size}: must be a multiple of process_count={process_count}")
    domains = source.sources if isinstance(source, Domains) else {ALONE: source}
    walks = _walks(domains, batches_per_step, start_position, start_step, batch_size)
    given = dict(seed=seed, batch_size=batch_size, process_index=process_index, process_count=process_count)
    if isinstance(source, Domains):
        read = functools.partial(_read_domains, walks=walks, **given)
    else:
        read = functools.partial(_read, walk=walks[ALONE], **given)
    return read_ahead(read, start_step, workers) if workers else (read(step) for step in itertools.count(start_step))


class _Walk(NamedTuple):
    """How a source is gone through: step t begins at position offset + t * batches_per_step * batch_size."""

    source: Source
    order: int
    batches_per_step: int
    offset: int


def _walks(
    domains: Mapping[str, Source],
    batches_per_step: int | Mapping[str, int],
    start_position: int | Mapping[str, int] | None,
    start_step: int,
    batch_size: int,
) -> dict[str, _Walk]:
    per_step = _of_each(domains, "batches_per_step", batches_per_step)
    positions = _of_each(domains, "start_position", start_position)
    walks, lengths = {}, []
    for number, (name, source) in enumerate(domains.items()):
        whose, length = "" if name == ALONE else f" of {name}", len(source)
        _require_at_least(1, **{f"batches_per_step{whose}": per_step[name], f"number of examples{whose}": length})
        usual = start_step * per_step[name] * batch_size
        position = usual if positions[name] is None else positions[name]
        _require_at_least(0, **{f"start_position{whose}": position})
        order = number if any(10 * abs(length - other) <= max(length, other) for other in lengths) else 0
        walks[name] = _Walk(source, order, per_step[name], position - usual)
        lengths.append(length)
    return walks


def _of_each(domains: Mapping[str, Source], name: str, value: int | Mapping[str, int] | None) -> Mapping:
    if not isinstance(value, Mapping):
        return dict.fromkeys(domains, value)
    if value.keys() != domains.keys():
        wanted = "a number" if ALONE in domains else f"a number, or one for each of {', '.join(domains)}"
        raise ValueError(f"{name}={dict(value)}: must be {wanted}")
    return value


def _require_at_least(least: int, **values: int) -> None:
    for name, value in values.items():
        if value < least:
            raise ValueError(f"{name}={value}: must be at least {least}")


# Each epoch at hand, for up to four sources; to permute again for every batch would take longer than to read it.
@functools.lru_cache(maxsize=8)
def _permutation(length: int, seed: int, epoch: int, order: int) -> np.ndarray:
    # RandomState and SeedSequence are frozen by NumPy's promise (NEP 19), Generator is not: a run that is resumed under
    # a later NumPy goes on in the same order.
    entropy = (seed, epoch, order) if order else (seed, epoch)
    return np.random.RandomState(np.random.MT19937(np.random.SeedSequence(entropy))).permutation(length)


def _read(step: int, *, walk: _Walk, seed: int, batch_size: int, process_index: int, process_count: int) -> Batch:
    count = walk.batches_per_step * batch_size
    whole = indices(len(walk.source), seed, walk.offset + step * count, count, walk.order)
    ours = np.split(whole.reshape(-1, batch_size), process_count, axis=1)[process_index]
    try:
        batch = walk.source[ours.ravel()]
    except Exception as error:
        raise RuntimeError(f"step {step} cannot be read: {type(error).__name__}: {error}") from error
    return {name: array.reshape(*ours.shape, *array.shape[1:]) for name, array in batch.items()}


def _read_domains(step: int, *, walks: dict[str, _Walk], **given: int) -> Batch:
    return {name: _read(step, walk=walk, **given) for name, walk in walks.items()}
