"""Networks of latents that belong to a pair of images: what says them, and what judges them."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.layers.conv import Conv
from gan_jax.networks.patchgan import INIT

Array = jax.Array
LEAST = 4  # pixels a side, to which maps are halved


class PairEncoder(nn.Module):
    """Two images [B, H, W, C] and [B, H, W, C'] -> the latent [B, size] by which one is made of the other.

    Without normalisation, which would take away how bright or red an image is. Fields: size; width: channels of the largest maps.
    """

    size: int
    width: int = 64

    @nn.compact
    def __call__(self, image: Array, other: Array, *, train: bool) -> Array:
        x, count = jnp.concatenate([image, other], axis=-1), self.width
        while min(x.shape[1:3]) > LEAST:
            x = nn.leaky_relu(Conv(count, 4, 2)(x), 0.2)
            count = min(2 * count, 8 * self.width)
        return nn.Dense(self.size)(x.reshape(len(x), -1))


class LatentDiscriminator(nn.Module):
    """Latents [B, size] -> (raw scores [B], {}). Fields: width: of its two hidden layers."""

    width: int = 64

    @nn.compact
    def __call__(self, z: Array, *, train: bool) -> tuple[Array, dict]:
        for _ in range(2):
            z = nn.leaky_relu(nn.Dense(self.width)(z), 0.2)
        return nn.Dense(1, kernel_init=INIT)(z)[:, 0], {}
