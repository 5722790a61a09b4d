"""Convolution layers that are fast to train on a CPU too.

Convolution is one of three bilinear maps, and the derivative of each is made of the other two:

    convolve(x, w)            images and kernel -> feature map
    input_gradient(y, w)      feature map and kernel -> images: a transposed convolution
    kernel_gradient(x, y)     images and feature map -> kernel

So derivatives of every order need nothing but these three. JAX's own derivatives of a strided transposed convolution
meet dilated forms that XLA runs some 20 times slower on a CPU. Here each map has one forward body to tune, and
accelerators keep their native convolutions. Reverse mode only (`jax.grad`, nested as deep as you like), no `jax.jvp`.

Images are [N, H, W, C], kernels [kh, kw, C, F], feature maps [N, ⌈H/s⌉, ⌈W/s⌉, F]; the padding is SAME, or there is none (VALID).
"""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax

from gan_jax.layers import blocks
from gan_jax.layers.geometry import Geometry

Array = jax.Array
NHWC = ("NHWC", "HWIO", "NHWC")
THIN = 4  # channels of images; with so few, gathering all patches of an image costs a CPU less than sliding over it


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def convolve(x: Array, w: Array, geometry: Geometry) -> Array:
    """y[n, i, j, f] = Σ x[n, s·i + a - before, s·j + b - before, c] w[a, b, c, f], summed over a, b, c."""
    native = partial(_native_slide, strides=geometry.strides, padding=geometry.padding)
    return lax.platform_dependent(x, w, cpu=partial(_cpu_convolve, geometry), default=native)


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def input_gradient(y: Array, w: Array, geometry: Geometry) -> Array:
    """The x for which ⟨x, x'⟩ = ⟨y, convolve(x', w)⟩ for all x'."""
    native = partial(_dilated, _native_slide, geometry)
    return lax.platform_dependent(y, w, cpu=partial(_cpu_input_gradient, geometry), default=native)


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def kernel_gradient(x: Array, y: Array, geometry: Geometry) -> Array:
    """The w for which ⟨w, w'⟩ = ⟨y, convolve(x, w')⟩ for all w'. The batch is what is summed over."""
    sizes = dict(padding=geometry.kernel_padding, kernel_dilation=geometry.strides)
    native = partial(_native_slide, axes=("CHWN", "IHWO", "HWNC"), **sizes)
    return lax.platform_dependent(x, y, cpu=partial(_cpu_kernel_gradient, geometry), default=native)


def _cpu_convolve(geometry: Geometry, x: Array, w: Array) -> Array:
    if geometry.in_blocks:
        return blocks.to_pixels(_cpu_convolve(geometry.in_blocks, blocks.of_pixels(x), blocks.of_kernel(w)))
    if w.shape[2] <= THIN:
        return _patches(geometry, x) @ _matrix(geometry, w)
    return _cpu_slide(x, w, strides=geometry.strides, padding=geometry.padding)


def _cpu_input_gradient(geometry: Geometry, y: Array, w: Array) -> Array:
    if geometry.in_blocks:
        return blocks.to_pixels(_cpu_input_gradient(geometry.in_blocks, blocks.of_pixels(y), blocks.of_kernel(w)))
    if w.shape[2] <= THIN:
        images = jax.ShapeDtypeStruct((len(y), *geometry.image, w.shape[2]), y.dtype)
        return jax.linear_transpose(partial(_patches, geometry), images)(y @ _matrix(geometry, w).T)[0]
    if geometry.interleaves and w.shape[2] >= 16:  # measured: it pays where the convolutions outweigh the copying
        return _interleaved(geometry, y, w)
    return _dilated(_cpu_slide, geometry, y, w)


def _cpu_kernel_gradient(geometry: Geometry, x: Array, y: Array) -> Array:
    if geometry.in_blocks:
        kernel = jax.ShapeDtypeStruct((*geometry.kernel, x.shape[3], y.shape[3]), x.dtype)
        found = _cpu_kernel_gradient(geometry.in_blocks, blocks.of_pixels(x), blocks.of_pixels(y))
        return jax.linear_transpose(blocks.of_kernel, kernel)(found)[0]
    # The batch becomes the channels. Without the barriers XLA folds the transposes into a slow convolution.
    x = lax.optimization_barrier(x.transpose(3, 1, 2, 0))
    y = lax.optimization_barrier(y.transpose(1, 2, 0, 3))
    sizes = dict(padding=geometry.kernel_padding, kernel_dilation=geometry.strides)
    return _cpu_slide(x, y, **sizes).transpose(1, 2, 0, 3)


