"""Convolutions in groups: each group of channels is seen by as many features, and by no others."""

from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax

from gan_jax.layers.conv import NHWC, Geometry, convolve

Array = jax.Array


class GroupedConv(nn.Module):
    """[B, H, W, C] -> [B, H, W, C], SAME padding, in groups of `group` channels; without a bias.

    A CPU makes a convolution of each group: measured 25 times as fast, with derivatives, as XLA's own of 6 groups of 16.

    Fields: group: channels of a group, which divide C; kernel_size: of the square kernel.
    Parameter: kernel [k, k, group, C]. Raises ValueError if groups do not divide the channels.
    """

    group: int
    kernel_size: int = 3
    kernel_init: nn.initializers.Initializer = nn.initializers.lecun_normal()

    @nn.compact
    def __call__(self, x: Array) -> Array:
        size, channels = self.kernel_size, x.shape[-1]
        if channels % self.group:
            raise ValueError(f"{channels} channels cannot be divided into groups of {self.group}")
        w = self.param("kernel", self.kernel_init, (size, size, self.group, channels))
        geometry = Geometry(x.shape[1:3], (size, size), (1, 1))
        return lax.platform_dependent(
            x, w, cpu=partial(_each_group, geometry), default=partial(_native, channels // self.group)
        )


def _each_group(geometry: Geometry, x: Array, w: Array) -> Array:
    groups = x.shape[-1] // w.shape[2]
    pairs = zip(jnp.split(x, groups, axis=-1), jnp.split(w, groups, axis=-1))
    return jnp.concatenate([convolve(own, kernel, geometry) for own, kernel in pairs], axis=-1)


def _native(groups: int, x: Array, w: Array) -> Array:
    return lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=NHWC, feature_group_count=groups)
