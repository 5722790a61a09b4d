"""BigGAN-deep's networks (Brock et al. 2019, arXiv:1809.11096, appendix B, figure 16): bottlenecks, four times as deep.

Blocks of 1×1, 3×3, 3×3 and 1×1 convolutions, of a quarter of the channels inside, two at each resolution. Shortcuts have no
convolutions of their own: G drops channels, D adds some. The whole latent, beside the class's vector, is each block's condition.
Channels, and images of other sizes, are those of `networks.biggan`.
"""

from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.layers.attention import SelfAttention
from gan_jax.layers.conv import Conv
from gan_jax.layers.norm import BatchNorm
from gan_jax.layers.resample import ResampledConv, downscale, upscale
from gan_jax.networks import biggan
from gan_jax.networks.biggan import (
    INITIALIZERS,
    LAYOUTS,
    Initializer,
    conditional_norm,
    joined,
    normalised,
    projected,
    require_side,
)
from gan_jax.networks.conditional import classes_of
from gan_jax.networks.framing import cut, doublings, framed

Array = jax.Array
BLOCKS, NARROWER = 2, 4  # blocks at a resolution, and by how much they are narrower inside

# The channels of D's first map, and of what its blocks give at each next resolution, as multiples of the width; and how many of
# them halve the map.
D_CHANNELS: dict[int, tuple[tuple[int, ...], int]] = {
    8: ((4, 4, 4), 1),
    16: ((4, 4, 4), 2),
    32: ((4, 4, 4, 4), 2),
    64: ((1, 2, 4, 8, 16), 4),
    128: ((1, 2, 4, 8, 16, 16), 5),
    256: ((1, 2, 4, 8, 8, 16, 16), 6),
    512: ((1, 1, 2, 4, 8, 8, 16, 16), 7),
}
# All published ones have it over 64×64.
ATTENTION = {side: (64, 64) if side >= 128 else usual for side, usual in biggan.ATTENTION.items()}


class Generator(nn.Module):
    """Latents, and classes, to images. Fields: as `biggan.Generator`'s; the published width is 128."""

    image_shape: tuple[int, int, int]
    width: int = 128
    num_classes: int = 0
    shared: int = 128
    attention: int = 64
    spectral: bool = True
    kernel_init: Initializer = INITIALIZERS["orthogonal"]
    axis_name: str | None = None

    @nn.compact
    def __call__(self, z: Array, condition: dict[str, Array] | None = None, *, train: bool) -> Array:
        """As `biggan.Generator`'s; latents of any length."""
        sides = doublings(self.image_shape[:2])
        require_side(self.attention, sides)
        init = self.kernel_init
        layer = partial(normalised, spectral=self.spectral, train=train)
        norm = partial(
            conditional_norm, train=train, axis_name=self.axis_name, spectral=self.spectral, kernel_init=init
        )
        y = classes_of(condition, self.num_classes, z.dtype)
        if y is not None:
            y = nn.Dense(self.shared, use_bias=False, kernel_init=init, name="shared")(y)
        c = joined(z, y)

        counts = [self.width * count for count in LAYOUTS[sides[-1]].g]
        x = layer(nn.Dense(16 * counts[0], kernel_init=init))(c).reshape(-1, 4, 4, counts[0])
        for side, count in zip(sides, counts[1:], strict=True):
            for _ in range(BLOCKS - 1):
                x = up_block(x, c, x.shape[-1], False, layer, norm, init)
            x = up_block(x, c, count, True, layer, norm, init)
            if side == self.attention:
                x = SelfAttention(train, self.spectral, init)(x)
        x = nn.relu(BatchNorm(train, self.axis_name)(x))
        return cut(nn.tanh(layer(Conv(self.image_shape[-1], 3, kernel_init=init))(x)), self.image_shape)


class Discriminator(nn.Module):
    """Images, and classes, to scores. Fields: as `biggan.Discriminator`'s; the published width is 128."""

    width: int = 128
    num_classes: int = 0
    attention: int = 64
    spectral: bool = True
    kernel_init: Initializer = INITIALIZERS["orthogonal"]

    @nn.compact
    def __call__(
        self, image: Array, condition: dict[str, Array] | None = None, *, train: bool
    ) -> tuple[Array, dict[str, Array]]:
        """As `biggan.Discriminator`'s."""
        layer, init = partial(normalised, spectral=self.spectral, train=train), self.kernel_init
        x = framed(image)
        (first, *rest), halvings = D_CHANNELS[x.shape[1]]
        require_side(self.attention, [x.shape[1] >> i for i in range(1, halvings + 1)])
        x = layer(Conv(self.width * first, 3, kernel_init=init))(x)
        for number, count in enumerate(rest):
            halves = number < halvings
            x = down_block(x, self.width * count, halves, layer, init)
            for _ in range(BLOCKS - 1):
                x = down_block(x, self.width * count, False, layer, init)
            if halves and x.shape[1] == self.attention:
                x = SelfAttention(train, self.spectral, init)(x)
        features = jnp.sum(nn.relu(x), axis=(1, 2))
        return projected(features, condition, self.num_classes, layer, init), {"features": features}


def up_block(x: Array, c: Array, features: int, doubles: bool, layer, norm, init: Initializer) -> Array:
    """G's bottleneck: [B, H, W, C] -> [B, H, W, features], or twice as large. Its shortcut keeps the first channels."""
    inside = _inside(x.shape[-1])
    h = layer(Conv(inside, 1, kernel_init=init))(nn.relu(norm(x, c)))
    h = layer(ResampledConv(inside, "up" if doubles else None, kernel_init=init))(nn.relu(norm(h, c)))
    h = layer(Conv(inside, 3, kernel_init=init))(nn.relu(norm(h, c)))
    h = layer(Conv(features, 1, kernel_init=init))(nn.relu(norm(h, c)))
    x = x[..., :features]
    return h + (upscale(x) if doubles else x)


def down_block(x: Array, features: int, halves: bool, layer, init: Initializer) -> Array:
    """D's bottleneck: [B, H, W, C] -> [B, H, W, features], or half as large. Its shortcut adds channels that it lacks."""
    inside = _inside(features)
    h = layer(Conv(inside, 1, kernel_init=init))(nn.relu(x))
    h = layer(Conv(inside, 3, kernel_init=init))(nn.relu(h))
    h = nn.relu(layer(Conv(inside, 3, kernel_init=init))(nn.relu(h)))
    h = layer(Conv(features, 1, kernel_init=init))(downscale(h) if halves else h)
    x = downscale(x) if halves else x
    missing = features - x.shape[-1]
    if missing:
        x = jnp.concatenate([x, layer(Conv(missing, 1, kernel_init=init))(x)], axis=-1)
    return h + x


def _inside(features: int) -> int:
    """The channels inside a block. Raises ValueError if there would be none."""
    if features < NARROWER:
        raise ValueError(f"a block of {features} channels has none inside; make the network wider")
    return features // NARROWER
