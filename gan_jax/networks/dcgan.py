"""DCGAN's networks (Radford, Metz & Chintala 2016, arXiv:1511.06434), for images of 8 to 256 pixels a side.

Strided convolutions in place of pooling; a dense layer only from the latent to the first feature map; batch
normalisation except in G's output and D's input; tanh out; leaky rectifiers in D. Weights start from N(0, weight_std²), of
0.02 as published (`first_weights`), and normalisation gains from N(1, 0.02²), as in the authors' code.

D halves the image (rounding up) until its longer side is at most 7, doubling the channels each time, up to 16-fold; G is
its mirror. 28 pixels: 28 → 14 → 7; 64 pixels: 64 → 32 → 16 → 8 → 4; 64×96: → 32×48 → 16×24 → 8×12 → 4×6.

Ours is the depth: convolutions of 3×3 that follow each rescaling, in G the first map too, at its resolution and with its
channels. The published networks have none.
"""

import math
from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.layers.conv import Conv, ConvTranspose
from gan_jax.layers.minibatch import minibatch_layer
from gan_jax.layers.noise import Dropout
from gan_jax.layers.norm import CENTRED, norm_layer
from gan_jax.layers.spectral import spectral_norm
from gan_jax.randomness import Key

Array = jax.Array

SMALLEST, LARGEST = 8, 256
MOST = 16  # times the width: channels of the smallest maps


