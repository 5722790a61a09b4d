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


def maps(p):
    """Of 2,000 images of 64×32 pixels each change's matrices and shifts."""
    return [
        tuple(map(np.asarray, each))
        for each in jax.jit(jax.vmap(lambda key: ada.geometry(key, jnp.array([64, 32]), p)))(KEYS)
    ]


def test_each_geometric_change_is_of_its_kind_and_strength():
    mirror, quarter, whole, scale, first, stretch, second, fraction = maps(1.0)
    still = lambda each: not np.any(each[1])
    assert all(map(still, (mirror, quarter, scale, first, stretch, second)))
    assert abs((mirror[0][:, 1, 1] == -1).mean() - 0.5) < 0.04 and (mirror[0][:, 0, 0] == 1).all()
    turns = np.round(np.arctan2(quarter[0][:, 0, 1], quarter[0][:, 0, 0]) / (np.pi / 2)) % 4
    np.testing.assert_allclose(np.bincount(turns.astype(int)) / 2000, 0.25, atol=0.04)
    np.testing.assert_array_equal(whole[1], np.round(whole[1]))
    np.testing.assert_array_equal(np.abs(whole[1]).max(0), [8, 4])
    np.testing.assert_allclose(whole[1].std(0), np.array([16, 8]) / np.sqrt(12), rtol=0.06)
    np.testing.assert_allclose(np.log2(scale[0][:, 0, 0]).std(), 0.2, rtol=0.06)
    np.testing.assert_array_equal(scale[0][:, 0, 0], scale[0][:, 1, 1])
    for rotation in (first, second):
        angles = np.arctan2(rotation[0][:, 0, 1], rotation[0][:, 0, 0])
        np.testing.assert_allclose(angles.std(), np.pi / np.sqrt(3), rtol=0.06)
        np.testing.assert_allclose(np.linalg.det(rotation[0]), 1, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.det(stretch[0]), 1, rtol=1e-5)
    np.testing.assert_allclose(np.log2(stretch[0][:, 1, 1]).std(), 0.2, rtol=0.06)
    np.testing.assert_allclose(fraction[1].std(0), [8, 4], rtol=0.06)


@pytest.mark.parametrize("p", [0.3, 0.8])
def test_each_geometric_change_happens_as_often_as_p_says(p):
    happened = np.array(
        [(np.abs(m - np.eye(2)).max((1, 2)) > 1e-6) | (np.abs(shift).max(1) > 1e-6) for m, shift in maps(p)]
    )
    often = happened.mean(1)
    either = 1 - np.sqrt(1 - p)
    # A quarter of turns are none, and few moves by whole pixels.
    expected = [p / 2, 0.75 * p, p * (1 - 1 / 16 / 8), p, either, p, either, p]
    np.testing.assert_allclose(often, expected, atol=0.04)
    np.testing.assert_allclose((happened[4] | happened[6]).mean(), p, atol=0.04)


def test_maps_are_composed_in_order():
    """By the place of one pixel: the last map is applied to it first."""
    a = (jnp.array([[0.0, 1.0], [2.0, 0.0]]), jnp.array([1.0, 0.0]))
    b = (jnp.array([[3.0, 0.0], [0.0, 1.0]]), jnp.array([0.0, 5.0]))
    matrix, shift = ada.composed([a, b])
    place = jnp.array([1.0, 2.0])
    np.testing.assert_allclose(matrix @ place + shift, a[0] @ (b[0] @ place + b[1]) + a[1])


def test_squares_are_cut_out_and_colours_changed_less_where_that_is_asked_for():
    images = jnp.full((2000, 8, 8, 3), 0.5)  # which no geometry changes
    seen = np.asarray(jax.jit(ada.pipe(0.5, colours=0.0, cutout=0.8))(images, KEYS, 0))
    cut = (seen == 0).any((1, 2, 3))
    assert abs(cut.mean() - 0.4) < 0.04
    np.testing.assert_allclose(seen[~cut], 0.5, atol=1e-5)


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
