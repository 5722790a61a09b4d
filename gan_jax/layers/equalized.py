"""Layers with an equalized learning rate (Karras et al. 2018, arXiv:1710.10196, section 4.1).

Weights are kept as N(0, 1) and multiplied by He's constant when they are used. So a step of Adam, whose size does not depend
on a gradient's scale, changes all layers by the same share of their dynamic range: weights move by rate · scale.
"""

import math

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.layers.conv import Geometry, convolve, input_gradient

Array = jax.Array
GAIN = math.sqrt(2)  # of a layer that is followed by rectifiers, as in the paper whatever their slope


def scale(shape: tuple[int, ...], gain: float = GAIN) -> float:
    """gain / √fan_in of a kernel [..., inputs, outputs]: of gain √(2 / (1 + slope²)) it is He et al. 2015's (equation 15)."""
    return gain / math.sqrt(math.prod(shape[:-1]))


class EqualizedDense(nn.Module):
    """[..., inputs] -> [..., features]; `scale` times a kernel from N(0, 1), and a bias from 0."""

    features: int
    gain: float = GAIN
    use_bias: bool = True

    @nn.compact
    def __call__(self, x: Array) -> Array:
        kernel = self.param("kernel", nn.initializers.normal(1.0), (x.shape[-1], self.features))
        y = x @ (scale(kernel.shape, self.gain) * kernel)
        return y + self.param("bias", nn.initializers.zeros, (self.features,)) if self.use_bias else y


class EqualizedConv(nn.Module):
    """[B, H, W, C] -> [B, H, W, features]; a square kernel, SAME padding, else as EqualizedDense.

    Fields: resample: "up", of images that are `upscale`d first, [B, 2H, 2W, features]; or "down", of which the result is
      `downscale`d, [B, H/2, W/2, features]; before the bias is added. Both for a kernel of 3×3, and as one convolution, as in
      the authors' code (`fused_scale`).
    """

    features: int
    kernel_size: int = 3
    gain: float = GAIN
    resample: str | None = None

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (self.kernel_size, self.kernel_size, x.shape[-1], self.features)
        kernel = self.param("kernel", nn.initializers.normal(1.0), shape)
        y = CONVOLUTIONS[self.resample](x, scale(shape, self.gain) * kernel)
        return y + self.param("bias", nn.initializers.zeros, (self.features,))


def convolve_upscaled(x: Array, w: Array) -> Array:
    """Convolves `upscale(x)` with a kernel of 3×3: a transposed convolution, with 4 products in place of 9."""
    height, width = x.shape[1:3]
    kernel = twice(w[::-1, ::-1]).swapaxes(2, 3)
    return input_gradient(x, kernel, Geometry((2 * height, 2 * width), (4, 4), (2, 2)))


def convolve_downscaled(x: Array, w: Array) -> Array:
    """`downscale`s what x convolved with a kernel of 3×3 is: a strided convolution, with 4 products in place of 9."""
    return convolve(x, twice(w) / 4, Geometry(x.shape[1:3], (4, 4), (2, 2)))


def twice(w: Array) -> Array:
    """A kernel [3, 3, ...] that meets each pixel of a block of 2×2, as one that meets the block: [4, 4, ...]."""
    moved = [jnp.pad(w, ((i, 1 - i), (j, 1 - j), (0, 0), (0, 0))) for i in (0, 1) for j in (0, 1)]
    return sum(moved)


def convolve_same(x: Array, w: Array) -> Array:
    """Convolves with SAME padding."""
    return convolve(x, w, Geometry(x.shape[1:3], w.shape[:2], (1, 1)))


CONVOLUTIONS = {None: convolve_same, "up": convolve_upscaled, "down": convolve_downscaled}
