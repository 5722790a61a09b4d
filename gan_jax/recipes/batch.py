"""What a step makes of its batch."""

import jax
import jax.numpy as jnp

from gan_jax.recipes.contract import Batch, Condition

Array = jax.Array


def part(batch: Batch, number: int) -> Batch:
    """One of the batches of a round: [batches_per_step, B, ...] -> [B, ...], images in [-1, 1]."""
    return jax.tree.map(lambda x: to_unit_range(x[number]), batch)


def to_unit_range(pixels: Array) -> Array:
    """uint8 pixels 0..255 to float32 in [-1, 1]: x / 127.5 - 1, tanh's range. Other types are taken as they are."""
    return pixels.astype(jnp.float32) / 127.5 - 1 if pixels.dtype == jnp.uint8 else pixels


def condition_of(batch: Batch, names: tuple[str, ...]) -> Condition | None:
    """What both networks are given of the examples beside the image: these fields; None if there are none."""
    return {name: batch[name] for name in names} or None
