"""Latents that belong to a pair of images: how a network draws by them, what says them, and what judges them.

Almahairi et al. 2018 (Augmented CycleGAN, arXiv:1802.10151).
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.layers.conv import Conv
from gan_jax.layers.norm import ConditionalInstanceNorm
from gan_jax.networks.patchgan import INIT

Array = jax.Array
Normalise = Callable[[Array], Array]
LEAST = 4  # pixels a side, to which maps are halved


def by_latent(name: str, norm: Callable[[], nn.Module], z: Array | None) -> Normalise:
    """How a network normalises maps: as `norm` does; with latents z [B, d] by instance, and they say gain and bias (section 5).

    Raises ValueError if there are latents, and `name`, of the norm, is another.
    """
    if z is None:
        return lambda x: norm()(x)
    if name != "instance":
        raise ValueError(f"norm={name}: with latents the norm is instance")
    return lambda x: ConditionalInstanceNorm()(x, z)


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
