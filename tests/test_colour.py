"""Colours beside published values of CIELAB, and that a lightness is kept."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import colour


@pytest.mark.parametrize(
    "rgb, lab",
    [  # of sRGB's corners, D65
        ((1, 1, 1), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((1, 0, 0), (53.2408, 80.0925, 67.2032)),
        ((0, 1, 0), (87.7347, -86.1827, 83.1793)),
        ((0, 0, 1), (32.2970, 79.1875, -107.8602)),
    ],
)
def test_corners(rgb, lab):
    np.testing.assert_allclose(colour.to_lab(2 * jnp.array(rgb, jnp.float32) - 1), lab, atol=0.01)


def test_lightness_and_colours_give_the_image_back():
    images = jax.random.uniform(jax.random.key(0), (50, 3), minval=-0.99, maxval=0.99)
    lab = colour.to_lab(images)
    found = colour.with_lightness(colour.lightness(images), lab[..., 1:] / colour.AB)
    np.testing.assert_allclose(found, images, atol=2e-3)


def test_any_colours_keep_the_lightness():
    """Also those that sRGB does not have, in black and white too."""
    gray = jnp.linspace(-1, 1, 41)[:, None]
    ab = jax.random.normal(jax.random.key(1), (41, 2)) * 3
    found = colour.with_lightness(gray, ab)
    assert found.min() >= -1 and found.max() <= 1
    np.testing.assert_allclose(colour.lightness(found), gray, atol=1e-4)


def test_gradients_are_finite():
    gray = jnp.array([[-1.0], [0.0], [1.0]])
    slope = jax.grad(lambda ab: colour.with_lightness(gray, ab).sum())(jnp.zeros((3, 2)))
    assert np.isfinite(slope).all() and np.any(slope[1] != 0)
