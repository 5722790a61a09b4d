"""A round on 1, 2 and 4 virtual devices of one CPU, at the same global batch; and what a call of pmap costs.

    python -m experiments.benchmark_devices --case=book28

The virtual devices share the cores, so at best the time stays the same: what it grows by is what smaller shares,
collectives and calls cost. Timed in turns, each number of devices in a process of its own.
"""

import os
import sys
from contextlib import ExitStack
from functools import partial
from multiprocessing.connection import Connection

import jax
import numpy as np
from absl import app, flags

from experiments import benchmark, common
from experiments.benchmark_cases import Case
from experiments.benchmark_times import (
    WARM_UP,
    Play,
    answer,
    asked,
    bare_round,
    example_batch,
    process,
    receive,
    seconds,
    start,
    turn,
)
from gan_jax import loop

FLAGS = flags.FLAGS
NUMBERS = (1, 2, 4)


def main(_) -> None:
    try:
        report(FLAGS.case, benchmark.case_of(FLAGS.case, **benchmark.changes()), FLAGS.rounds)
    except (ValueError, RuntimeError) as error:
        sys.exit(common.fail(error))


def report(name: str, case: Case, rounds: int) -> None:
    """Prints the times of a round by one device without pmap, and by each number of devices with it."""
    jitted = "1 device, jit"
    rows = {jitted: (1, False)} | {f"{n} device{'s' * (n > 1)}, pmap": (n, True) for n in NUMBERS}
    with ExitStack() as stack:
        pipes = {row: stack.enter_context(process(serve, case, *how)) for row, how in rows.items()}
        for pipe in pipes.values():
            receive(pipe)
        sides = {row: partial(asked, pipe) for row, pipe in pipes.items()}
        turns = [{row: turn(measure) for row, measure in sides.items()} for _ in range(rounds)]
    print(f"{name}: a round of batch {case.batch_size} in all, {os.cpu_count()} cores, median of {rounds}, in turns:")
    for row in rows:
        ratio = np.median([each[row] / each[jitted] for each in turns])
        print(f"  {row:16s} {1e3 * np.median([each[row] for each in turns]):8.1f} ms  ({ratio:.2f} times {jitted})")


def serve(connection: Connection, case: Case, devices: int, mapped: bool) -> None:
    """Says that it is ready, and then plays as many rounds as it is asked for and sends the seconds of one."""
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_num_cpu_devices", devices)
    play = mapped_round(case) if mapped else bare_round(case)
    seconds(play, WARM_UP)
    connection.send("ready")
    answer(connection, lambda count: seconds(play, count) / case.steps_per_call)


def mapped_round(case: Case) -> Play:
    """`bare_round` as `loop.fit` calls it, on all devices."""
    recipe = case.recipe(loop.AXIS)
    _, state, key = start(case)
    state = loop.on_all_devices(state)
    batches = [loop.over_devices(example_batch(case, case.batch_size, recipe.parts))] * case.steps_per_call
    step = loop.on_every_share(loop.in_one_call(recipe.step))

    def play():
        nonlocal state
        state, metrics = step(state, batches, key)
        return state, metrics

    return play


if __name__ == "__main__":
    app.run(main, flags_parser=common.parse_flags)
