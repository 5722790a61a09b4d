"""Noise belongs to the example, not to the device: one key per example of the global batch.

Example i of the global batch at step t draws from its own key, whichever device holds it. So a run on 8 devices
draws what a run on one draws.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp

Array = jax.Array
Key = jax.Array


def example_keys(key: Key, count: int, axis_name: str | None = None) -> Key:
    """One key per example, [count], each derived from `key` and the example's index in the global batch.

    Args:
      key: one key; or [count] keys, one per example already, which are returned as they are.
      count: how many examples this device holds.
      axis_name: the mapped axis over which the batch is spread, in order; None where there is none.
    """
    if key.ndim == 1:
        return key
    first = 0 if axis_name is None else jax.lax.axis_index(axis_name) * count
    return jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, first + jnp.arange(count))


LATENTS = {
    "normal": jax.random.normal,
    "uniform": partial(jax.random.uniform, minval=-1.0, maxval=1.0),  # Radford et al. 2016, and many after
}


def latents(keys: Key, size: int, draw: Callable = jax.random.normal) -> Array:
    """Latents z, [B, size], one draw per key [B]; `draw` is a value of LATENTS: (key, shape) -> numbers."""
    return jax.vmap(lambda key: draw(key, (size,)))(keys)
