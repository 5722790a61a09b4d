"""Partial convolution: of the pixels that are there (Liu et al. 2018, arXiv:1804.07723, section 3.1)."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.layers.conv import Conv, Geometry, convolve

Array = jax.Array


class PartialConv(nn.Module):
    """W (x ⊙ m) · (window's size / Σ m) + b where the window sees something, else 0; and the mask of where that is.

    What is beyond the edges counts as missing, so at a corner of a whole image, with a window of 3×3, the ratio is 9/4.

    Fields: as `conv.Conv`'s. Parameters: kernel [k, k, C, features], bias [features].
    """

    features: int
    kernel_size: int = 3
    strides: int = 1
    use_bias: bool = True
    kernel_init: nn.initializers.Initializer = nn.initializers.lecun_normal()

    @nn.compact
    def __call__(self, x: Array, there: Array) -> tuple[Array, Array]:
        """x [B, H, W, C], there [B, H, W, 1], 1 where x is known, else 0 -> (y, where y is known); smaller by the stride."""
        conv = Conv(self.features, self.kernel_size, self.strides, use_bias=False, kernel_init=self.kernel_init)
        y = conv(jnp.where(there > 0, x, 0))
        seen, ratio = renormalisation(there, self.kernel_size, self.strides)
        y = y * ratio
        if self.use_bias:
            y = y + self.param("bias", nn.initializers.zeros, (self.features,))
        return jnp.where(seen > 0, y, 0), seen


def renormalisation(there: Array, kernel_size: int, strides: int) -> tuple[Array, Array]:
    """Of windows over `there` [B, H, W, 1]: 1 where one sees anything, and its size over what it sees, 0 where that is nothing."""
    size = (kernel_size, kernel_size)
    geometry = Geometry(there.shape[1:3], size, (strides, strides))
    known = jax.lax.stop_gradient(convolve(there, jnp.ones((*size, 1, 1), there.dtype), geometry))
    seen = (known > 0).astype(there.dtype)
    return seen, seen * kernel_size**2 / jnp.maximum(known, 1)
