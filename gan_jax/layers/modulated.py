"""Convolutions whose kernel is scaled for each example (StyleGAN2: Karras et al. 2020, arXiv:1912.04958, section 2.2)."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.layers.resample import CONVOLUTIONS

Array = jax.Array
EPSILON = 1e-8  # inside the root, as in the authors' code


class ModulatedConv(nn.Module):
    """[B, H, W, C] and a scale for each example's channels, [B, C] -> [B, H, W, features]; without a bias.

    Each example has a kernel of its own, s_c w (equation 1), demodulated: divided by its norm over all that makes one feature
    (equation 3), so that features of independent inputs of variance 1 have variance 1. As the scale of channels is done to x, and
    the norm's to the features, all examples are convolved with one w, which is the same. Computes in x's type.

    Fields:
      kernel_size: of a square kernel, SAME padding.
      demodulated: whether kernels are.
      resample: a name in `CONVOLUTIONS`, for a kernel of 3×3.
    Parameters: kernel [k, k, C, features], from N(0, 1).
    """

    features: int
    kernel_size: int = 3
    demodulated: bool = True
    resample: str | None = None

    @nn.compact
    def __call__(self, x: Array, scales: Array) -> Array:
        shape = (self.kernel_size, self.kernel_size, x.shape[-1], self.features)
        kernel = self.param("kernel", nn.initializers.normal(1.0), shape)
        y = CONVOLUTIONS[self.resample](x * scales[:, None, None].astype(x.dtype), kernel.astype(x.dtype))
        if self.demodulated:
            y = y * demodulation(kernel, scales)[:, None, None].astype(x.dtype)
        return y


def demodulation(kernel: Array, scales: Array) -> Array:
    """One over the norms of kernels s_c w, for each example and feature, [B, features]."""
    return jax.lax.rsqrt(scales**2 @ jnp.sum(kernel**2, axis=(0, 1)) + EPSILON)
