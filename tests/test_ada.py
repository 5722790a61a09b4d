"""ADA's augmentations: each of its kind and strength, with its probability, and none at 0."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import ada
from gan_jax.randomness import example_keys

KEYS = example_keys(jax.random.key(0), 2000)
IMAGES = jax.random.uniform(jax.random.key(1), (3, 8, 10, 3), minval=-1)

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def test_nothing_happens_with_probability_0():
    seen = ada.pipe(0.0)(IMAGES, KEYS[:3], jnp.int32(0))
    np.testing.assert_allclose(seen, IMAGES, atol=1e-6)


def test_p_may_be_a_schedule_over_rounds():
    pipe = ada.pipe(lambda step: jnp.where(step < 5, 0.0, 1.0))
    np.testing.assert_allclose(pipe(IMAGES, KEYS[:3], jnp.int32(4)), IMAGES, atol=1e-6)
    assert (np.abs(pipe(IMAGES, KEYS[:3], jnp.int32(5)) - IMAGES).max((1, 2, 3)) > 0.1).all()


@pytest.mark.parametrize("p", [0.3, 1.0])
def test_geometry_happens_as_often_and_as_far_as_published(p):
    matrix, shift = jax.jit(jax.vmap(lambda key: ada.geometry(key, jnp.array([64, 64]), p)))(KEYS)
    determinants = np.linalg.det(matrix)
    assert abs((determinants < 0).mean() - p / 2) < 0.04  # mirrored
    scales = np.log2(np.abs(determinants)) / -2  # 2^(0.2 N) in p of all: rotations and stretching leave the area
    scaled = np.abs(scales) > 1e-5
    assert abs(scaled.mean() - p) < 0.04
    np.testing.assert_allclose(scales[scaled].std(), 0.2, rtol=0.1)
    moved = (np.abs(shift) > 1e-3).any(1)
    assert abs(moved.mean() - (1 - (1 - p) ** 2)) < 0.04  # by whole pixels, or by fractions
    # In neither are the axes turned or stretched: quarters, scale and mirror alone leave all but one number of a row 0.
    upright = (np.abs(matrix) < 1e-5).any(2).all(1)
    np.testing.assert_allclose(upright.mean(), 1 - p, atol=0.04)


def test_moves_are_up_to_an_eighth_in_whole_pixels_and_of_that_deviation_in_fractions():
    _, shift = jax.jit(jax.vmap(lambda key: ada.geometry(key, jnp.array([64, 32]), 1.0)))(KEYS)
    # Both are turned and scaled by what comes before; the length of the first is at most 1/8 of each side.
    assert 0.5 < shift[:, 0].std() / 8 < 2 and 0.5 < np.linalg.norm(shift, axis=1).std() / 8 < 2


def test_colour_is_brightness_contrast_inversion_hue_and_saturation():
    """Measured by what becomes of gray, which hue and saturation leave, and of what lies across it."""
    matrix, offset = (np.asarray(x, np.float64) for x in jax.jit(jax.vmap(lambda key: ada.colour(key, 1.0)))(KEYS))
    gray = np.ones(3) / np.sqrt(3)
    along = matrix @ gray @ gray
    np.testing.assert_allclose(matrix @ gray, along[:, None] * gray, atol=1e-4)
    assert abs((along < 0).mean() - 0.5) < 0.04
    np.testing.assert_allclose(np.log2(np.abs(along)).std(), 0.5, rtol=0.1)
    np.testing.assert_allclose((offset.mean(1) / along).std(), 0.2, rtol=0.1)
    across = np.array([1.0, -1.0, 0.0]) / np.sqrt(2)
    np.testing.assert_allclose(matrix @ across @ gray, 0, atol=1e-4)
    saturation = np.linalg.norm(matrix @ across, axis=1) / np.abs(along)
    np.testing.assert_allclose(np.log2(saturation).std(), 1, rtol=0.1)
    hue = np.arctan2(matrix @ across @ np.cross(gray, across), matrix @ across @ across)
    np.testing.assert_allclose(hue.std(), np.pi / np.sqrt(3), rtol=0.05)


@pytest.mark.parametrize("p", [0.0, 0.2])
def test_colours_change_as_often_as_p_says(p):
    matrix, _ = jax.jit(jax.vmap(lambda key: ada.colour(key, p)))(KEYS)
    assert abs((np.abs(matrix - np.eye(3)).max((1, 2)) > 1e-4).mean() - (1 - (1 - p) ** 3 * (1 - p / 2))) < 0.04


def test_gray_images_stay_gray_and_are_the_mean_of_what_their_colours_would_be():
    gray = IMAGES[..., :1]
    keys = KEYS[:3]
    coloured = ada.pipe(1.0)(jnp.broadcast_to(gray, (*gray.shape[:3], 3)), keys, 0)
    np.testing.assert_allclose(ada.pipe(1.0)(gray, keys, 0)[..., 0], coloured.mean(-1), atol=1e-4)


def test_quarters_and_mirrors_are_exact():
    """A square image that is turned and mirrored keeps its numbers."""
    image = jax.random.uniform(KEYS[0], (6, 6, 1))
    back = ada.rotation(jnp.float32(np.pi / 2))
    np.testing.assert_allclose(ada.moved(image, back, jnp.zeros(2)), np.rot90(image), atol=1e-5)


def test_images_are_changed_differentiably():
    slope = jax.grad(lambda images: ada.pipe(1.0)(images, KEYS[:3], 0).sum())(IMAGES)
    assert np.isfinite(slope).all() and (np.abs(slope).sum((1, 2, 3)) > 0.1).all()
