"""Styles and noise as one vector, in which images are looked for: the spaces W and W+ of a generator with styles.

Karras et al. 2020 (StyleGAN2, arXiv:1912.04958, section 5 and appendix D): beside w, the constant noise of an image is its own, and
held to what noise is. In W an image has one w for all layers; in W+ one for each, which draws what W cannot (Abdal et al. 2019,
arXiv:1904.03189).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

Array = jax.Array
PyTree = dict
COARSEST = 8  # pixels a side of the coarsest scale at which a map is looked at
WEIGHT = 10.0  # of what noise is held to, beside a mean squared error of pixels in [-1, 1]; theirs is 1e5 beside LPIPS


class Space(NamedTuple):
    """Vectors [n, D] of styles and noise.

    Fields:
      pack: ws [n, L, d] -> vectors, with the run's own noise, normalised as `project` does, so that images differ a little from
        those of the run; in W the first layer's w stands for all.
      unpack: vectors -> (ws [n, L, d], noise, maps [n, H, W, 1] by layer).
      project: vectors [..., D] -> the same, with noise of mean 0 and deviation 1.
      penalty: vectors -> what their noise has in common with itself, moved by a pixel, times WEIGHT, [n].
    """

    pack: Callable[[Array], Array]
    unpack: Callable[[Array], tuple[Array, PyTree]]
    project: Callable[[Array], Array]
    penalty: Callable[[Array], Array]


def make(noise: PyTree, layers: int, size: int, *, each: bool) -> Space:
    """The space of a generator of so many layers, whose w have this size.

    Args: noise: its own, maps [H, W, 1]; each: whether each layer has a w of its own (W+).
    """
    own = jax.tree.map(normalised, noise)
    example = {"noise": own, "styles": jnp.zeros((layers, size) if each else (size,))}
    unravel = ravel_pytree(example)[1]

    def pack(ws: Array) -> Array:
        styles = ws if each else ws[:, 0]
        return jax.vmap(lambda one: ravel_pytree({"noise": own, "styles": one})[0])(styles)

    def unpack(vectors: Array) -> tuple[Array, PyTree]:
        found = jax.vmap(unravel)(vectors)
        styles = found["styles"] if each else jnp.repeat(found["styles"][:, None], layers, axis=1)
        return styles, found["noise"]

    def projected(vector: Array) -> Array:
        found = unravel(vector)
        return ravel_pytree({**found, "noise": jax.tree.map(normalised, found["noise"])})[0]

    def penalty(vectors: Array) -> Array:
        maps = jax.tree.leaves(unpack(vectors)[1])
        return WEIGHT * sum(jax.vmap(self_correlation)(each_map) for each_map in maps)

    return Space(pack, unpack, jnp.vectorize(projected, signature="(d)->(d)"), penalty)


def normalised(noise: Array) -> Array:
    """A map [H, W, 1] with mean 0 and deviation 1 (ddof 0)."""
    centred = noise - jnp.mean(noise)
    return centred * jax.lax.rsqrt(jnp.mean(centred**2) + 1e-12)


def self_correlation(noise: Array) -> Array:
    """Σ over scales of (E n(x, y) n(x - 1, y))² + (E n(x, y) n(x, y - 1))², of a map [H, W, 1], whose edges are joined.

    Each scale is half the last, the means of 2×2, down to COARSEST (appendix D, as in the authors' code): 0 for white noise that
    is large, and more the more of an image is in it.
    """
    found = jnp.zeros(())
    while True:
        found += sum(jnp.mean(noise * jnp.roll(noise, 1, axis)) ** 2 for axis in (0, 1))
        height, width = noise.shape[:2]
        if min(height, width) <= COARSEST:
            return found
        noise = jnp.mean(noise.reshape(height // 2, 2, width // 2, 2, 1), axis=(1, 3))
