"""BigGAN's networks (Brock et al. 2019, arXiv:1809.11096, appendix B), and SAGAN's, which are their special case.

Residual blocks that double or halve the maps, self-attention at one resolution, batch normalisation by a condition in G, a
projection on the class in D (Miyato & Koyama 2018, arXiv:1802.05637), spectral normalisation in both.

  SAGAN's G (Zhang et al. 2019, arXiv:1805.08318): `shared` 0, each normalisation has a gain and a bias of its own for each
    class; `hierarchical` False, the latent enters at the beginning alone.
  BigGAN's G: classes share one vector each, and each block is given a part of the latent beside it.

Without classes the normalisation is plain, or takes the latent's part alone, and there is no projection.

Channels are those of the authors' PyTorch code; where theirs for 256 and 512 pixels and the paper's tables 5 and 6 differ, the
tables' are taken: D's shortcuts have a convolution only where channels change. 8 and 16 pixels are ours, in the manner of 32.
Images of other sizes are treated as `networks.framing` has it.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.layers.attention import SelfAttention
from gan_jax.layers.conv import Conv
from gan_jax.layers.norm import BatchNorm, ConditionalBatchNorm
from gan_jax.layers.resample import ResampledConv, downscale, upscale
from gan_jax.layers.spectral import spectral_norm
from gan_jax.networks.conditional import classes_of
from gan_jax.networks.framing import cut, doublings, framed

Array = jax.Array
Initializer = nn.initializers.Initializer

INITIALIZERS: dict[str, Initializer] = {
    "orthogonal": nn.initializers.orthogonal(),  # Saxe et al. 2014, arXiv:1312.6120; BigGAN's
    "normal": nn.initializers.normal(0.02),  # DCGAN's; BigGAN's code has it for CIFAR
    "xavier": nn.initializers.xavier_uniform(),  # SAGAN's
}


class Layout(NamedTuple):
    """The channels of both networks' maps, as multiples of their width.

    Fields:
      g: of G's maps, that of 4×4 first; each next one is twice as large.
      d: of what D's blocks give, those that halve first.
      halvings: how many of them halve.
      attention: the sides of the maps, G's and D's, over which there usually is attention; 0 for none. As published for 128
        pixels and more; below ours, over half the side.
      projected: whether D's shortcuts have a convolution wherever a block halves, or only where channels change.
    """

    g: tuple[int, ...]
    d: tuple[int, ...]
    halvings: int
    attention: tuple[int, int]
    projected: bool = True


LAYOUTS: dict[int, Layout] = {
    8: Layout((4, 4), (4, 4), 1, (0, 0)),
    16: Layout((4, 4, 4), (4, 4, 4), 2, (8, 8)),
    32: Layout((4, 4, 4, 4), (4, 4, 4, 4), 2, (16, 16)),
    64: Layout((16, 16, 8, 4, 2), (1, 2, 4, 8, 16), 4, (32, 32)),
    128: Layout((16, 16, 8, 4, 2, 1), (1, 2, 4, 8, 16, 16), 5, (64, 64)),
    256: Layout((16, 16, 8, 8, 4, 2, 1), (1, 2, 4, 8, 8, 16, 16), 6, (128, 64), projected=False),
    512: Layout((16, 16, 8, 8, 4, 2, 1, 1), (1, 1, 2, 4, 8, 8, 16, 16), 7, (64, 64), projected=False),
}
ATTENTION = {side: layout.attention for side, layout in LAYOUTS.items()}


def slots(image_size: tuple[int, int]) -> int:
    """Into how many parts a hierarchical latent falls: one for the first map, and one for each block."""
    return len(doublings(image_size)) + 1


def latent_size(image_size: tuple[int, int], wanted: int) -> int:
    """The largest size of a hierarchical latent that all its parts share evenly, up to the one that is wanted.

    Raises ValueError if that is fewer numbers than parts.
    """
    parts = slots(image_size)
    if wanted < parts:
        raise ValueError(f"latent_size={wanted}: fewer numbers than the {parts} parts of a hierarchical latent")
    return wanted // parts * parts


class Generator(nn.Module):
    """Latents, and classes, to images.

    Fields:
      image_shape: (H, W, C), 8 to 512 pixels a side.
      width: `Layout`'s unit; 96 of BigGAN, 64 of SAGAN.
      num_classes: K; 0 for images without classes.
      shared: the length of the vector of each class that all normalisations share; 0 for none.
      hierarchical: whether each block is given a part of the latent beside the class.
      attention: the side of the map over which there is attention; 0 for none.
      spectral: whether all layers are spectrally normalised, but for vectors of classes.
      kernel_init: of all weights, those vectors included.
      axis_name: the mapped axis over which batch statistics are shared.
    """

    image_shape: tuple[int, int, int]
    width: int = 96
    num_classes: int = 0
    shared: int = 128
    hierarchical: bool = True
    attention: int = 64
    spectral: bool = True
    kernel_init: Initializer = INITIALIZERS["orthogonal"]
    axis_name: str | None = None

    @nn.compact
    def __call__(self, z: Array, condition: dict[str, Array] | None = None, *, train: bool) -> Array:
        """[B, latent_size], {"label": int32 [B], or weights of the classes, float [B, K]} -> images [B, H, W, C] in [-1, 1].

        Raises ValueError if the parts of a hierarchical latent are not equal, or there is no map of the side `attention`.
        """
        sides = doublings(self.image_shape[:2])
        require_side(self.attention, sides)
        layer = partial(normalised, spectral=self.spectral, train=train)
        # Vectors of classes are not spectrally normalised: in the authors' experience that cripples G.
        options = dict(train=train, axis_name=self.axis_name, kernel_init=self.kernel_init)
        norm = partial(conditional_norm, spectral=self.spectral and self.shared > 0, **options)
        y = classes_of(condition, self.num_classes, z.dtype)
        if y is not None and self.shared:
            y = nn.Dense(self.shared, use_bias=False, kernel_init=self.kernel_init, name="shared")(y)
        first, *parts = split(z, len(sides) + 1) if self.hierarchical else [z, *[None] * len(sides)]

        counts = [self.width * count for count in LAYOUTS[sides[-1]].g]
        x = layer(nn.Dense(16 * counts[0], kernel_init=self.kernel_init))(first).reshape(-1, 4, 4, counts[0])
        for side, count, part in zip(sides, counts[1:], parts, strict=True):
            x = up_block(x, joined(y, part), count, layer, norm, self.kernel_init)
            if side == self.attention:
                x = SelfAttention(train, self.spectral, self.kernel_init)(x)
        x = nn.relu(BatchNorm(train, self.axis_name)(x))
        return cut(nn.tanh(layer(Conv(self.image_shape[-1], 3, kernel_init=self.kernel_init))(x)), self.image_shape)


class Discriminator(nn.Module):
    """Images, and classes, to scores. Fields: as the generator's; D's blocks are as wide inside as what they give."""

    width: int = 96
    num_classes: int = 0
    attention: int = 64
    spectral: bool = True
    kernel_init: Initializer = INITIALIZERS["orthogonal"]

    @nn.compact
    def __call__(
        self, image: Array, condition: dict[str, Array] | None = None, *, train: bool
    ) -> tuple[Array, dict[str, Array]]:
        """Images [B, H, W, C], conditions as the generator's -> (raw scores [B], {"features": [B, 16 width or 4 width]})."""
        layer = partial(normalised, spectral=self.spectral, train=train)
        x = framed(image)
        layout = LAYOUTS[x.shape[1]]
        require_side(self.attention, [x.shape[1] >> i for i in range(1, layout.halvings + 1)])
        for number, count in enumerate(layout.d):
            halves, first = number < layout.halvings, number == 0
            count *= self.width
            project = x.shape[-1] != count or (halves and layout.projected)
            x = down_block(x, count, halves, project, layer, self.kernel_init, first=first)
            if halves and x.shape[1] == self.attention:
                x = SelfAttention(train, self.spectral, self.kernel_init)(x)
        features = jnp.sum(nn.relu(x), axis=(1, 2))
        return projected(features, condition, self.num_classes, layer, self.kernel_init), {"features": features}


