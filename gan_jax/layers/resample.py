"""Images and feature maps of another size."""

import jax
import jax.numpy as jnp

Array = jax.Array


def upscale(x: Array, factor: int = 2) -> Array:
    """[B, H, W, C] -> [B, H·factor, W·factor, C], each pixel repeated."""
    return x.repeat(factor, axis=1).repeat(factor, axis=2)


def downscale(x: Array, factor: int = 2) -> Array:
    """[B, H, W, C] -> [B, H/factor, W/factor, C], the means of factor × factor pixels. The factor divides both sides."""
    batch, height, width, channels = x.shape
    blocks = x.reshape(batch, height // factor, factor, width // factor, factor, channels)
    return jnp.mean(blocks, axis=(2, 4))
