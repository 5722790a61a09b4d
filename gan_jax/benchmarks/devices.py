"""A round on 1, 2 and 4 virtual devices of one CPU, at the same global batch; and what a call of pmap costs.

The virtual devices share the cores, so at best the time stays the same: what it grows by is what smaller shares,
collectives and calls cost. Timed in turns, each number of devices in a process of its own.
"""

import os
from contextlib import ExitStack
from functools import partial
from multiprocessing.connection import Connection

import jax
import numpy as np

from gan_jax.benchmarks.cases import Case
from gan_jax.benchmarks.processes import answer, asked, process, receive
from gan_jax.benchmarks.times import Play, bare_round, example_batch, in_turns, ratio, repeated, round_seconds, start
from gan_jax.training import parallel

NUMBERS = (1, 2, 4)


def report(name: str, case: Case, rounds: int) -> None:
    """Prints the times of a round by one device without pmap, and by each number of devices with it."""
    jitted = "1 device, jit"
    rows = {jitted: (1, False)} | {f"{n} device{'s' * (n > 1)}, pmap": (n, True) for n in NUMBERS}
    with ExitStack() as stack:
        pipes = {row: stack.enter_context(process(serve, case, *how)) for row, how in rows.items()}
        for pipe in pipes.values():
            receive(pipe)
        times = in_turns({row: partial(asked, pipe) for row, pipe in pipes.items()}, rounds)
    print(f"{name}: a round of batch {case.batch_size} in all, {os.cpu_count()} cores, median of {rounds}, in turns:")
    for row, own in times.items():
        print(f"  {row:16s} {1e3 * np.median(own):8.1f} ms  ({ratio(own, times[jitted]):.2f} times {jitted})")


def serve(connection: Connection, case: Case, devices: int, mapped: bool) -> None:
    """Says that it is ready, and then plays as many rounds as it is asked for and sends the seconds of one."""
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_num_cpu_devices", devices)
    play = mapped_round(case) if mapped else bare_round(case)
    measure = round_seconds(case, play)
    measure(1)  # compiles
    connection.send("ready")
    answer(connection, measure)


def mapped_round(case: Case) -> Play:
    """`bare_round` as `loop.fit` calls it, on all devices."""
    recipe = case.recipe(parallel.AXIS)
    _, state, key = start(case)
    batch = parallel.shard_batch(example_batch(case, case.batch_size, recipe.batches_per_step))
    step = parallel.compile_step(parallel.scan_steps(recipe.step))
    return repeated(step, parallel.replicate(state), [batch] * case.steps_per_call, key)
