"""Layers with an equalized learning rate (Karras et al. 2018, arXiv:1710.10196, section 4.1).

Weights are kept as N(0, 1) and multiplied by He's constant when they are used. So a step of Adam, whose size does not depend
on a gradient's scale, changes all layers by the same share of their dynamic range: weights move by rate · scale.
"""

import math

import jax
from flax import linen as nn

from gan_jax.layers.conv import Geometry, convolve

Array = jax.Array
GAIN = math.sqrt(2)  # of a layer that is followed by rectifiers, as in the paper whatever their slope


def he_scale(shape: tuple[int, ...], *, slope: float = 0.0) -> float:
    """√(2 / ((1 + slope²) fan_in)) of a kernel [..., inputs, outputs] that leaky rectifiers follow (He et al. 2015, eq. 15)."""
    return math.sqrt(2 / ((1 + slope**2) * math.prod(shape[:-1])))


class EqualizedDense(nn.Module):
    """[..., inputs] -> [..., features]; gain / √inputs times a kernel from N(0, 1), and a bias from 0."""

    features: int
    gain: float = GAIN
    use_bias: bool = True

    @nn.compact
    def __call__(self, x: Array) -> Array:
        kernel = self.param("kernel", nn.initializers.normal(1.0), (x.shape[-1], self.features))
        y = x @ (self.gain / math.sqrt(x.shape[-1]) * kernel)
        return y + self.param("bias", nn.initializers.zeros, (self.features,)) if self.use_bias else y


class EqualizedConv(nn.Module):
    """[B, H, W, C] -> [B, H, W, features]; a square kernel, SAME padding, else as EqualizedDense."""

    features: int
    kernel_size: int = 3
    gain: float = GAIN

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (self.kernel_size, self.kernel_size, x.shape[-1], self.features)
        kernel = self.param("kernel", nn.initializers.normal(1.0), shape)
        scale = self.gain / math.sqrt(math.prod(shape[:-1]))
        y = convolve(x, scale * kernel, Geometry(x.shape[1:3], shape[:2], (1, 1)))
        return y + self.param("bias", nn.initializers.zeros, (self.features,))
