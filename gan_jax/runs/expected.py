"""How long a run will take: said before its first round, by arithmetic, and soon after, as measured."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache

import jax
import jax.numpy as jnp

from gan_jax.layers.conv import Conv
from gan_jax.runs.progress import duration

AFTER = 20  # rounds of a start by which its end is told
LONG = 200  # rounds from which on it is worth saying before


class ExpectedEnd:
    """Says once before the first round of the present start how long all rounds will take; AFTER rounds later, until when.

    Of a network that grows it says so of each phase.

    Args:
      steps: the rounds of the run in all; say: is given the line; now: the clock; speed: this machine's, FLOP/s.
    """

    def __init__(
        self,
        steps: int,
        say: Callable[[str], None],
        now: Callable[[], datetime] = datetime.now,
        speed: Callable[[], float] | None = None,
    ):
        self._steps, self._say, self._now = steps, say, now
        self._speed = cache(measured_speed if speed is None else speed)
        self._first, self._last, self._said = 0, steps, False

    def before(self, first: int, last: int, operations: float) -> None:
        """Args: as of `loop.fit`'s `costs`. Says nothing of accelerators.

        There what a small network takes is not arithmetic, and rounds that could be timed are there within seconds.
        """
        self._first, self._last, self._said = first, last, False
        left = last - first
        if left < LONG or not operations or jax.default_backend() != "cpu":
            return
        total = operations * jax.local_device_count()  # all devices share the cores
        took = duration(left * total / self._speed())
        self._say(f"{self._rounds()}: roughly {took}, by {total / 1e9:.2g} GFLOP a round and what this machine can do")

    def __call__(self, step: int, rate: float) -> None:
        """Args: rate: rounds a second since the start or the phase's, 0 if it is not known yet."""
        if self._said or not rate or step - self._first < AFTER or step >= self._last:
            return
        self._said = True
        now, left = self._now(), self._last - self._first
        end = now + timedelta(seconds=(self._last - step) / rate)
        day = "" if end.date() == now.date() else f"{end:%A %-d %B}, "
        self._say(f"{self._rounds()} in about {duration(left / rate)}; ends at {day}{end:%H:%M}")

    def _rounds(self) -> str:
        left = self._last - self._first
        if self._last < self._steps:
            return f"rounds {self._first + 1:,} to {self._last:,} of {self._steps:,}"
        return f"the last {left:,} of {self._steps:,} rounds" if self._first else f"{left:,} rounds"


def measured_speed() -> float:
    """Floating-point operations a second of a convolution and its derivatives, the most usual work of our networks."""
    conv, images = Conv(64, 3), jnp.ones((64, 16, 16, 64))
    variables = conv.init(jax.random.key(0), images)
    work = jax.jit(jax.grad(lambda variables, images: jnp.sum(conv.apply(variables, images) ** 2), argnums=(0, 1)))
    compiled = work.lower(variables, images).compile()
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        jax.block_until_ready(compiled(variables, images))
        seconds.append(time.perf_counter() - began)
    return compiled.cost_analysis()["flops"] / min(seconds)
