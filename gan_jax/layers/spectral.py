"""Spectral normalisation: a layer's kernel divided by its largest singular value."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn


def spectral_norm(layer: nn.Module, *, train: bool) -> Callable[[jax.Array], jax.Array]:
    """The layer with W/σ(W) in place of each kernel W (Miyato et al. 2018, arXiv:1802.05957, eq. 8, algorithm 1).

    A kernel of more than two axes counts as a matrix, [all others, output channels]. σ is estimated by one step of
    power iteration per call; the vectors that it starts from are in the variables' collection "spectral", and are
    kept with `train`. In a D-step of `recipes.gan` that makes two steps, one per pass. u and v count as constants in
    derivatives.
    """

    def normalised(x: jax.Array) -> jax.Array:
        dtype = x.dtype if jnp.issubdtype(x.dtype, jnp.floating) else None  # labels say nothing of it
        return nn.SpectralNorm(layer, collection_name="spectral", dtype=dtype)(x, update_stats=train)

    return normalised
