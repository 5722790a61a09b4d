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
