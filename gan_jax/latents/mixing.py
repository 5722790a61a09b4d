"""Styles that some layers have of others: coarse layers bring shapes, fine ones colours and strokes.

Karras et al. 2019 (StyleGAN, arXiv:1812.04948, figure 3).
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

Array = jax.Array


def mixed(rows: Array, columns: Array, layers: Sequence[int]) -> Array:
    """ws [R, C, L, d]: those of rows [R, L, d], but in some layers those of columns [C, L, d]."""
    taken = jnp.isin(jnp.arange(rows.shape[1]), jnp.asarray(layers))[:, None]
    return jnp.where(taken, columns[None], rows[:, None])
