import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import views
from gan_jax.randomness import example_keys

KEYS = example_keys(jax.random.key(0), 2000)


@pytest.mark.parametrize("step, expected", [(0, 0.4), (25, 0.3), (100, 0.0), (500, 0.0)])
def test_instance_noise_falls_linearly(step, expected):
    view = views.instance_noise(0.4, 100)
    noise = view(jnp.ones((2000, 5)), KEYS, jnp.int32(step)) - 1
    np.testing.assert_allclose(noise.std(), expected, rtol=0.03, atol=1e-9)
    np.testing.assert_allclose(noise.mean(), 0, atol=0.02)


def test_g_learns_through_the_noise():
    view = views.instance_noise(0.4, 100)
    slope = jax.grad(lambda x: view(x, KEYS[:3], jnp.int32(0)).sum())(jnp.ones((3, 4)))
    np.testing.assert_array_equal(slope, jnp.ones((3, 4)))


def test_a_chain_of_no_view_shows_the_images_as_they_are():
    images = jnp.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(views.chain()(images, KEYS[:3], jnp.int32(7)), images)


def test_a_chain_has_its_views_in_order_and_tells_them_the_step():
    add = lambda images, keys, step: images + step
    double = lambda images, keys, step: 2 * images
    images = jnp.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(views.chain(add, double)(images, KEYS[:3], jnp.int32(7)), 2 * (images + 7))
    np.testing.assert_array_equal(views.chain(double, add)(images, KEYS[:3], jnp.int32(7)), 2 * images + 7)


def test_views_in_a_chain_have_noise_of_their_own():
    """Noise of deviations 3 and 4 adds up to 5; the same noise twice would be of 7."""
    view = views.chain(views.instance_noise(3.0, 100), views.instance_noise(4.0, 100))
    seen = view(jnp.zeros((2000, 5)), KEYS, jnp.int32(0))
    np.testing.assert_allclose(seen.std(), 5, rtol=0.03)


def test_noise_in_a_chain_belongs_to_the_example():
    view = jax.jit(views.chain(views.instance_noise(0.3, 100), views.instance_noise(0.4, 100)))
    whole = view(jnp.zeros((6, 2)), KEYS[:6], jnp.int32(0))
    turned = view(jnp.zeros((6, 2)), KEYS[5::-1], jnp.int32(0))
    np.testing.assert_array_equal(turned, whole[::-1])
    assert len(np.unique(whole)) == 12


def test_packs_are_consecutive_images_side_by_side_in_the_channels():
    images = jnp.arange(4 * 2 * 2 * 3).reshape(4, 2, 2, 3)
    packs = views.pack(images, 2)
    assert packs.shape == (2, 2, 2, 6)
    np.testing.assert_array_equal(packs[1, ..., :3], images[2])
    np.testing.assert_array_equal(packs[1, ..., 3:], images[3])
    np.testing.assert_array_equal(views.pack(images, 1), images)
    np.testing.assert_array_equal(views.pack(jnp.arange(8.0).reshape(4, 2), 2), [[0, 1, 2, 3], [4, 5, 6, 7]])


def test_packs_that_do_not_divide_the_batch_raise():
    with pytest.raises(ValueError, match="packs of 3 do not divide a batch of 4"):
        views.pack(jnp.zeros((4, 2)), 3)
