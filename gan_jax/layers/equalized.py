"""Layers with an equalized learning rate (Karras et al. 2018, arXiv:1710.10196, section 4.1).

Weights are kept as N(0, 1) and multiplied by He's constant when they are used. So a step of Adam, whose size does not depend
on a gradient's scale, changes all layers by the same share of their dynamic range: weights move by rate · scale.
"""

import math

import jax
from flax import linen as nn

from gan_jax.layers.resample import CONVOLUTIONS

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
