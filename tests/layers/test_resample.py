"""Images of another size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.layers.conv import Conv
from gan_jax.layers.resample import (
    ResampledConv,
    convolve_downscaled,
    convolve_same,
    convolve_upscaled,
    downsample,
    downscale,
    upsample,
    upscale,
)

KEY = jax.random.key(0)
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
    (adjoint,) = jax.linear_transpose(upsample, jax.ShapeDtypeStruct((2, 3, 4, 3), x.dtype))(x)
    np.testing.assert_allclose(downsample(x), adjoint / 4, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(downsample(jnp.ones((1, 8, 8, 1)))[0, 1:-1, 1:-1], 1, rtol=1e-6)
