"""BEGAN's networks (Berthelot et al. 2017, arXiv:1703.10717, figure 1): D is an autoencoder, G is built as its decoder.

Convolutions of 3×3 with exponential linear units, two for each resolution; a subsampling doubles nothing, but adds `width`
channels; upsampling repeats pixels; a dense layer to the code, and one from it, without a rectifier. No normalisation. The
paper's smallest maps are 8×8; ours are those of `dcgan.sides`, 7×7 of 28 pixels.
"""

import math

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.layers.conv import Conv
from gan_jax.layers.resample import upscale
from gan_jax.networks.dcgan import sides

Array = jax.Array
SMALLEST = 8  # the side at which halving ends


def resolutions(image_size: tuple[int, int]) -> list[tuple[int, int]]:
    """The heights and widths of the maps, the image's first: (28, 28) -> [(28, 28), (14, 14), (7, 7)]."""
    every = sides(image_size)
    return every[: 1 + sum(max(size) > SMALLEST for size in every)]


class Decoder(nn.Module):
    """Codes to images.

    Fields: image_shape: (H, W, C); width: channels of all maps.
    """

    image_shape: tuple[int, int, int]
    width: int = 32

    @nn.compact
    def __call__(self, z: Array, condition: dict | None = None, *, train: bool) -> Array:
        """[B, d] -> images [B, H, W, C], about in [-1, 1]. `condition` changes nothing."""
        *larger, first = resolutions(self.image_shape[:2])
        x = nn.Dense(math.prod(first) * self.width)(z).reshape(-1, *first, self.width)
        for size in [first, *reversed(larger)]:
            x = enlarge(x, size)
            for _ in range(2):
                x = nn.elu(Conv(self.width, 3)(x))
        return Conv(self.image_shape[-1], 3)(x)


class Encoder(nn.Module):
    """Images to codes.

    Fields: code_size: d; width: channels of the largest map; each smaller one has as many more.
    """

    code_size: int
    width: int = 32

    @nn.compact
    def __call__(self, image: Array) -> Array:
        """[B, H, W, C] -> [B, d]."""
        x = nn.elu(Conv(self.width, 3)(image))
        levels = len(resolutions(image.shape[1:3]))
        for number in range(1, levels + 1):
            x = nn.elu(Conv(number * self.width, 3)(x))
            x = nn.elu(Conv(number * self.width, 3)(x))
            if number < levels:
                x = nn.elu(Conv((number + 1) * self.width, 3, 2)(x))
        return nn.Dense(self.code_size)(x.reshape(len(x), -1))


class Discriminator(nn.Module):
    """An autoencoder whose score is how badly it gives an image back: mean |x - D(x)|, of each image.

    Fields: code_size: of the code between encoder and decoder; width: as of both.
    """

    code_size: int = 64
    width: int = 32

    @nn.compact
    def __call__(self, image: Array, condition: dict | None = None, *, train: bool) -> tuple[Array, dict[str, Array]]:
        """Images [B, H, W, C] -> (errors [B], {"features": codes [B, d], "reconstruction": [B, H, W, C]})."""
        code = Encoder(self.code_size, self.width)(image)
        given_back = Decoder(image.shape[1:], self.width)(code, train=train)
        error = jnp.mean(jnp.abs(image - given_back), axis=(1, 2, 3))
        return error, {"features": code, "reconstruction": given_back}


def enlarge(x: Array, size: tuple[int, int]) -> Array:
    """[B, h, w, C] -> [B, H, W, C], as large or twice so, less a row or column where that is odd."""
    return x if x.shape[1:3] == size else upscale(x)[:, : size[0], : size[1]]
