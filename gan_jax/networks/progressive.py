"""Progressive GAN's networks (Karras et al. 2018, arXiv:1710.10196, table 2), as far as they have grown.

Level 0 draws the smallest images, 4×4; each further level doubles their sides by a block of two 3×3 convolutions. While
level L fades in, its image is α times its own and 1 - α times level L-1's, enlarged; D sees an image likewise, and its
level L is the mirror of G's. Names are those of levels, so that what level L-1 has learnt is found again in level L.

Learning rates are equalized; G's features are normalised pixel by pixel; leaky rectifiers of slope 0.2; D's last block sees how
much groups of 4 examples vary. No batch normalisation, and no tanh.
"""

from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.layers.equalized import GAIN, EqualizedConv, EqualizedDense
from gan_jax.layers.minibatch import MinibatchStddev
from gan_jax.layers.norm import pixel_norm
from gan_jax.layers.resample import downscale, upscale

Array = jax.Array
GROUP = 4  # examples, in D's last block
SMALLEST_FIRST, LARGEST_FIRST = 4, 7  # sides of level 0's images
leaky = partial(nn.leaky_relu, negative_slope=0.2)


def sides(image_size: tuple[int, int]) -> list[tuple[int, int]]:
    """The sides of all levels' images, the smallest first: (32, 32) -> [(4, 4), (8, 8), (16, 16), (32, 32)]; (28, 28) ->
    [(7, 7), (14, 14), (28, 28)].

    Raises ValueError unless the image can be halved to sides of at most 7 and at least 4.
    """
    found = [tuple(image_size)]
    while max(found[-1]) > LARGEST_FIRST and not any(side % 2 for side in found[-1]):
        found.append(tuple(side // 2 for side in found[-1]))
    if max(found[-1]) > LARGEST_FIRST or min(found[-1]) < SMALLEST_FIRST:
        size = "×".join(map(str, image_size))
        raise ValueError(
            f"progressive: {size} cannot be halved until it is at most {LARGEST_FIRST}, and at least {SMALLEST_FIRST}"
        )
    return found[::-1]


def channels(level: int, base: int, most: int) -> int:
    """Of a level's features: base / 2^(level + 1), at most `most`; published are 8192 and 512."""
    return min(base // 2 ** (level + 1), most)


class Generator(nn.Module):
    """Latents to images of a level.

    Fields:
      first: the sides of level 0's images; level: the last one.
      colours: of the images, 1 or 3.
      base, most: `channels`.
    """

    first: tuple[int, int]
    level: int
    colours: int
    base: int = 8192
    most: int = 512

    @nn.compact
    def __call__(self, z: Array, condition: dict | None = None, *, train: bool, alpha: Array | float = 1.0) -> Array:
        """[B, d] -> images [B, H, W, C] of `level`, about in [-1, 1]; alpha: how far it has faded in. `condition`: nothing."""
        count = lambda level: channels(level, self.base, self.most)
        act = lambda x: pixel_norm(leaky(x))
        to_image = [EqualizedConv(self.colours, 1, gain=1.0, name=f"to_image_{i}") for i in range(self.level + 1)]
        height, width = self.first
        alpha = jnp.asarray(alpha).astype(z.dtype)
        x = EqualizedDense(height * width * count(0), gain=GAIN / 4, use_bias=False, name="dense")(pixel_norm(z))
        bias = self.param("dense_bias", nn.initializers.zeros, (count(0),))  # one for all places, as in their code
        x = act(x.reshape(-1, height, width, count(0)) + bias)
        x = act(EqualizedConv(count(0), name="level_0_conv_1")(x))
        before = None
        for level in range(1, self.level + 1):
            before = to_image[level - 1](x) if level == self.level or self.is_initializing() else None
            x = act(EqualizedConv(count(level), resample="up", name=f"level_{level}_conv_0")(x))
            x = act(EqualizedConv(count(level), name=f"level_{level}_conv_1")(x))
        image = to_image[self.level](x)
        return image if before is None else alpha * image + (1 - alpha) * upscale(before)


class Discriminator(nn.Module):
    """Images of a level to scores. Fields: as the generator's, and axis_name: the axis over which the batch is spread."""

    level: int
    base: int = 8192
    most: int = 512
    axis_name: str | None = None

    @nn.compact
    def __call__(
        self, image: Array, condition: dict | None = None, *, train: bool, alpha: Array | float = 1.0
    ) -> tuple[Array, dict[str, Array]]:
        """Images [B, H, W, C] -> (raw scores [B], {"features": [B, h, w, d]}); alpha and `condition`: as of the generator.

        Features are those of each image alone, before groups are looked at.
        """
        count, alpha = lambda level: channels(level, self.base, self.most), jnp.asarray(alpha).astype(image.dtype)
        of_image = [EqualizedConv(count(i), 1, name=f"of_image_{i}") for i in range(self.level + 1)]
        x = leaky(of_image[self.level](image))
        for level in range(self.level, 0, -1):
            x = leaky(EqualizedConv(count(level), name=f"level_{level}_conv_0")(x))
            x = leaky(EqualizedConv(count(level - 1), resample="down", name=f"level_{level}_conv_1")(x))
            if level == self.level or self.is_initializing():
                image = downscale(image)
                small = leaky(of_image[level - 1](image))
            if level == self.level:
                x = alpha * x + (1 - alpha) * small
        features = x
        x = MinibatchStddev(GROUP, self.axis_name if train else None)(x)
        x = leaky(EqualizedConv(count(0), name="level_0_conv_0")(x))
        x = leaky(EqualizedDense(count(0), name="level_0_dense")(x.reshape(len(x), -1)))
        return EqualizedDense(1, gain=1.0, name="score")(x)[:, 0], {"features": features}
