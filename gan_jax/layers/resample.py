"""Images and feature maps of another size, and convolutions by which they change it.

The filter [1, 3, 3, 1] is symmetric, so that the adjoint of `upsample` is `downsample`, but for a factor, and that of `blur`
another `blur`. They are told so: what JAX finds itself, sums of what is put between zeros, takes a CPU up to eight times as long.
"""

from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.layers.conv import Geometry, convolve, input_gradient

Array = jax.Array


def upscale(x: Array, factor: int = 2) -> Array:
    """[B, H, W, C] -> [B, H·factor, W·factor, C], each pixel repeated."""
    return x.repeat(factor, axis=1).repeat(factor, axis=2)


def downscale(x: Array, factor: int = 2) -> Array:
    """[B, H, W, C] -> [B, H/factor, W/factor, C], the means of factor × factor pixels. The factor divides both sides."""
    batch, height, width, channels = x.shape
    blocks = x.reshape(batch, height // factor, factor, width // factor, factor, channels)
    return jnp.mean(blocks, axis=(2, 4))


@jax.custom_vjp
def upsample(x: Array) -> Array:
    """[B, H, W, C] -> [B, 2H, 2W, C], each pixel 3 parts of the nearest one and 1 of the next on each axis, 0 beyond the edges.

    The filter [1, 3, 3, 1] of StyleGAN2 (Karras et al. 2020, arXiv:1912.04958) and R3GAN, and as they normalise it: with gain 4.
    """
    for axis in (1, 2):
        before, after = _beside(x, axis)
        x = jnp.stack([(before + 3 * x) / 4, (3 * x + after) / 4], axis + 1)
        x = x.reshape(*x.shape[:axis], -1, *x.shape[axis + 2 :])
    return x


@jax.custom_vjp
def downsample(x: Array) -> Array:
    """[B, H, W, C] -> [B, H/2, W/2, C], each pixel 1, 3, 3 and 1 eighths of four in a row, 0 beyond the edges.

    A quarter of the adjoint of `upsample`.
    """
    for axis in (1, 2):
        pairs = x.reshape(*x.shape[:axis], -1, 2, *x.shape[axis + 1 :])
        first, second = (jax.lax.index_in_dim(pairs, i, axis + 1, keepdims=False) for i in (0, 1))
        x = (_beside(second, axis)[0] + 3 * first + 3 * second + _beside(first, axis)[1]) / 8
    return x


upsample.defvjp(lambda x: (upsample(x), None), lambda _, y: (4 * downsample(y),))
downsample.defvjp(lambda x: (downsample(x), None), lambda _, y: (upsample(y) / 4,))


def _beside(x: Array, axis: int) -> tuple[Array, Array]:
    """What is before and after each place along an axis, 0 beyond its ends."""
    none, count = jnp.zeros_like(jax.lax.slice_in_dim(x, 0, 1, axis=axis)), x.shape[axis]
    before = jnp.concatenate([none, jax.lax.slice_in_dim(x, 0, count - 1, axis=axis)], axis)
    return before, jnp.concatenate([jax.lax.slice_in_dim(x, 1, count, axis=axis), none], axis)


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def blur(x: Array, padding: int) -> Array:
    """[B, H, W, C] with `padding` zeros around it, by 1, 3, 3 and 1 eighths of four in a row: sides grow by 2 padding - 3."""
    for axis in (1, 2):
        x = jnp.pad(x, [(padding, padding) if each == axis else (0, 0) for each in range(4)])
        of = [jax.lax.slice_in_dim(x, i, x.shape[axis] - 3 + i, axis=axis) for i in range(4)]
        x = (of[0] + of[3] + 3 * (of[1] + of[2])) / 8
    return x


blur.defvjp(lambda x, padding: (blur(x, padding), None), lambda padding, _, y: (blur(y, 3 - padding),))


class ResampledConv(nn.Module):
    """A convolution of 3×3, SAME, of images that are `upscale`d first; or of which the result is `downscale`d.

    Both at once, with 4 products in place of 9 ("up", [B, 2H, 2W, features]; "down", [B, H/2, W/2, features]).

    Fields: resample: "up", "down" or None, which is a `Conv`; the others as `Conv`'s. Parameters: as a `Conv`'s of 3×3.
    """

    features: int
    resample: str | None = None
    use_bias: bool = True
    kernel_init: nn.initializers.Initializer = nn.initializers.lecun_normal()

    @nn.compact
    def __call__(self, x: Array) -> Array:
        kernel = self.param("kernel", self.kernel_init, (3, 3, x.shape[-1], self.features))
        y = CONVOLUTIONS[self.resample](x, kernel)
        return y + self.param("bias", nn.initializers.zeros, (self.features,)) if self.use_bias else y


def convolve_upscaled(x: Array, w: Array) -> Array:
    """Convolves `upscale(x)` with a kernel of 3×3: a transposed convolution, with 4 products in place of 9."""
    height, width = x.shape[1:3]
    kernel = twice(w[::-1, ::-1]).swapaxes(2, 3)
    return input_gradient(x, kernel, Geometry((2 * height, 2 * width), (4, 4), (2, 2)))


def convolve_downscaled(x: Array, w: Array) -> Array:
    """`downscale`s what x convolved with a kernel of 3×3 is: a strided convolution, with 4 products in place of 9."""
    return convolve(x, twice(w) / 4, Geometry(x.shape[1:3], (4, 4), (2, 2)))


def convolve_upsampled(x: Array, w: Array) -> Array:
    """What `upsample(x)` convolved with a kernel of 3×3 is, if images went on beyond their edges: [B, 2H, 2W, features].

    As StyleGAN2's authors have it: a transposed convolution, whose result, one row and column larger, is blurred.
    """
    height, width = x.shape[1:3]
    geometry = Geometry((2 * height + 1, 2 * width + 1), (3, 3), (2, 2), same=False)
    return 4 * blur(input_gradient(x, w[::-1, ::-1].swapaxes(2, 3), geometry), padding=1)


def convolve_downsampled(x: Array, w: Array) -> Array:
    """A blurred x convolved with a kernel of 3×3 with strides 2, [B, H/2, W/2, features]: the adjoint, but for a factor of 4.

    Of `convolve_upsampled` with the kernel turned by half a turn, its channels and features swapped.
    """
    height, width = x.shape[1:3]
    return convolve(blur(x, padding=2), w, Geometry((height + 1, width + 1), (3, 3), (2, 2), same=False))


def twice(w: Array) -> Array:
    """A kernel [3, 3, ...] that meets each pixel of a block of 2×2, as one that meets the block: [4, 4, ...]."""
    moved = [jnp.pad(w, ((i, 1 - i), (j, 1 - j), (0, 0), (0, 0))) for i in (0, 1) for j in (0, 1)]
    return sum(moved)


def convolve_same(x: Array, w: Array) -> Array:
    """Convolves with SAME padding."""
    return convolve(x, w, Geometry(x.shape[1:3], w.shape[:2], (1, 1)))


CONVOLUTIONS = {
    None: convolve_same,
    "up": convolve_upscaled,
    "down": convolve_downscaled,
    "upsample": convolve_upsampled,
    "downsample": convolve_downsampled,
}