def _dilated(slide, geometry: Geometry, y: Array, w: Array) -> Array:
    """input_gradient as one convolution of what is between zeros."""
    return slide(y, _flip(w), padding=geometry.transposed_padding, image_dilation=geometry.strides)


def _native_slide(x, w, *, padding, strides=(1, 1), image_dilation=(1, 1), kernel_dilation=(1, 1), axes=NHWC):
    return lax.conv_general_dilated(x, w, strides, padding, image_dilation, kernel_dilation, axes)


def _cpu_slide(x, w, *, padding, strides=(1, 1), image_dilation=(1, 1), kernel_dilation=(1, 1)):
    """The same, with all sizes along H doubled where the image is not dilated: not a product or a sum changes.

    XLA:CPU gives a convolution to YNNPACK, which takes twice Eigen's time, unless the image is dilated.
    """
    if image_dilation == (1, 1):
        (top, bottom), sideways = padding
        padding = [(2 * top, 2 * bottom), sideways]
        strides, image_dilation = (2 * strides[0], strides[1]), (2, 1)
        kernel_dilation = (2 * kernel_dilation[0], kernel_dilation[1])
    return lax.conv_general_dilated(x, w, strides, padding, image_dilation, kernel_dilation, NHWC)


def _interleaved(geometry: Geometry, y: Array, w: Array) -> Array:
    """input_gradient as one small convolution per phase: x[s·q + p] meets every s-th tap of the kernel only.

    On a CPU up to three times as fast as the dilated form. Phases are as long as the feature map, or one longer where the image
    goes on; where it ends earlier, so does the last of them.
    """

    lengths = [-(-side // stride) for side, stride in zip(geometry.image, geometry.strides)]

    def phases(axis):
        kernel, stride = geometry.kernel[axis], geometry.strides[axis]
        rest = lengths[axis] - geometry.output[axis]
        for p in range(stride):
            q, first_tap = divmod(p + geometry.padding[axis][0], stride)
            taps = len(range(first_tap, kernel, stride))
            yield slice(first_tap, None, stride), (taps - 1 - q, q + rest)

    rows = [
        jnp.stack([_cpu_slide(y, _flip(w[i][:, j]), padding=[above, beside]) for j, beside in phases(1)], axis=3)
        for i, above in phases(0)
    ]
    sides = (count * stride for count, stride in zip(lengths, geometry.strides))
    height, width = geometry.image
    return jnp.stack(rows, axis=2).reshape(len(y), *sides, w.shape[2])[:, :height, :width]


def _patches(geometry: Geometry, x: Array) -> Array:
    """All that the kernel meets at each of its places, [N, H/s, W/s, K]: taps × taps squares of stride × stride pixels."""
    (s, t), channels = geometry.strides, x.shape[3]
    rows, columns = (out + taps - 1 for out, taps in zip(geometry.output, geometry.taps))
    ends = [
        (before, blocks * stride - side - before, 0)
        for (before, _), blocks, stride, side in zip(geometry.padding, (rows, columns), (s, t), geometry.image)
    ]
    x = lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *ends, (0, 0, 0)])
    blocks = x.reshape(-1, rows, s, columns, t * channels).swapaxes(2, 3).reshape(-1, rows, columns, s * t * channels)
    height, width = geometry.output
    taps = itertools.product(*map(range, geometry.taps))
    return jnp.concatenate([blocks[:, i : i + height, j : j + width] for i, j in taps], axis=3)


def _matrix(geometry: Geometry, w: Array) -> Array:
    """The kernel as `_patches` meets it, [K, F]; zeros where the last block goes beyond it."""
    (s, t), (taps, taps_beside), (height, width, channels, features) = geometry.strides, geometry.taps, w.shape
    w = jnp.pad(w, ((0, taps * s - height), (0, taps_beside * t - width), (0, 0), (0, 0)))
    return w.reshape(taps, s, taps_beside, t * channels, features).swapaxes(1, 2).reshape(-1, features)


