"""Images of another size."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.layers.resample import downscale, upscale

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
