"""Multilayer perceptrons: the networks of the original GAN (Goodfellow et al. 2014, arXiv:1406.2661), in today's form.

The paper's discriminator has maxout units and dropout; this one has leaky rectifiers, as most retellings do. An "image"
may have any shape: (2,) for points in the plane.
"""

import math
from collections.abc import Callable

import jax
from flax import linen as nn

from gan_jax.layers.minibatch import minibatch_layer
from gan_jax.layers.noise import Dropout
from gan_jax.layers.norm import CENTRED, norm_layer
from gan_jax.layers.spectral import spectral_norm

Array = jax.Array


class Generator(nn.Module):
    """Latents to images by dense layers.

    Fields:
      image_shape: (H, W, C), or any other.
      hidden: the sizes of the hidden layers; (500, 500) on 28×28×1 images is a 500-500-784 network.
      activation: of the hidden layers.
      norm: of the hidden layers, before the activation (`layers.norm`).
      bounded: whether the last layer's numbers go through tanh, for images in [-1, 1].
      axis_name: the mapped axis over which the batch is spread.
    """

    image_shape: tuple[int, ...]
    hidden: tuple[int, ...] = (128,)
    activation: Callable[[Array], Array] = nn.leaky_relu
    norm: str = "none"
    bounded: bool = True
    axis_name: str | None = None

    @nn.compact
    def __call__(self, z: Array, condition: dict | None = None, *, train: bool) -> Array:
        """[B, latent_size] -> images [B, *image_shape]. `condition` changes nothing."""
        norm = norm_layer(self.norm, train=train, axis_name=self.axis_name)
        x = z
        for size in self.hidden:
            x = self.activation(norm()(nn.Dense(size, use_bias=self.norm not in CENTRED)(x)))
        x = nn.Dense(math.prod(self.image_shape))(x)
        return (nn.tanh(x) if self.bounded else x).reshape(-1, *self.image_shape)


class Discriminator(nn.Module):
    """Images to scores by dense layers.

    Fields:
      hidden: the sizes of the hidden layers.
      activation: of the hidden layers.
      norm: of the hidden layers, before the activation: "batch", "layer" or "none".
      spectral: whether all dense layers and convolutions are spectrally normalised (`layers.spectral`).
      dropout: the rate of dropout after each hidden layer (`layers.noise`).
      minibatch: what is added to the last hidden layer (`layers.minibatch`).
      axis_name: the mapped axis over which the batch is spread.
    """

    hidden: tuple[int, ...] = (128,)
    activation: Callable[[Array], Array] = nn.leaky_relu
    norm: str = "none"
    spectral: bool = False
    dropout: float = 0.0
    minibatch: str = "none"
    axis_name: str | None = None

    @nn.compact
    def __call__(self, image: Array, condition: dict | None = None, *, train: bool) -> tuple[Array, dict[str, Array]]:
        """Images [B, ...] -> (raw scores [B], {"features": [B, hidden[-1]]}). `condition` changes nothing."""
        norm = norm_layer(self.norm, train=train, axis_name=self.axis_name)
        layer = lambda layer: spectral_norm(layer, train=train) if self.spectral else layer
        x = image.reshape(len(image), -1)
        for size in self.hidden:
            x = norm()(layer(nn.Dense(size, use_bias=self.norm not in CENTRED))(x))
            x = Dropout(self.dropout, self.axis_name)(self.activation(x), train=train)
        score = layer(nn.Dense(1))(minibatch_layer(self.minibatch, self.axis_name if train else None)(x))
        return score[:, 0], {"features": x}
