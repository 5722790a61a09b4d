"""Layers that draw noise, which belongs to the example: 1, 2 and 8 devices draw the same."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.randomness import example_keys

Array = jax.Array


class Dropout(nn.Module):
    """Sets each number to 0 with probability `rate` and divides the others by 1 - rate (Srivastava et al. 2014).

    Draws from the rng "noise". flax's own draws one mask for the batch that a device holds.

    Fields: axis_name: the mapped axis over which the batch is spread.
    """

    rate: float
    axis_name: str | None = None

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        """[B, ...] -> [B, ...]; with train=False, the same."""
        if self.rate == 0 or not train:
            return x
        keys = example_keys(self.make_rng("noise"), len(x), self.axis_name)
        kept = jax.vmap(lambda key: jax.random.bernoulli(key, 1 - self.rate, x.shape[1:]))(keys)
        return jnp.where(kept, x / (1 - self.rate), 0)


class GaussianNoise(nn.Module):
    """Adds noise from N(0, deviation²) to each number. Draws from the rng "noise".

    Fields: axis_name: the mapped axis over which the batch is spread.
    """

    deviation: float
    axis_name: str | None = None

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        """[B, ...] -> [B, ...]; with train=False, the same."""
        if self.deviation == 0 or not train:
            return x
        keys = example_keys(self.make_rng("noise"), len(x), self.axis_name)
        noise = jax.vmap(lambda key: jax.random.normal(key, x.shape[1:]))(keys)
        return x + (self.deviation * noise).astype(x.dtype)
