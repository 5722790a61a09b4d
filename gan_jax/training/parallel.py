"""A recipe's step on all devices: the one place that knows pmap.

The state is the same on all, each has a slice of the batch, and what a step averages over AXIS is the whole batch's.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from gan_jax.randomness import Key
from gan_jax.recipes.contract import Batch, Metrics, State

AXIS = "data"


def compile_step(step: Callable) -> Callable:
    """A recipe's step for all devices: it takes the state, a batch as `shard_batch` gives it, and the key.

    The state's buffers are donated: its parameters are not in memory twice, and what was given cannot be used again.
    """
    return jax.pmap(step, axis_name=AXIS, in_axes=(None, 0, None), out_axes=None, donate_argnums=0)


def operations(compiled: Callable, *arguments) -> float:
    """The floating-point operations of a call of a compiled step on each device, as XLA counts them; 0 if it does not.

    What is lowered for that, the first call need not lower again.
    """
    return (compiled.lower(*arguments).cost_analysis() or {}).get("flops", 0.0)


def scan_steps(step: Callable) -> Callable:
    """A recipe's step, made once for each of a list of batches: (state, batches, key) -> (state, metrics [len(batches)])."""

    def steps(state: State, batches: list[Batch], key: Key) -> tuple[State, Metrics]:
        if len(batches) == 1:  # no loop, in which XLA compiles convolutions for a CPU that take many times as long
            state, metrics = step(state, batches[0], key)
            return state, jax.tree.map(lambda value: jnp.reshape(value, 1), metrics)
        return jax.lax.scan(
            lambda state, batch: step(state, batch, key), state, jax.tree.map(lambda *x: jnp.stack(x), *batches)
        )

    return steps


def shard_batch(batch: Batch) -> Batch:
    """[P, B, ...] -> [devices, P, B/devices, ...]: device d holds the d-th slice of each of the P batches of a step."""
    devices = jax.local_device_count()
    split = lambda x: x.reshape(len(x), devices, -1, *x.shape[2:]).swapaxes(0, 1)
    return jax.tree.map(split, batch)


def replicate(state: State) -> State:
    """A copy of the state as a step returns it: given another kind, the step would be compiled for that too, and then anew."""
    everywhere = NamedSharding(Mesh(np.array(jax.devices()), (AXIS,)), PartitionSpec())
    return jax.jit(lambda state: jax.tree.map(jnp.copy, state))(jax.device_put(state, everywhere))


def local(state: State) -> State:
    """The state on this process's first device; it is the same on all."""
    return jax.tree.map(lambda x: x.addressable_data(0) if isinstance(x, jax.Array) else x, state)
