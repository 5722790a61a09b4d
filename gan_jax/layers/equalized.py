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
    """[..., inputs] -> [..., features]; `scale` times a kernel from N(0, 1), and a bias from 0. Computes in x's type.

    Fields: bias: that from which it starts; rate: by how much it learns slower than others: weights are kept from N(0, 1/rate²),
      and the bias 1/rate times as large, and both are multiplied by it when they are used (Karras et al. 2019, arXiv:1812.04948,
      appendix C).
    """

    features: int
    gain: float = GAIN
    use_bias: bool = True
    bias: float = 0.0
    rate: float = 1.0

    @nn.compact
    def __call__(self, x: Array) -> Array:
        kernel = self.param("kernel", nn.initializers.normal(1 / self.rate), (x.shape[-1], self.features))
        y = x @ (self.rate * scale(kernel.shape, self.gain) * kernel).astype(x.dtype)
        if not self.use_bias:
            return y
        bias = self.param("bias", nn.initializers.constant(self.bias / self.rate), (self.features,))
        return y + (self.rate * bias).astype(x.dtype)


class EqualizedConv(nn.Module):
    """[B, H, W, C] -> [B, H, W, features]; a square kernel, SAME padding, else as EqualizedDense.

    Fields: resample: a name in `CONVOLUTIONS`, for a kernel of 3×3: "up", of images that are `upscale`d first, [B, 2H, 2W,
      features]; or "down", of which the result is `downscale`d, [B, H/2, W/2, features]; before the bias is added, and as one
      convolution, as in the authors' code (`fused_scale`). "downsample" is StyleGAN2's.
    """

    features: int
    kernel_size: int = 3
    gain: float = GAIN
    resample: str | None = None
    use_bias: bool = True

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (self.kernel_size, self.kernel_size, x.shape[-1], self.features)
        kernel = self.param("kernel", nn.initializers.normal(1.0), shape)
        y = CONVOLUTIONS[self.resample](x, (scale(shape, self.gain) * kernel).astype(x.dtype))
        if not self.use_bias:
            return y
        return y + self.param("bias", nn.initializers.zeros, (self.features,)).astype(x.dtype)
