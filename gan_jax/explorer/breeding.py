"""Latents made of latents: children, crosses, steps along a direction. What is drawn at random stays in the prior.

Interactive evolution of what a generator draws: Simon 2018 (Ganbreeder); Bontrager et al. 2018, arXiv:1801.08230.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gan_jax.latents.inversion import PROJECTIONS
from gan_jax.randomness import Key

Array = jax.Array
EDGE = 1 - 1e-6  # of uniform latents, whose ends no normal number has

# To independent normal numbers, and back, by the priors' names.
NORMALISED: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "normal": (lambda latents: latents, lambda numbers: numbers),
    "uniform": (
        lambda latents: jax.scipy.stats.norm.ppf((1 + jnp.clip(latents, -EDGE, EDGE)) / 2),
        lambda numbers: 2 * jax.scipy.stats.norm.cdf(numbers) - 1,
    ),
}


def children(latent: Array, key: Key, count: int, distance: float, prior: str) -> Array:
    """Latents [count, d] about one [d].

    Args: distance: from 0, the latent itself, to 1, others that have nothing of it. On the way cos θ of it and sin θ of another,
    θ = distance π/2, as normal numbers, so that they are of the prior as the latent is.
    """
    to_normal, back = NORMALISED[prior]
    angle = distance * jnp.pi / 2
    others = jax.random.normal(key, (count, latent.shape[-1]))
    return back(jnp.cos(angle) * to_normal(latent) + jnp.sin(angle) * others)


def crossed(first: Array, second: Array, key: Key, count: int) -> Array:
    """Latents [count, d] of two [d]: each number is that of one parent or of the other, by chance (uniform crossover)."""
    taken = jax.random.bernoulli(key, 0.5, (count, first.shape[-1]))
    return jnp.where(taken, first, second)


def moved(latent: Array, directions: Array, amounts: Array, prior: str) -> Array:
    """A latent [d] moved along directions [k, d] by amounts [k], back to what can be drawn."""
    return PROJECTIONS[prior]((latent + amounts @ directions)[None])[0]
