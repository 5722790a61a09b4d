"""Multilayer perceptrons: the networks of the original GAN (Goodfellow et al. 2014, arXiv:1406.2661), in today's form.

The paper's discriminator has maxout units and dropout; this one has leaky rectifiers, as most retellings do.
"""

import math

import jax
from flax import linen as nn

Array = jax.Array


class Generator(nn.Module):
    """Latents to images by dense layers.

    Fields:
      image_shape: (H, W, C).
      hidden: the sizes of the hidden layers; (500, 500) on 28×28×1 images is a 500-500-784 network.
      negative_slope: of the leaky rectifiers.
    """

    image_shape: tuple[int, int, int]
    hidden: tuple[int, ...] = (128,)
    negative_slope: float = 0.01

    @nn.compact
    def __call__(self, z: Array, label: Array | None = None, *, train: bool) -> Array:
        """[B, latent_size] -> images [B, H, W, C] in [-1, 1]. `label` and `train` change nothing."""
        x = z
        for size in self.hidden:
            x = nn.leaky_relu(nn.Dense(size)(x), self.negative_slope)
        x = nn.tanh(nn.Dense(math.prod(self.image_shape))(x))
        return x.reshape(-1, *self.image_shape)


class Discriminator(nn.Module):
    """Images to scores by dense layers.

    Fields:
      hidden: the sizes of the hidden layers.
      negative_slope: of the leaky rectifiers.
    """

    hidden: tuple[int, ...] = (128,)
    negative_slope: float = 0.01

    @nn.compact
    def __call__(self, image: Array, label: Array | None = None, *, train: bool) -> tuple[Array, dict[str, Array]]:
        """Images [B, H, W, C] -> (raw scores [B], {"features": [B, hidden[-1]]}). `label` and `train` change nothing."""
        x = image.reshape(len(image), -1)
        for size in self.hidden:
            x = nn.leaky_relu(nn.Dense(size)(x), self.negative_slope)
        return nn.Dense(1)(x)[:, 0], {"features": x}