def sides(image_size: tuple[int, int]) -> list[tuple[int, int]]:
    """The heights and widths of D's feature maps, the image's first: (28, 28) -> [(28, 28), (14, 14), (7, 7)].

    Raises ValueError if a side of the image is smaller than 8 pixels or larger than 256.
    """
    if not all(SMALLEST <= side <= LARGEST for side in image_size):
        given = "×".join(map(str, image_size))
        raise ValueError(f"dcgan takes images of {SMALLEST} to {LARGEST} pixels a side, got {given}")
    result = [tuple(image_size)]
    while max(result[-1]) > 7:
        result.append(tuple(-(-side // 2) for side in result[-1]))
    return result


def channels(width: int, maps: int) -> list[int]:
    """Of D's feature maps, the largest first: width, twice as many, and so on, up to 16 times as many."""
    return [width * min(2**i, MOST) for i in range(maps)]


def first_weights(std: float, bounded: bool, *, transposed: bool = False) -> nn.initializers.Initializer:
    """N(0, std²); if bounded, std is at most √(2/inputs), by which rectifiers keep the scale (He et al. 2015, equation 10).

    Wider weights make each layer's maps larger than those before: with some thousand inputs a layer, D's first losses too.

    Args: transposed: the kernel is a transposed convolution's of stride 2, [kh, kw, outputs, channels], of whose taps every
      second one meets a pixel; else its inputs are all axes but the last.
    """

    def init(key: Key, shape: tuple[int, ...], dtype: jnp.dtype = jnp.float32) -> Array:
        seen = (*(math.ceil(side / 2) for side in shape[:2]), shape[-1]) if transposed else shape[:-1]
        width = min(std, math.sqrt(2 / math.prod(seen))) if bounded else std
        return nn.initializers.normal(width)(key, shape, dtype)

    return init


def require_square(image_shape: tuple[int, ...]) -> None:
    """Raises ValueError unless image_shape (H, W, C) is square."""
    if image_shape[0] != image_shape[1]:
        raise ValueError(f"convolutional networks take square images, got {image_shape[0]}×{image_shape[1]}")


class Generator(nn.Module):
    """Latents to images by strided transposed convolutions.

    Fields:
      image_shape: (H, W, C), 8 to 256 pixels a side.
      width: channels of the largest hidden feature map; each smaller map has twice as many (`channels`).
      depth: convolutions of 3×3 at each hidden feature map's resolution.
      weight_std, weight_bound: `first_weights`.
      kernel_size: divisible by the stride 2, it covers every output pixel equally often (no checkerboard:
        Odena et al. 2016, doi:10.23915/distill.00003).
      norm: "batch", "layer", "virtual" or "none" (`layers.norm`).
      negative_slope: of the rectifiers; 0 is ReLU, as published.
      bounded: whether the last layer's numbers go through tanh, for images in [-1, 1].
      axis_name: the mapped axis over which batch statistics are shared.
    """

    image_shape: tuple[int, int, int]
    width: int = 64
    depth: int = 0
    weight_std: float = 0.02
    weight_bound: bool = False
    kernel_size: int = 4
    norm: str = "batch"
    negative_slope: float = 0.0
    bounded: bool = True
    axis_name: str | None = None

    @nn.compact
    def __call__(self, z: Array, condition: dict | None = None, *, train: bool) -> Array:
        """[B, latent_size] -> images [B, H, W, C] in [-1, 1]. `condition` changes nothing."""
        image, *hidden = sides(self.image_shape[:2])
        *larger, (first, most) = zip(hidden, channels(self.width, len(hidden)), strict=True)
        bias, weights = self.norm not in CENTRED, first_weights(self.weight_std, self.weight_bound)
        norm = norm_layer(self.norm, train=train, axis_name=self.axis_name)
        act = lambda x: nn.leaky_relu(norm()(x), self.negative_slope)
        transposed = first_weights(self.weight_std, self.weight_bound, transposed=True)
        up = partial(ConvTranspose, kernel_size=self.kernel_size, strides=2, kernel_init=transposed)

        def deepen(x: Array) -> Array:
            for _ in range(self.depth):
                x = act(Conv(x.shape[-1], 3, use_bias=bias, kernel_init=weights)(x))
            return x

        x = nn.Dense(math.prod(first) * most, use_bias=bias, kernel_init=weights)(z)
        x = deepen(act(x.reshape(-1, *first, most)))
        for size, count in reversed(larger):
            x = deepen(act(up(count, output_size=size, use_bias=bias)(x)))
        x = up(self.image_shape[-1], output_size=image)(x)
        return nn.tanh(x) if self.bounded else x


class Discriminator(nn.Module):
    """Images to scores by strided convolutions. (For a Wasserstein game: the critic.)

    Fields:
      width: channels of the largest hidden feature map; each smaller map has twice as many (`channels`).
      depth: convolutions of 3×3 at each feature map's resolution.
      weight_std, weight_bound: `first_weights`.
      kernel_size: of the convolutions that halve.
      norm: "batch", "layer" (with a gradient penalty: Gulrajani et al. 2017, section 4) or "none".
      negative_slope: of the leaky rectifiers.
      spectral: whether all dense layers and convolutions are spectrally normalised (`layers.spectral`); best with norm "none".
      dropout: the rate of dropout after each rectifier (`layers.noise`).
      minibatch: what is added to the last feature map (`layers.minibatch`).
      axis_name: the mapped axis over which the batch is spread, and batch statistics are shared.
    """

    width: int = 64
    depth: int = 0
    weight_std: float = 0.02
    weight_bound: bool = False
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
        norm = norm_layer(self.norm, train=train, axis_name=self.axis_name)
        weights = first_weights(self.weight_std, self.weight_bound)
        layer = lambda layer: spectral_norm(layer, train=train) if self.spectral else layer
        x, smaller = image, sides(image.shape[1:3])[1:]
        for number, count in enumerate(channels(self.width, len(smaller))):
            for deep in range(1 + self.depth):
                kernel, stride = (3, 1) if deep else (self.kernel_size, 2)
                seen = number == deep == 0  # the image itself, whose statistics are no business of a normalisation
                bias = seen or self.norm not in CENTRED
                x = layer(Conv(count, kernel, stride, use_bias=bias, kernel_init=weights))(x)
                x = nn.leaky_relu(x if seen else norm()(x), self.negative_slope)
            x = Dropout(self.dropout, self.axis_name)(x, train=train)
        seen = minibatch_layer(self.minibatch, self.axis_name if train else None)(x)
        if seen.ndim == 2:  # minibatch discrimination has flattened the map
            return layer(nn.Dense(1, kernel_init=weights))(seen)[:, 0], {"features": x}
        # One kernel as large as the map: all of it is weighed into one score.
        score = layer(Conv(1, smaller[-1], smaller[-1], kernel_init=weights))(seen)
        return score.reshape(len(image)), {"features": x}
