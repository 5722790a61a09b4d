"""R3GAN's networks (Huang et al. 2024, arXiv:2501.05441, section 3 and appendix): ResNeXt blocks and nothing that normalises.

A block is 1×1, 3×3 in groups, 1×1, with twice the channels inside and a biased leaky rectifier of slope 0.2 between; it begins
as the identity, its last convolution being 0 (Zhang et al. 2019, Fixup, arXiv:1901.09321). No other layer has a bias. Maps are
resampled by the filter [1, 3, 3, 1]. Weights start from N(0, g²/inputs), g = √(2/1.04) · (blocks)^(-1/4) inside blocks and 1
elsewhere, `blocks` of the whole network. G's 4×4 map is a learnt one, scaled channel by channel by the latent; D's mirrors it.
G has no tanh.

Published: width 768, for maps of up to 32×32, and half as much at each next resolution; groups of 16 channels; two blocks.
Images of other sizes than 2^n are treated as `networks.framing` has it.
"""

import math
from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.layers.conv import Conv
from gan_jax.layers.grouped import GroupedConv
from gan_jax.layers.resample import downsample, upsample
from gan_jax.networks.conditional import classes_of
from gan_jax.networks.framing import cut, doublings, framed

Array = jax.Array
EXPANSION = 2  # by how much blocks are wider inside
WIDEST = 32  # the side of the largest map with all channels
GAIN = math.sqrt(2 / (1 + 0.2**2))  # of a leaky rectifier's slope


def widths(image_size: tuple[int, int], width: int) -> list[int]:
    """The channels at each resolution, that of 4×4 first: (64, 64), 768 -> [768, 768, 768, 768, 384].

    Raises ValueError if one of them would have none.
    """
    found = [width // max(1, side // WIDEST) for side in (4, *doublings(image_size))]
    if not found[-1]:
        raise ValueError(f"width={width}: leaves the largest maps no channels")
    return found


def msr(gain: float = 1.0, inputs: int | None = None) -> nn.initializers.Initializer:
    """N(0, gain²/inputs); inputs are all axes but the last, if they are not given."""

    def init(key: Array, shape: tuple[int, ...], dtype: jnp.dtype = jnp.float32) -> Array:
        return gain / math.sqrt(inputs or math.prod(shape[:-1])) * jax.random.normal(key, shape, dtype)

    return init


class Block(nn.Module):
    """[B, H, W, C] -> the same shape. Fields: group: channels of a group; blocks: of the whole network."""

    group: int
    blocks: int

    @nn.compact
    def __call__(self, x: Array) -> Array:
        inside, init = x.shape[-1] * EXPANSION, msr(GAIN * self.blocks ** (-1 / 4))
        biases = [self.param(f"bias_{i}", nn.initializers.zeros, (inside,)) for i in range(2)]
        act = lambda x, bias: nn.leaky_relu(x + bias, 0.2)
        h = act(Conv(inside, 1, use_bias=False, kernel_init=init)(x), biases[0])
        group = min(self.group, inside)
        if inside % group:
            raise ValueError(f"group={group}: does not divide the {inside} channels inside a block")
        h = act(GroupedConv(group, kernel_init=init)(h), biases[1])
        return x + Conv(x.shape[-1], 1, use_bias=False, kernel_init=nn.initializers.zeros)(h)


class Generator(nn.Module):
    """Latents, and classes, to images.

    Fields:
      image_shape: (H, W, C), 8 to 512 pixels a side.
      width: channels of maps of up to 32×32.
      blocks: at each resolution.
      group: channels that a 3×3 convolution sees together.
      num_classes: K; 0 for images without classes. A class's vector is as long as the latent, and joined to it.
    """

    image_shape: tuple[int, int, int]
    width: int = 768
    blocks: int = 2
    group: int = 16
    num_classes: int = 0

    @nn.compact
    def __call__(self, z: Array, condition: dict[str, Array] | None = None, *, train: bool) -> Array:
        """[B, d], {"label": int32 [B], or weights of the classes, float [B, K]} -> images [B, H, W, C], about in [-1, 1]."""
        first, *larger = widths(self.image_shape[:2], self.width)
        dense = partial(nn.Dense, use_bias=False, kernel_init=msr())
        y = classes_of(condition, self.num_classes, z.dtype)
        if y is not None:
            z = jnp.concatenate([z, dense(z.shape[-1], name="classes")(y)], axis=-1)
        basis = self.param("basis", nn.initializers.normal(1.0), (4, 4, first))
        x = basis * dense(first)(z)[:, None, None]
        x = stage(x, self.blocks, self.group, len(larger) + 1)
        for count in larger:
            x = upsample(narrowed(x, count))
            x = stage(x, self.blocks, self.group, len(larger) + 1)
        return cut(Conv(self.image_shape[-1], 1, use_bias=False, kernel_init=msr())(x), self.image_shape)


class Discriminator(nn.Module):
    """Images, and classes, to scores. Fields: as the generator's; a class's vector has `width` numbers."""

    width: int = 768
    blocks: int = 2
    group: int = 16
    num_classes: int = 0

    @nn.compact
    def __call__(
        self, image: Array, condition: dict[str, Array] | None = None, *, train: bool
    ) -> tuple[Array, dict[str, Array]]:
        """Images [B, H, W, C], conditions as the generator's -> (raw scores [B], {"features": [B, width]})."""
        last, *larger = widths(image.shape[1:3], self.width)
        x = Conv(larger[-1], 1, use_bias=False, kernel_init=msr())(framed(image))
        for count in [last, *larger][-2::-1]:
            x = stage(x, self.blocks, self.group, len(larger) + 1)
            x = narrowed(downsample(x), count)
        x = stage(x, self.blocks, self.group, len(larger) + 1)
        basis = self.param("basis", msr(inputs=16), (4, 4, last))
        features = jnp.einsum("bhwc,hwc->bc", x, basis.astype(x.dtype))
        y = classes_of(condition, self.num_classes, image.dtype)
        out = nn.Dense(1 if y is None else self.width, use_bias=False, kernel_init=msr())(features)
        if y is not None:
            init = msr(1 / math.sqrt(self.width))
            out = out * nn.Dense(self.width, use_bias=False, kernel_init=init, name="classes")(y)
        return jnp.sum(out, axis=-1), {"features": features}


def stage(x: Array, blocks: int, group: int, resolutions: int) -> Array:
    """The blocks of one of so many resolutions."""
    for _ in range(blocks):
        x = Block(group, blocks * resolutions)(x)
    return x


def narrowed(x: Array, features: int) -> Array:
    """As many channels, by a convolution of 1×1 if they are others."""
    return x if x.shape[-1] == features else Conv(features, 1, use_bias=False, kernel_init=msr())(x)
