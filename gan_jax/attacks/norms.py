"""Norms of perturbations: how large one is, which step of length 1 gains most, what is nearest within a ball, a draw from it.

Every image has its own perturbation, so norms are over all pixels and channels of one image: of [B, ...], [B].
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.randomness import Key

Array = jax.Array


class Norm(NamedTuple):
    """Fields:

    size: (perturbations [B, ...]) -> their norms [B].
    steepest: (gradients [B, ...]) -> of all perturbations of norm 1 those of the greatest inner product; 0 where the gradient is 0.
    project: (perturbations [B, ...], epsilon) -> the nearest of a norm of at most epsilon.
    draw: (keys [B], shape of one, epsilon) -> uniform draws of those.
    """

    size: Callable[[Array], Array]
    steepest: Callable[[Array], Array]
    project: Callable[[Array, float], Array]
    draw: Callable[[Key, tuple[int, ...], float], Array]


def distances(a: Array, b: Array) -> dict[str, Array]:
    """How far images [B, ...] are from others, by L∞ (the largest change of a number), L2, and L1 (the sum of all), [B] each."""
    delta = a - b
    return {**{name: norm.size(delta) for name, norm in NORMS.items()}, "l1": jnp.sum(jnp.abs(_flat(delta)), axis=1)}


def _linf_size(delta: Array) -> Array:
    return jnp.max(jnp.abs(_flat(delta)), axis=1)


def _linf_project(delta: Array, epsilon: float) -> Array:
    return jnp.clip(delta, -epsilon, epsilon)


def _linf_draw(keys: Key, shape: tuple[int, ...], epsilon: float) -> Array:
    return jax.vmap(lambda key: jax.random.uniform(key, shape, minval=-epsilon, maxval=epsilon))(keys)


def _l2_size(delta: Array) -> Array:
    # By the largest number first: squares of gradients of 1e-20 and less are 0 in float32.
    largest = _linf_size(delta)
    scaled = _flat(delta) / jnp.where(largest > 0, largest, 1)[:, None]
    return largest * jnp.sqrt(jnp.sum(scaled**2, axis=1))


def _l2_steepest(gradients: Array) -> Array:
    largest = _beside(_linf_size(gradients), gradients)
    scaled = gradients / jnp.where(largest > 0, largest, 1)
    return scaled / jnp.where(largest > 0, _beside(_l2_size(scaled), scaled), 1)


def _l2_project(delta: Array, epsilon: float) -> Array:
    size = _beside(_l2_size(delta), delta)
    return delta * jnp.minimum(1, epsilon / jnp.where(size > 0, size, 1))


def _l2_draw(keys: Key, shape: tuple[int, ...], epsilon: float) -> Array:
    """A direction of normal numbers, and a radius that has its share of the ball's volume: u^(1/d)."""

    def one(key: Key) -> Array:
        direction_key, radius_key = jax.random.split(key)
        direction = jax.random.normal(direction_key, shape)
        radius = jax.random.uniform(radius_key) ** (1 / direction.size)
        return epsilon * radius * direction / jnp.linalg.norm(direction.ravel())

    return jax.vmap(one)(keys)


def _flat(x: Array) -> Array:
    return jnp.reshape(x, (len(x), -1))


def _beside(numbers: Array, images: Array) -> Array:
    """Numbers [B] as [B, 1, ..., 1]."""
    return jnp.reshape(numbers, (-1, *[1] * (images.ndim - 1)))


NORMS = {
    "linf": Norm(_linf_size, jnp.sign, _linf_project, _linf_draw),
    "l2": Norm(_l2_size, _l2_steepest, _l2_project, _l2_draw),
}
