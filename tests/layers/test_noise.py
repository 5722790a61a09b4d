import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.layers.noise import Dropout

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
