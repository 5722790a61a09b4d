"""Blocks of 2 × 2 pixels taken for channels, so that a wide kernel has fewer places and more to multiply at each."""

import jax
import jax.numpy as jnp

Array = jax.Array


def of_pixels(x: Array) -> Array:
    """[N, H, W, C] -> [N, H/2, W/2, 4C]."""
    n, height, width, channels = x.shape
    x = x.reshape(n, height // 2, 2, width // 2, 2, channels).swapaxes(2, 3)
    return x.reshape(n, height // 2, width // 2, 4 * channels)


def to_pixels(x: Array) -> Array:
    """What `of_pixels` was given."""
    n, height, width, channels = x.shape
    x = x.reshape(n, height, width, 2, 2, channels // 4).swapaxes(2, 3)
    return x.reshape(n, 2 * height, 2 * width, channels // 4)


def of_kernel(w: Array) -> Array:
    """A kernel [kh, kw, C, F] of odd sides, of a convolution without padding -> that of blocks, [(kh+1)/2, (kw+1)/2, 4C, 4F].

    Each pixel of an output's block meets the kernel one pixel further than the one before: the rest is zeros.
    """
    height, width, channels, features = w.shape
    shifts = ((0, 1), (1, 0))
    shifted = [[jnp.pad(w, (down, beside, (0, 0), (0, 0))) for beside in shifts] for down in shifts]
    w = jnp.stack([jnp.stack(row, axis=3) for row in shifted], axis=3)  # [kh + 1, kw + 1, C, 2, 2, F]
    w = w.reshape((height + 1) // 2, 2, (width + 1) // 2, 2, channels, 4 * features).swapaxes(1, 2)
    return w.reshape((height + 1) // 2, (width + 1) // 2, 4 * channels, 4 * features)
