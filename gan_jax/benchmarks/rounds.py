"""Rounds of any experiment, as training makes them, and the memory that they take."""

import time

import jax
import numpy as np

from gan_jax.benchmarks.times import WARM_UP, repeated, seconds
from gan_jax.data import example_batch, pipeline
from gan_jax.recipes.contract import Recipe
from gan_jax.runs.banner import count_parameters
from gan_jax.runs.data import Data
from gan_jax.training import parallel

TIMED = 10  # calls, each on its own; the median counts


def report(config: object, data: Data, recipe: Recipe) -> None:
    """Prints the players' parameters, rounds and images a second, and where the device tells it the memory at the peak.

    Args: config: resolved; recipe: made with axis_name=parallel.AXIS. Raises ValueError if there are no images.
    """
    if data.source is None:
        raise ValueError("what is learnt are no images of a dataset")
    size, calls, key = config.run.batch_size, config.run.steps_per_call, jax.random.key(0)
    batch = next(pipeline.batches(data.source, seed=0, batch_size=size, batches_per_step=recipe.batches_per_step))
    state = parallel.replicate(jax.jit(recipe.init)(key, example_batch(data.spec.example)))
    for name, count in count_parameters(state).items():
        print(f"{name}: {count:,} parameters")

    step, batches = parallel.compile_step(parallel.scan_steps(recipe.step)), [parallel.shard_batch(batch)] * calls
    began = time.perf_counter()
    flop = parallel.operations(step, state, batches[:1], key)
    play = repeated(step, state, batches, key)
    seconds(play, 1)
    compiled = time.perf_counter() - began
    seconds(play, WARM_UP)
    took = float(np.median([seconds(play, 1) for _ in range(TIMED)])) / calls
    rate = f", {flop / took / 1e12:.2f} Tflop/s" if flop else ""  # which XLA does not count on a GPU
    print(
        f"{1 / took:,.1f} rounds/s, {size / took:,.0f} images/s{rate} on each of {jax.device_count()} "
        f"{jax.devices()[0].device_kind}; {compiled:.0f} s to compile"
    )
    memory = jax.local_devices()[0].memory_stats() or {}
    if "peak_bytes_in_use" in memory:
        print(f"{memory['peak_bytes_in_use'] / 2**30:.2f} GiB at the peak on each device")
