"""U-Net: an image becomes another of the same size, by way of maps that halve and double, each pair of them joined by a skip.

Ronneberger et al. 2015 (arXiv:1505.04597), as Isola et al. 2017 (pix2pix, arXiv:1611.07004, appendix 6.1) have it, and with the
channels, biases and places of dropout of the authors' PyTorch code: 54,413,955 parameters with 8 halvings and 3 channels.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.layers.conv import Conv, ConvTranspose
from gan_jax.layers.noise import Dropout
from gan_jax.networks.latent import by_latent
from gan_jax.networks.patchgan import INIT, made_norm

Array = jax.Array
WIDEST = 8  # times the width: the channels of the innermost maps


def require_halvings(sides: tuple[int, int], halvings: int) -> None:
    """Raises ValueError unless both sides can be halved so often, and at least once."""
    unit, (height, width) = 2**halvings, sides
    if halvings < 1:
        raise ValueError(
            f"images of {height}x{width}: a U-Net takes sides that can be halved, such as multiples of 16 pixels"
        )
    if any(side % unit for side in sides):
        raise ValueError(
            f"images of {height}x{width}: a U-Net of {halvings} halvings takes multiples of {unit} pixels a side"
        )


def halvings_of(sides: tuple[int, int]) -> int:
    """How often both sides can be halved, to one pixel at most."""
    count = 0
    while all(side % 2 ** (count + 1) == 0 for side in sides):
        count += 1
    return count


class UNet(nn.Module):
    """Images [B, H, W, C] in [-1, 1] -> images [B, H, W, channels] in [-1, 1].

    Fields:
      channels: of what it draws.
      halvings: how often the maps halve: 8 take 256 pixels to one.
      width: channels of the largest maps inside.
      norm: a name in `patchgan.NORMS`; there is none in the first layer, nor on the innermost map, where of one pixel it would
        leave nothing.
      skips: whether maps are joined; without them it is an encoder and a decoder.
      dropout: its rate in the inner maps on the way up, the only noise that G has; drawn from the rng "noise" in training.
      axis_name: the mapped axis over which the batch is spread.
    """

    channels: int
    halvings: int = 8
    width: int = 64
    norm: str = "batch"
    dropout: float = 0.5
    axis_name: str | None = None
    skips: bool = True

    @nn.compact
    def __call__(self, x: Array, z: Array | None = None, *, train: bool) -> Array:
        """Args: z: latents [B, d] (`latent.by_latent`). Raises ValueError if the sides cannot be halved so often."""
        require_halvings(x.shape[1:3], self.halvings)
        norm, bias = made_norm(self.norm, train, self.axis_name)
        normed = by_latent(self.norm, norm, z)
        conv = dict(kernel_size=4, strides=2, kernel_init=INIT)
        counts = [self.width * min(2**i, WIDEST) for i in range(self.halvings)]
        innermost = self.halvings - 1
        maps = []
        for i, count in enumerate(counts):
            x = Conv(count, use_bias=bias, **conv)(nn.leaky_relu(x, 0.2) if i else x)
            x = normed(x) if 0 < i < innermost else x
            maps.append(x)
        for i in reversed(range(self.halvings)):
            count = counts[i - 1] if i else self.channels
            x = ConvTranspose(count, use_bias=bias or not i, **conv)(nn.relu(x))
            if i:
                x = normed(x)
                if counts[i - 1] == WIDEST * self.width and i < innermost:
                    x = Dropout(self.dropout, self.axis_name)(x, train=train)
                x = jnp.concatenate([maps[i - 1], x], axis=-1) if self.skips else x
        return nn.tanh(x)
