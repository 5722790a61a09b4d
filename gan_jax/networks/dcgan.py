"""DCGAN's networks (Radford, Metz & Chintala 2016, arXiv:1511.06434), for square images of 8 to 128 pixels.

Strided convolutions in place of pooling; a dense layer only from the latent to the first feature map; batch
normalisation except in G's output and D's input; tanh out; leaky rectifiers in D. Weights start from N(0, 0.02²) and
normalisation gains from N(1, 0.02²), as in the authors' code.

D halves the image (rounding up) until its side is at most 7, doubling the channels each time; G is its mirror.
28 pixels: 28 → 14 → 7; 64 pixels: 64 → 32 → 16 → 8 → 4.
"""

import jax
from flax import linen as nn

from gan_jax.layers.conv import Conv, ConvTranspose
from gan_jax.layers.minibatch import minibatch_layer
from gan_jax.layers.noise import Dropout
from gan_jax.layers.norm import CENTRED, norm_layer
from gan_jax.layers.spectral import spectral_norm

Array = jax.Array

SMALLEST, LARGEST = 8, 128
_weights = nn.initializers.normal(0.02)


def sides(image_size: int) -> list[int]:
    """The sides of D's feature maps, the image's first: 28 -> [28, 14, 7].

    Raises ValueError if the image is smaller than 8 pixels or larger than 128.
    """
    if not SMALLEST <= image_size <= LARGEST:
        raise ValueError(f"dcgan takes images of {SMALLEST} to {LARGEST} pixels a side, got {image_size}")
    result = [image_size]
    while result[-1] > 7:
        result.append(-(-result[-1] // 2))
    return result


def require_square(image_shape: tuple[int, ...]) -> None:
    """Raises ValueError unless image_shape (H, W, C) is square."""
    if image_shape[0] != image_shape[1]:
        raise ValueError(f"convolutional networks take square images, got {image_shape[0]}×{image_shape[1]}")


class Generator(nn.Module):
    """Latents to images by strided transposed convolutions.

    Fields:
      image_shape: (H, W, C), square, 8 to 128 pixels.
      width: channels of the largest hidden feature map; each smaller map has twice as many.
      kernel_size: divisible by the stride 2, it covers every output pixel equally often (no checkerboard:
        Odena et al. 2016, doi:10.23915/distill.00003).
      norm: "batch", "layer", "virtual" or "none" (`layers.norm`).
      negative_slope: of the rectifiers; 0 is ReLU, as published.
      axis_name: the mapped axis over which batch statistics are shared.
    """

    image_shape: tuple[int, int, int]
    width: int = 64
    kernel_size: int = 4
    norm: str = "batch"
    negative_slope: float = 0.0
    axis_name: str | None = None

    @nn.compact
    def __call__(self, z: Array, condition: dict | None = None, *, train: bool) -> Array:
        """[B, latent_size] -> images [B, H, W, C] in [-1, 1]. `condition` changes nothing."""
        require_square(self.image_shape)
        *larger, first = sides(self.image_shape[0])
        norm = norm_layer(self.norm, train=train, axis_name=self.axis_name)
        bias = self.norm not in CENTRED
        channels = self.width * 2 ** (len(larger) - 1)
        x = nn.Dense(first * first * channels, use_bias=bias, kernel_init=_weights)(z)
        x = nn.leaky_relu(norm()(x.reshape(-1, first, first, channels)), self.negative_slope)
        for side in reversed(larger[1:]):
            channels //= 2
            x = ConvTranspose(channels, self.kernel_size, 2, output_size=side, use_bias=bias, kernel_init=_weights)(x)
            x = nn.leaky_relu(norm()(x), self.negative_slope)
        x = ConvTranspose(
            self.image_shape[-1], self.kernel_size, 2, output_size=self.image_shape[0], kernel_init=_weights
        )(x)
        return nn.tanh(x)


class Discriminator(nn.Module):
    """Images to scores by strided convolutions. (For a Wasserstein game: the critic.)

    Fields:
      width: channels of the largest hidden feature map; each smaller map has twice as many.
      kernel_size: of the convolutions.
      norm: "batch", "layer" (with a gradient penalty: Gulrajani et al. 2017, section 4) or "none".
      negative_slope: of the leaky rectifiers.
      spectral: whether all dense layers and convolutions are spectrally normalised (`layers.spectral`); best with norm "none".
      dropout: the rate of dropout after each rectifier (`layers.noise`).
      minibatch: what is added to the last feature map (`layers.minibatch`).
      axis_name: the mapped axis over which the batch is spread, and batch statistics are shared.
    """

    width: int = 64
    kernel_size: int = 4
    norm: str = "batch"
    negative_slope: float = 0.2
    spectral: bool = False
    dropout: float = 0.0
    minibatch: str = "none"
    axis_name: str | None = None

    @nn.compact
    def __call__(self, image: Array, condition: dict | None = None, *, train: bool) -> tuple[Array, dict[str, Array]]:
        """Images [B, H, W, C] -> (raw scores [B], {"features": [B, h, w, c]}). `condition` changes nothing."""
        require_square(image.shape[1:])
        norm = norm_layer(self.norm, train=train, axis_name=self.axis_name)
        layer = lambda layer: spectral_norm(layer, train=train) if self.spectral else layer
        x, smaller = image, sides(image.shape[1])[1:]
        for i in range(len(smaller)):
            bias = i == 0 or self.norm not in CENTRED
            x = layer(Conv(self.width * 2**i, self.kernel_size, 2, use_bias=bias, kernel_init=_weights))(x)
            x = nn.leaky_relu(x if i == 0 else norm()(x), self.negative_slope)
            x = Dropout(self.dropout, self.axis_name)(x, train=train)
        seen = minibatch_layer(self.minibatch, self.axis_name if train else None)(x)
        if seen.ndim == 2:  # minibatch discrimination has flattened the map
            return layer(nn.Dense(1, kernel_init=_weights))(seen)[:, 0], {"features": x}
        # One kernel as large as the map: all of it is weighed into one score.
        score = layer(Conv(1, smaller[-1], smaller[-1], kernel_init=_weights))(seen)
        return score.reshape(len(image)), {"features": x}
