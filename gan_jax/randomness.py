"""Noise belongs to the example, not to the device: one key per example of the global batch.

Example i of the global batch at step t draws from its own key, whichever device holds it. So a run on 8 devices
draws what a run on one draws.
"""

from collections.abc import Callable

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


def other_keys(keys: Key, number: int) -> Key:
    """Of each of keys [B] another, by a number: for what else is drawn for the same examples."""
    return jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, number)


def normal(key: Key, shape: tuple[int, ...], bound: float | None = None) -> Array:
    """Standard normal numbers; with a bound, of those that are in [-bound, bound]."""
    if bound is None:
        return jax.random.normal(key, shape)
    return jax.random.truncated_normal(key, -bound, bound, shape)


def uniform(key: Key, shape: tuple[int, ...], bound: float | None = None) -> Array:
    """Numbers from U[-1, 1] (Radford et al. 2016, and many after); with a bound, of those that are in [-bound, bound]."""
    bound = 1.0 if bound is None else min(bound, 1.0)
    return jax.random.uniform(key, shape, minval=-bound, maxval=bound)


PRIORS: dict[str, Callable[..., Array]] = {"normal": normal, "uniform": uniform}


def latents(keys: Key, size: int, draw: Callable = normal, bound: float | None = None) -> Array:
    """Latents z, [B, size], one draw per key [B]; `draw` is a value of PRIORS.

    With a bound they are truncated: fewer kinds of images, each nearer to the usual (Brock et al. 2019, arXiv:1809.11096,
    section 3.1). The same key with a smaller bound gives a latent of the same direction, about, nearer to 0.
    """
    return jax.vmap(lambda key: draw(key, (size,), bound))(keys)
