"""Networks that make images larger: SRResNet, SRGAN's generator, and RRDB-Net, ESRGAN's.

SRResNet: Ledig et al. 2017 (arXiv:1609.04802, section 2.1 and figure 4): residual blocks with batch normalisation, then a
convolution and a shuffle of pixels for each doubling; 1,549,462 parameters for four times the side, each PReLU with one slope.
RRDB: Wang et al. 2018 (arXiv:1809.00219, section 3.1), with the authors' code's layers: dense blocks in residual blocks, nothing
that normalises, doubled by repeating pixels; 16,697,987 parameters with 23 blocks.
"""

import math
from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.layers.conv import Conv
from gan_jax.layers.resample import upscale
from gan_jax.networks.patchgan import made_norm

Array = jax.Array
SHRUNK = 0.2  # by which RRDB multiplies what its residual branches add
HE = nn.initializers.variance_scaling(
    0.02, "fan_in", "normal"
)  # He's deviation times 0.1, as the authors of ESRGAN begin


def doublings(times: int) -> int:
    """How many doublings make a side so many times as large. Raises ValueError unless it is 1, 2, 4 or 8."""
    if times not in (1, 2, 4, 8):
        raise ValueError(f"times={times}: must be 1, 2, 4 or 8")
    return int(math.log2(times))


def shuffle(x: Array) -> Array:
    """[B, H, W, 4 C] -> [B, 2 H, 2 W, C]: four channels become a square of 2×2 pixels (Shi et al. 2016, arXiv:1609.05158)."""
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height, width, 2, 2, channels // 4)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(batch, 2 * height, 2 * width, channels // 4)


class PReLU(nn.Module):
    """max(x, 0) + a min(x, 0), a learnt number that starts from 0.25 (He et al. 2015, arXiv:1502.01852)."""

    @nn.compact
    def __call__(self, x: Array) -> Array:
        slope = self.param("slope", nn.initializers.constant(0.25), ())
        return jnp.where(x >= 0, x, slope * x)


class SRResNet(nn.Module):
    """Images [B, H, W, C] -> images [B, times H, times W, channels], about in [-1, 1].

    Fields: channels: of what it draws; times: 1, 2, 4 or 8; width: channels inside; blocks; norm: a name in `patchgan.NORMS`,
    batch as published, none as later in EDSR (Lim et al. 2017, arXiv:1707.02921); axis_name: the mapped axis over which the batch
    is spread.
    """

    channels: int = 3
    times: int = 4
    width: int = 64
    blocks: int = 16
    norm: str = "batch"
    axis_name: str | None = None

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        conv, (norm, _) = partial(Conv, self.width, 3), made_norm(self.norm, train, self.axis_name)
        first = x = PReLU()(Conv(self.width, 9)(x))
        for _ in range(self.blocks):
            x = x + norm()(conv()(PReLU()(norm()(conv()(x)))))
        x = first + norm()(conv()(x))
        for _ in range(doublings(self.times)):
            x = PReLU()(shuffle(Conv(4 * self.width, 3)(x)))
        return Conv(self.channels, 9, kernel_init=HE)(x)  # little at first, as it may be added to an enlarged image


class RRDB(nn.Module):
    """Images [B, H, W, C] -> images [B, times H, times W, channels], about in [-1, 1].

    Fields: channels, times, width, blocks: as SRResNet's; growth: the channels that each layer of a dense block adds.
    """

    channels: int = 3
    times: int = 4
    width: int = 64
    blocks: int = 23
    growth: int = 32

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        conv, act = partial(Conv, self.width, 3, kernel_init=HE), partial(nn.leaky_relu, negative_slope=0.2)
        first = x = conv()(x)
        for _ in range(self.blocks):
            inner = x
            for _ in range(3):
                inner = dense_block(inner, self.growth)
            x = x + SHRUNK * inner
        x = first + conv()(x)
        for _ in range(doublings(self.times)):
            x = act(conv()(upscale(x)))
        return Conv(self.channels, 3, kernel_init=HE)(act(conv()(x)))


def dense_block(x: Array, growth: int) -> Array:
    """Five convolutions, each of all that came before; the last one's is added: [B, H, W, C] -> the same shape."""
    seen = x
    for _ in range(4):
        new = nn.leaky_relu(Conv(growth, 3, kernel_init=HE)(seen), 0.2)
        seen = jnp.concatenate([seen, new], axis=-1)
    return x + SHRUNK * Conv(x.shape[-1], 3, kernel_init=HE)(seen)
