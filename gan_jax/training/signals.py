"""SIGTERM and Ctrl-C: a run that is told to stop saves first."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import jax
import numpy as np
from jax.experimental import multihost_utils


class Interrupted(Exception):
    """SIGTERM or Ctrl-C came; the run was saved. Fields: signal (its number), step (the last one saved)."""

    def __init__(self, signal_number: int, step: int):
        super().__init__(f"stopped by {signal.Signals(signal_number).name} after step {step}, which is saved")
        self.signal, self.step = signal_number, step


@contextmanager
def caught_signals() -> Iterator[list[int]]:
    """Collects SIGTERM and the first Ctrl-C in a list; the second Ctrl-C acts as usual."""
    caught: list[int] = []

    def note(number, _):
        caught.append(number)
        signal.signal(number, previous[number])

    previous = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield caught
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def agreed(caught: list[int], compare: bool) -> int:
    """The signal to stop for, or 0. Many processes must stop at the same step, so they compare now and then."""
    own = caught[0] if caught else 0
    if jax.process_count() == 1:
        return own
    return int(np.max(multihost_utils.process_allgather(np.int32(own)))) if compare else 0
