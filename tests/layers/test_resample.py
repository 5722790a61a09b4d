"""Images of another size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from gan_jax.layers.conv import Conv
from gan_jax.layers.resample import (
    ResampledConv,
    blur,
    convolve_downsampled,
    convolve_downscaled,
    convolve_same,
    convolve_upsampled,
    convolve_upscaled,
    downsample,
    downscale,
    upsample,
    upscale,
)

KEY = jax.random.key(0)
NHWC = ("NHWC", "HWIO", "NHWC")
X = jnp.array(
    [
        [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 12]]],
        [[[0, 0, 0], [-1, -2, -3]], [[1, -2, 2], [2, 5, 3]]],
    ],
    jnp.float32,
)


def test_downscale_is_tf_gan_s():
    np.testing.assert_allclose(downscale(X)[:, 0, 0], [[5.5, 6.5, 7.5], [0.5, 0.25, 0.5]])


def test_upscale_repeats_pixels_and_downscale_undoes_it():
    up = upscale(X, 3)
    assert up.shape == (2, 6, 6, 3)
    np.testing.assert_array_equal(up, np.kron(np.asarray(X), np.ones((1, 3, 3, 1))))
    np.testing.assert_allclose(downscale(up, 3), X, rtol=1e-6)


def test_downscale_is_the_mean_of_blocks():
    x = jax.random.normal(jax.random.key(0), (1, 4, 8, 2))
    np.testing.assert_allclose(downscale(x, 4)[0, 0, 1], x[0, :4, 4:].mean(axis=(0, 1)), rtol=1e-5)


@pytest.mark.parametrize("features", [4, 32])
def test_convolutions_that_resample_are_those_of_resampled_images(features):
    """Up to rounding, and so are their derivatives; of odd sides too."""
    x, w = jax.random.normal(KEY, (2, 5, 6, 32)), jax.random.normal(KEY, (3, 3, 32, features))
    up = lambda x, w: convolve_same(upscale(x), w)
    down = lambda x, w: downscale(convolve_same(x, w))
    for fused, apart, images in ((convolve_upscaled, up, x), (convolve_downscaled, down, x[:, :4])):
        np.testing.assert_allclose(fused(images, w), apart(images, w), rtol=1e-4, atol=1e-4)
        loss = lambda f: jax.grad(lambda x, w: jnp.mean(f(x, w) ** 3), argnums=(0, 1))(images, w)
        for ours, theirs in zip(loss(fused), loss(apart)):
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3 * float(jnp.abs(theirs).max()))


@pytest.mark.parametrize("resample", [None, "up", "down"])
def test_a_resampled_conv_is_a_conv_of_3_and_a_change_of_size(resample):
    x, layer, plain = jax.random.normal(KEY, (2, 4, 6, 5)), ResampledConv(7, resample), Conv(7, 3)
    variables = jax.tree.map(lambda leaf: leaf + 0.1, layer.init(KEY, x))
    before, after = {"up": (upscale, None), "down": (None, downscale), None: (None, None)}[resample]
    expected = plain.apply(variables, before(x) if before else x)
    np.testing.assert_allclose(layer.apply(variables, x), after(expected) if after else expected, rtol=1e-4, atol=1e-5)


def test_upsample_by_the_filter_1_3_3_1():
    """As a transposed convolution of stride 2 has it, whose kernel sums to 4 (R3GAN's code)."""
    x, kernel = jax.random.normal(KEY, (2, 3, 4, 5)), np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 16
    expected = np.zeros((2, 8, 10, 5))
    for i in range(3):
        for j in range(4):
            expected[:, 2 * i : 2 * i + 4, 2 * j : 2 * j + 4] += np.asarray(x)[:, i, j, None, None] * kernel[..., None]
    np.testing.assert_allclose(upsample(x), expected[:, 1:-1, 1:-1], rtol=1e-5, atol=1e-6)


def test_downsample_is_a_quarter_of_the_adjoint_of_upsample():
    x = jax.random.normal(KEY, (2, 6, 8, 3))
    (adjoint,) = jax.linear_transpose(upsample.fun, jax.ShapeDtypeStruct((2, 3, 4, 3), x.dtype))(x)
    np.testing.assert_allclose(downsample(x), adjoint / 4, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(downsample(jnp.ones((1, 8, 8, 1)))[0, 1:-1, 1:-1], 1, rtol=1e-6)


def test_upsampling_along_an_axis():
    """out[2i] = 3/4 x_i + 1/4 x_{i-1}, out[2i+1] = 3/4 x_i + 1/4 x_{i+1}: of a ramp, by hand."""
    ramp = jnp.arange(1.0, 5.0)[None, :, None, None].repeat(4, 2)
    np.testing.assert_allclose(upsample(ramp)[0, 2:-2, 3, 0], [1.75, 2.25, 2.75, 3.25], rtol=1e-6)
    np.testing.assert_allclose(upsample(jnp.full((1, 4, 4, 1), 7.0))[0, 1:-1, 1:-1], 7, rtol=1e-6)


@pytest.mark.parametrize("padding", [0, 1, 2, 3])
def test_blur(padding):
    """As a convolution of each channel by itself."""
    x, row = jax.random.normal(KEY, (2, 5, 6, 3)), jnp.array([1, 3, 3, 1]) / 8
    kernel = jnp.outer(row, row)[:, :, None, None].repeat(3, 3)
    pads = [(padding, padding)] * 2
    expected = lax.conv_general_dilated(x, kernel, (1, 1), pads, dimension_numbers=NHWC, feature_group_count=3)
    np.testing.assert_allclose(blur(x, padding), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("resize", [upsample, downsample, lambda x: blur(x, 1), lambda x: blur(x, 2)])
def test_derivatives_of_what_resamples_are_its_adjoints(resize):
    """⟨A x, y⟩ = ⟨x, Aᵀ y⟩, and the adjoint of the adjoint is A."""
    x = jax.random.normal(KEY, (2, 6, 8, 3))
    out, back = jax.vjp(resize, x)
    y = jax.random.normal(jax.random.key(1), out.shape)
    assert jnp.vdot(out, y) == pytest.approx(float(jnp.vdot(x, back(y)[0])), rel=1e-4)
    twice = jax.vjp(lambda y: back(y)[0], y)[1](x)[0]
    np.testing.assert_allclose(twice, out, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("features", [3, 16])
def test_convolutions_with_the_filter_are_the_authors(features):
    """StyleGAN2's upfirdn2d: what lies between zeros, convolved, then blurred; blurred, then convolved with strides 2."""
    x, w = jax.random.normal(KEY, (2, 4, 6, 16)), jax.random.normal(KEY, (3, 3, 16, features))
    slide = lambda x, strides, padding, **more: lax.conv_general_dilated(
        x, w, strides, [(padding, padding)] * 2, dimension_numbers=NHWC, **more
    )
    up = lambda x, w: 4 * blur(slide(x, (1, 1), 2, lhs_dilation=(2, 2)), 1)
    down = lambda x, w: slide(blur(x, 2), (2, 2), 0)
    for ours, theirs in ((convolve_upsampled, up), (convolve_downsampled, down)):
        np.testing.assert_allclose(ours(x, w), theirs(x, w), rtol=1e-4, atol=1e-4)
    inside = convolve_same(upsample(x), w)[:, 2:-2, 2:-2]
    np.testing.assert_allclose(convolve_upsampled(x, w)[:, 2:-2, 2:-2], inside, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("features", [3, 16])
def test_convolutions_with_the_filter_are_adjoint_but_for_a_factor(features):
    """And so their derivatives, by x and by w, are right."""
    x, w = jax.random.normal(KEY, (2, 4, 6, 16)), jax.random.normal(KEY, (3, 3, 16, features))
    turned = lambda w: w[::-1, ::-1].swapaxes(2, 3)
    out, back = jax.vjp(convolve_upsampled, x, w)
    y = jax.random.normal(jax.random.key(1), out.shape)
    of_x, of_w = back(y)
    np.testing.assert_allclose(of_x, 4 * convolve_downsampled(y, turned(w)), rtol=1e-4, atol=1e-3)
    assert jnp.vdot(w, of_w) == pytest.approx(float(jnp.vdot(out, y)), rel=1e-3)  # which is linear in w
    down, back = jax.vjp(convolve_downsampled, out, turned(w))
    y = jax.random.normal(jax.random.key(2), down.shape)
    of_out, of_w = back(y)
    np.testing.assert_allclose(of_out, convolve_upsampled(y, w) / 4, rtol=1e-4, atol=1e-3)
    assert jnp.vdot(turned(w), of_w) == pytest.approx(float(jnp.vdot(down, y)), rel=1e-3)
