"""SPADE's networks (Park et al. 2019, GauGAN, arXiv:1903.07291, appendix A): label maps to images, in the style of an image.

Channels are those of the authors' code for 256 pixels; smaller images have fewer doublings, from 4×4.
"""

from collections.abc import Callable
from functools import partial

import jax
from flax import linen as nn

from gan_jax.layers.conv import Conv
from gan_jax.layers.norm import InstanceNorm
from gan_jax.layers.resample import upscale
from gan_jax.layers.spade import INIT, Spade
from gan_jax.layers.spectral import spectral_norm

Array = jax.Array
MOST = 16  # times the width: the channels of the smallest maps
DOUBLINGS = 5  # at most


def doublings(sides: tuple[int, int]) -> int:
    """How often maps double: until the first would have less than 4 pixels a side, or DOUBLINGS times.

    Raises ValueError if both sides cannot be halved once.
    """
    count = 0
    while count < DOUBLINGS and all(side % 2 ** (count + 1) == 0 and side // 2 ** (count + 1) >= 4 for side in sides):
        count += 1
    if not count:
        raise ValueError(f"images of {sides[0]}x{sides[1]}: SPADE draws such as have even sides of 8 pixels at least")
    return count


class Generator(nn.Module):
    """Label maps, one-hot [B, H, W, K], and styles [B, d], to images [B, H, W, channels] in [-1, 1].

    Fields: channels; width: of the largest maps; axis_name: the mapped axis over which batch statistics are shared.
    """

    channels: int = 3
    width: int = 64
    axis_name: str | None = None

    @nn.compact
    def __call__(self, labels: Array, style: Array, *, train: bool) -> Array:
        """Raises ValueError for sides that it cannot draw."""
        sides = labels.shape[1:3]
        times = doublings(sides)
        counts = [self.width * min(MOST, 2 ** (times - i)) for i in range(times + 1)]
        norm = partial(Spade, train, self.axis_name, hidden=2 * self.width)  # 128 as published
        block = partial(spade_block, norm=norm, labels=labels, train=train)
        height, width = (side // 2**times for side in sides)
        x = nn.Dense(height * width * counts[0], kernel_init=INIT)(style).reshape(-1, height, width, counts[0])
        x = block(x, counts[0])
        for number, count in enumerate(counts[1:]):
            x = block(upscale(x), count)
            if number == 0 and times == DOUBLINGS:
                x = block(x, count)
        return nn.tanh(Conv(self.channels, 3, kernel_init=INIT)(nn.leaky_relu(x, 0.2)))


class Encoder(nn.Module):
    """Images [B, H, W, C] to the mean and the logarithm of the variance of their styles, [B, size] each.

    Fields: size; width: channels of the largest maps.
    """

    size: int = 256
    width: int = 64

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> tuple[Array, Array]:
        for i in range(doublings(x.shape[1:3])):
            conv = Conv(self.width * min(8, 2**i), 3, 2, use_bias=False, kernel_init=INIT)
            x = nn.leaky_relu(InstanceNorm()(spectral_norm(conv, train=train)(x)), 0.2)
        x = x.reshape(len(x), -1)
        return nn.Dense(self.size, kernel_init=INIT)(x), nn.Dense(self.size, kernel_init=INIT)(x)


def spade_block(x: Array, features: int, *, norm: Callable[[], nn.Module], labels: Array, train: bool) -> Array:
    """A residual block (figure 4): [B, h, w, C] -> [B, h, w, features], each normalisation by the labels."""
    conv = lambda features, size, **options: spectral_norm(
        Conv(features, size, kernel_init=INIT, **options), train=train
    )
    middle = min(x.shape[-1], features)
    h = conv(middle, 3)(nn.leaky_relu(norm()(x, labels), 0.2))
    h = conv(features, 3)(nn.leaky_relu(norm()(h, labels), 0.2))
    if x.shape[-1] != features:
        x = conv(features, 1, use_bias=False)(norm()(x, labels))
    return x + h