def up_block(x: Array, c: Array | None, features: int, layer, norm, init: Initializer) -> Array:
    """G's residual block: [B, H, W, C] -> [B, 2H, 2W, features], by an example's condition c.

    Args: layer: what is done to each convolution; norm: (x, c) -> x normalised.
    """
    h = layer(ResampledConv(features, "up", kernel_init=init))(nn.relu(norm(x, c)))
    h = layer(Conv(features, 3, kernel_init=init))(nn.relu(norm(h, c)))
    return h + upscale(layer(Conv(features, 1, kernel_init=init))(x))


def down_block(x: Array, features: int, halves: bool, project: bool, layer, init: Initializer, *, first: bool) -> Array:
    """D's residual block: [B, H, W, C] -> [B, H/2, W/2, features] if it halves, else [B, H, W, features].

    Args: project: whether the shortcut has a convolution; first: whether x is the image, which no rectifier is to cut.
    """
    h = layer(Conv(features, 3, kernel_init=init))(x if first else nn.relu(x))
    h = layer(ResampledConv(features, "down" if halves else None, kernel_init=init))(nn.relu(h))
    x = downscale(x) if halves else x  # a convolution of 1×1 gives the same before or after
    return h + (layer(Conv(features, 1, kernel_init=init))(x) if project else x)


def projected(features: Array, condition: dict | None, num_classes: int, layer, init: Initializer) -> Array:
    """Scores [B] of features [B, C]: linear in them, and the class's vector times them (Miyato & Koyama 2018, equation 3)."""
    score = layer(nn.Dense(1, kernel_init=init))(features)[:, 0]
    y = classes_of(condition, num_classes, features.dtype)
    if y is None:
        return score
    vector = layer(nn.Dense(features.shape[-1], use_bias=False, kernel_init=init, name="classes"))(y)
    return score + jnp.sum(vector * features, axis=-1)


def conditional_norm(x: Array, c: Array | None, *, train: bool, axis_name: str | None, **options) -> Array:
    """Batch normalisation by a condition c [B, W], or a plain one. Args: options: `ConditionalBatchNorm`'s."""
    return BatchNorm(train, axis_name)(x) if c is None else ConditionalBatchNorm(train, axis_name, **options)(x, c)


def normalised(layer: nn.Module, *, spectral: bool, train: bool):
    """The layer, spectrally normalised or as it is."""
    return spectral_norm(layer, train=train) if spectral else layer


def split(z: Array, parts: int) -> list[Array]:
    """A latent [B, d] in equal parts. Raises ValueError if they cannot be equal."""
    if z.shape[-1] % parts:
        raise ValueError(f"a hierarchical latent of {parts} parts cannot have {z.shape[-1]} numbers")
    return jnp.split(z, parts, axis=-1)


def joined(y: Array | None, part: Array | None) -> Array | None:
    """The class's vector and the latent's part side by side, [B, W]; None if there is neither."""
    given = [each for each in (y, part) if each is not None]
    return jnp.concatenate(given, axis=-1) if given else None


def require_side(side: int | None, sides: list[int]) -> None:
    """Raises ValueError unless there is a map of this side, or none is asked for."""
    if side and side not in sides:
        raise ValueError(f"attention={side}: no map has this side; choose from {', '.join(map(str, [0, *sides]))}")
