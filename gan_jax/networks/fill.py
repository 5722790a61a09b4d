"""A hole filled by what is around it, as smoothly as can be: what an inpainting network adds to."""

import jax
import jax.numpy as jnp

from gan_jax.layers.resample import downscale

Array = jax.Array
SWEEPS = 64  # of Jacobi's method, which smooth what coarser levels leave


def filled(images: Array, mask: Array) -> Array:
    """Images [B, H, W, C] whose pixels in `mask`, bool [B, H, W, 1], come from the others alone; near to Laplace's equation.

    From coarse to fine a missing pixel takes what is known around it at half the size (pull and push: Gortler et al. 1996, section
    3.7), and at last the mean of its neighbours, several times. An image of which nothing is known becomes 0.
    """
    start = _from_coarse(jnp.where(mask, 0, images), 1 - mask.astype(images.dtype))

    def sweep(_: int, x: Array) -> Array:
        beside = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
        mean = (beside[:, 2:, 1:-1] + beside[:, :-2, 1:-1] + beside[:, 1:-1, 2:] + beside[:, 1:-1, :-2]) / 4
        return jnp.where(mask, mean, images)

    return jax.lax.fori_loop(0, SWEEPS, sweep, start)


def _from_coarse(x: Array, known: Array) -> Array:
    """x with what is missing, where `known` [B, H, W, 1] is 0 and x too, from half the size; at last from the mean of all."""
    if any(side % 2 for side in x.shape[1:3]):
        return jnp.where(known > 0, x, _mean(x, known, lambda a: jnp.mean(a, axis=(1, 2), keepdims=True)))
    coarse = _mean(x, known, downscale)
    coarse = _from_coarse(coarse, (downscale(known) > 0).astype(x.dtype))
    return jnp.where(known > 0, x, jax.image.resize(coarse, x.shape, "linear"))


def _mean(x: Array, known: Array, pool) -> Array:
    """The mean of what is known; 0 where nothing is."""
    weight = pool(known)
    return jnp.where(weight > 0, pool(x * known) / jnp.maximum(weight, 1e-6), 0)
