"""Convolutions of volumes and videos, which are convolutions of images: what a kernel meets along the depth becomes channels.

    y[n, d, i, j, f] = Σ x[n, s·d + t - before, ..., c] w[t, ..., c, f], summed over t, c and a 2-D kernel's places
                     = convolve(the planes s·d + t - before of x side by side as channels (t, c), w as a 2-D kernel)

So the forms of `layers.conv`, which are fast to train on a CPU too, and their derivatives of every order serve in 3-D. Volumes are
[N, D, H, W, C], videos [N, T, H, W, C], kernels [kd, kh, kw, C, F], feature maps [N, ⌈D/s⌉, ⌈H/s⌉, ⌈W/s⌉, F]; the padding is SAME,
or along the depth there is none: then a map is as deep as places for the kernel there are.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.layers import conv
from gan_jax.layers.geometry import Geometry

Array = jax.Array
Sizes = tuple[int, int, int]


class Steps(NamedTuple):
    """How a kernel moves: its strides; and whether there are zeros beyond the first plane and the last one."""

    strides: Sizes
    same: bool = True


def convolve(x: Array, w: Array, steps: Steps) -> Array:
    """The feature map of volumes."""
    seen = _planes(x, w.shape[0], steps)
    y = conv.convolve(_images(seen), _flat(w), Geometry(x.shape[2:4], w.shape[1:3], steps.strides[1:]))
    return y.reshape(*seen.shape[:2], *y.shape[1:])


def input_gradient(y: Array, w: Array, steps: Steps, volume: Sizes) -> Array:
    """The x, of such a volume, for which ⟨x, x'⟩ = ⟨y, convolve(x', w)⟩ for all x'."""
    geometry = Geometry(volume[1:], w.shape[1:3], steps.strides[1:])
    seen = conv.input_gradient(_images(y), _flat(w), geometry)
    x = jax.ShapeDtypeStruct((len(y), *volume, w.shape[3]), y.dtype)
    to_planes = partial(_planes, taps=w.shape[0], steps=steps)
    return jax.linear_transpose(to_planes, x)(seen.reshape(*y.shape[:2], *seen.shape[1:]))[0]


def _planes(x: Array, taps: int, steps: Steps) -> Array:
    """The planes that a kernel meets at each of its places along the depth: [N, places, H, W, taps · C]."""
    along = Geometry((x.shape[1],), (taps,), steps.strides[:1], steps.same)
    (padding,), (places,), stride = along.padding, along.output, steps.strides[0]
    x = jnp.pad(x, ((0, 0), padding, (0, 0), (0, 0), (0, 0)))
    last = (places - 1) * stride + 1
    return jnp.concatenate([x[:, tap : tap + last : stride] for tap in range(taps)], axis=-1)


def _images(x: Array) -> Array:
    """[N, D, H, W, C] -> [N · D, H, W, C]."""
    return x.reshape(-1, *x.shape[2:])


def _flat(w: Array) -> Array:
    """[kd, kh, kw, C, F] -> [kh, kw, kd · C, F], channels in the order of `_planes`."""
    return jnp.moveaxis(w, 0, 2).reshape(*w.shape[1:3], -1, w.shape[-1])


def _three(size: int | Sizes) -> Sizes:
    return (size,) * 3 if isinstance(size, int) else tuple(size)


class Conv3D(nn.Module):
    """Convolution: [N, D, H, W, C] -> [N, ⌈D/stride⌉, ⌈H/stride⌉, ⌈W/stride⌉, features].

    Fields: as `flax.linen.Conv`'s; `kernel_size` and `strides` are one number or three; and
      same: whether the padding along the depth is SAME, as it is along the others; else there is none.
    Parameters: kernel [kd, kh, kw, C, features], bias [features].
    """

    features: int
    kernel_size: int | Sizes
    strides: int | Sizes = 1
    use_bias: bool = True
    kernel_init: nn.initializers.Initializer = nn.initializers.lecun_normal()
    same: bool = True

    @nn.compact
    def __call__(self, x: Array) -> Array:
        w = self.param("kernel", self.kernel_init, (*_three(self.kernel_size), x.shape[-1], self.features))
        y = convolve(x, w, Steps(_three(self.strides), self.same))
        return y + self.param("bias", nn.initializers.zeros, (self.features,)) if self.use_bias else y


class ConvTranspose3D(nn.Module):
    """Transposed convolution with SAME padding: [N, D, H, W, C] -> [N, D·stride, H·stride, W·stride, features].

    The adjoint of a `Conv3D` from `features` channels to C. Equal to `lax.conv_transpose(..., transpose_kernel=True)`.

    Fields: as `Conv3D`'s.
    Parameters: kernel [kd, kh, kw, features, C], bias [features].
    """

    features: int
    kernel_size: int | Sizes
    strides: int | Sizes = 1
    use_bias: bool = True
    kernel_init: nn.initializers.Initializer = nn.initializers.lecun_normal(in_axis=-1, out_axis=-2)

    @nn.compact
    def __call__(self, y: Array) -> Array:
        steps = Steps(_three(self.strides))
        w = self.param("kernel", self.kernel_init, (*_three(self.kernel_size), self.features, y.shape[-1]))
        x = input_gradient(y, w, steps, tuple(side * s for side, s in zip(y.shape[1:4], steps.strides)))
        return x + self.param("bias", nn.initializers.zeros, (self.features,)) if self.use_bias else x
