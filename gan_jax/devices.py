"""A batch that is spread over devices is still one batch."""

import jax
import jax.numpy as jnp

Array = jax.Array


def batch_mean(x: Array, axis_name: str | None, axis: int | None = None) -> Array:
    """The mean over `axis` (by default over all axes) and over the devices of a mapped axis, if there is one."""
    mean = jnp.mean(x, axis)
    return mean if axis_name is None else jax.lax.pmean(mean, axis_name)


def device_mean(tree, axis_name: str | None):
    """A pytree of arrays averaged over the devices of a mapped axis, if there is one."""
    return tree if axis_name is None else jax.lax.pmean(tree, axis_name)