def _flip(w: Array) -> Array:
    """The kernel turned by half a turn, its channels and features swapped."""
    return lax.rev(w, (0, 1)).swapaxes(2, 3)


def _bilinear_vjp(function, left_gradient, right_gradient):
    """Gives function(a, b, geometry) its derivatives: left_gradient and right_gradient of (a, b, cotangent)."""

    def forward(a, b, geometry):
        return function(a, b, geometry), (a, b)

    def backward(geometry, residuals, cotangent):
        a, b = residuals
        return left_gradient(a, b, cotangent, geometry), right_gradient(a, b, cotangent, geometry)

    function.defvjp(forward, backward)


_bilinear_vjp(convolve, lambda x, w, y, g: input_gradient(y, w, g), lambda x, w, y, g: kernel_gradient(x, y, g))
_bilinear_vjp(input_gradient, lambda y, w, x, g: convolve(x, w, g), lambda y, w, x, g: kernel_gradient(x, y, g))
_bilinear_vjp(kernel_gradient, lambda x, y, w, g: input_gradient(y, w, g), lambda x, y, w, g: convolve(x, w, g))


def _pair(size: int | tuple[int, int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else tuple(size)


class Conv(nn.Module):
    """Convolution with SAME padding: [N, H, W, C] -> [N, ⌈H/stride⌉, ⌈W/stride⌉, features].

    Fields: as `flax.linen.Conv`'s; `kernel_size` and `strides` are one number or two; and
      reflects: whether beyond the edges images go on as in a mirror, and not with zeros; of odd kernels, with strides 1.
    Parameters: kernel [kh, kw, C, features], bias [features].
    """

    features: int
    kernel_size: int | tuple[int, int]
    strides: int | tuple[int, int] = 1
    use_bias: bool = True
    kernel_init: nn.initializers.Initializer = nn.initializers.lecun_normal()
    reflects: bool = False

    @nn.compact
    def __call__(self, x: Array) -> Array:
        kernel, strides = _pair(self.kernel_size), _pair(self.strides)
        w = self.param("kernel", self.kernel_init, (*kernel, x.shape[-1], self.features))
        if self.reflects:
            x = jnp.pad(x, ((0, 0), *((side // 2, side // 2) for side in kernel), (0, 0)), mode="reflect")
        y = convolve(x, w, Geometry(x.shape[1:3], kernel, strides, same=not self.reflects))
        return y + self.param("bias", nn.initializers.zeros, (self.features,)) if self.use_bias else y


class ConvTranspose(nn.Module):
    """Transposed convolution with SAME padding: [N, H, W, C] -> [N, H·stride, W·stride, features].

    The adjoint of a `Conv` from `features` channels to C. Equal to `lax.conv_transpose(..., transpose_kernel=True)`.

    Fields: as `flax.linen.ConvTranspose`'s, and
      output_size: the output's side or sides, if not H·stride: any whose ⌈side/stride⌉ is H.
    Parameters: kernel [kh, kw, features, C], bias [features]. Raises ValueError if output_size does not fit.
    """

    features: int
    kernel_size: int | tuple[int, int]
    strides: int | tuple[int, int] = 1
    output_size: int | tuple[int, int] | None = None
    use_bias: bool = True
    kernel_init: nn.initializers.Initializer = nn.initializers.lecun_normal(in_axis=-1, out_axis=-2)

    @nn.compact
    def __call__(self, y: Array) -> Array:
        kernel, strides = _pair(self.kernel_size), _pair(self.strides)
        size = (y.shape[1] * strides[0], y.shape[2] * strides[1])
        geometry = Geometry(size if self.output_size is None else _pair(self.output_size), kernel, strides)
        if geometry.output != y.shape[1:3]:
            raise ValueError(f"output_size {geometry.image} does not fit input {y.shape[1:3]} with strides {strides}")
        w = self.param("kernel", self.kernel_init, (*kernel, self.features, y.shape[-1]))
        x = input_gradient(y, w, geometry)
        return x + self.param("bias", nn.initializers.zeros, (self.features,)) if self.use_bias else x
