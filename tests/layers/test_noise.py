import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.layers.noise import Dropout, GaussianNoise

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

KEY = jax.random.key(0)


def test_dropout_keeps_the_mean_and_drops_the_rate():
    x = jnp.full((200, 50), 2.0)
    out = np.asarray(Dropout(0.3).apply({}, x, train=True, rngs={"noise": KEY}))
    assert set(np.unique(out).tolist()) == {0.0, float(np.float32(2 / 0.7))}
    np.testing.assert_allclose((out == 0).mean(), 0.3, atol=3 * np.sqrt(0.21 / x.size))
    masks = {tuple(row) for row in (out == 0)}
    assert len(masks) == 200  # each example has its own


def test_dropout_is_off_outside_of_training():
    x = jnp.ones((2, 3))
    assert Dropout(0.3).apply({}, x, train=False) is x
    assert Dropout(0.0).apply({}, x, train=True) is x


def test_the_mask_follows_the_example():
    x = jnp.ones((8, 5))
    whole = Dropout(0.5).apply({}, x, train=True, rngs={"noise": KEY})
    share = lambda x: Dropout(0.5, "data").apply({}, x, train=True, rngs={"noise": KEY})
    np.testing.assert_array_equal(jax.vmap(share, axis_name="data")(x.reshape(4, 2, 5)).reshape(8, 5), whole)


def test_gaussian_noise_keeps_the_mean_and_has_the_deviation():
    x = jnp.full((200, 50), 2.0)
    noise = np.asarray(GaussianNoise(0.3).apply({}, x, train=True, rngs={"noise": KEY})) - 2
    np.testing.assert_allclose(noise.mean(), 0, atol=3 * 0.3 / np.sqrt(x.size))
    np.testing.assert_allclose(noise.std(), 0.3, rtol=3 / np.sqrt(2 * x.size))
    np.testing.assert_allclose((noise**4).mean(), 3 * 0.3**4, rtol=0.15)  # which a normal distribution has
    assert len(np.unique(noise[:, 0])) == 200  # each example has its own


def test_gaussian_noise_is_off_outside_of_training():
    x = jnp.ones((2, 3))
    assert GaussianNoise(0.3).apply({}, x, train=False) is x
    assert GaussianNoise(0.0).apply({}, x, train=True) is x


def test_gaussian_noise_follows_the_example():
    x = jnp.arange(40.0).reshape(8, 5)
    whole = GaussianNoise(0.5).apply({}, x, train=True, rngs={"noise": KEY})
    share = lambda x: GaussianNoise(0.5, "data").apply({}, x, train=True, rngs={"noise": KEY})
    shares = jax.vmap(share, axis_name="data")(x.reshape(4, 2, 5)).reshape(8, 5)
    np.testing.assert_allclose(shares, whole, atol=1e-6)  # compilers may round otherwise in another shape
