"""3D-GAN's networks (Wu et al. 2016, arXiv:1610.07584, section 3.1): volumetric convolutions, for grids of 16³, 32³ or 64³.

G: a latent becomes a map of 4³, which transposed convolutions of 4³ and stride 2 double up to the grid, halving the channels each
time; batch normalisation and ReLU between, a sigmoid at the end. D is its mirror, with leaky rectifiers. No convolution has a bias.
For 64 voxels, as published: 4³ × 512 → 8³ × 256 → 16³ × 128 → 32³ × 64 → 64³. Weights start from N(0, 0.02²).

What is published as G's first and D's last convolution, of 4³ without padding, is a dense layer here: the same sums.
"""

from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.layers.conv3d import Conv3D, ConvTranspose3D
from gan_jax.layers.norm import norm_layer

Array = jax.Array
SIDES = (16, 32, 64)
FIRST = 4  # voxels a side of G's first map and D's last one
_normal = nn.initializers.normal(0.02)
_dense = partial(nn.Dense, use_bias=False, kernel_init=_normal)


def channels(side: int, width: int) -> list[int]:
    """Of D's maps, the largest first: width, 2 width, ... Raises ValueError for a side that is not one of SIDES."""
    if side not in SIDES:
        raise ValueError(
            f"gan3d takes grids of {', '.join(map(str, SIDES))} voxels a side, got {side}; --image_size chooses"
        )
    maps = (side // FIRST).bit_length() - 1
    return [width * 2**i for i in range(maps)]


def first(norm: str, deviation: float = 0.02) -> dict:
    """What a D's layers begin with: as published N(0, deviation²) and no bias, where normalisations follow.

    Where none does they have biases, and He's weights: by such narrow ones nearly nothing of an image would come through.
    """
    free = norm == "none"
    kernel_init = nn.initializers.he_normal() if free else nn.initializers.normal(deviation)
    return dict(use_bias=free, kernel_init=kernel_init)


class Generator(nn.Module):
    """Latents to grids.

    Fields: side: of the grid, one of SIDES; width: channels of the largest hidden map, 64 as published for 64 voxels; axis_name:
    the mapped axis over which batch statistics are shared.
    """

    side: int
    width: int = 64
    axis_name: str | None = None

    @nn.compact
    def __call__(self, z: Array, condition: dict | None = None, *, train: bool) -> Array:
        """[B, latent_size] -> [B, D, H, W, 1] in [-1, 1]: 2 p - 1, p the probability that a voxel is solid; without `condition`."""
        norm = norm_layer("batch", train=train, axis_name=self.axis_name)
        *larger, most = channels(self.side, self.width)
        up = partial(ConvTranspose3D, kernel_size=4, strides=2, use_bias=False, kernel_init=_normal)
        x = _dense(FIRST**3 * most)(z).reshape(-1, *(FIRST,) * 3, most)
        for count in reversed(larger):
            x = up(count)(nn.relu(norm()(x)))
        return 2 * nn.sigmoid(up(1)(nn.relu(norm()(x)))) - 1


class Discriminator(nn.Module):
    """Grids to scores. Fields: width, axis_name: as the generator's; norm: "batch", as published, "layer" or "none"."""

    width: int = 64
    norm: str = "batch"
    axis_name: str | None = None

    @nn.compact
    def __call__(self, grid: Array, condition: dict | None = None, *, train: bool) -> tuple[Array, dict[str, Array]]:
        """[B, D, H, W, 1] -> (raw scores [B], {"features": [B, d]}). `condition` changes nothing.

        Features are those of section 4.2: all maps but the first, each at most 2³ after the maxima of blocks, side by side.
        """
        own = first(self.norm)
        norm = norm_layer(self.norm, train=train, axis_name=self.axis_name)
        x, seen = grid, []
        for number, count in enumerate(channels(grid.shape[1], self.width)):
            x = Conv3D(count, 4, 2, **own)(x)
            x = nn.leaky_relu(norm()(x) if number else x, 0.2)
            if number:
                block = (x.shape[1] // 2,) * 3
                seen.append(nn.max_pool(x, block, block).reshape(len(x), -1))
        return nn.Dense(1, **own)(x.reshape(len(x), -1))[:, 0], {"features": jnp.concatenate(seen, axis=-1)}
