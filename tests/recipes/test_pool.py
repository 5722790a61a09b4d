"""The pool of images: what it shows, when, and that it is one pool however many devices there are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.recipes import pool

KEY = jax.random.key(0)


def entries(first, count):
    """Numbered ones, each an image and a latent of the same number."""
    numbers = jnp.arange(first, first + count, dtype=jnp.float32)
    return {"image": numbers[:, None, None, None] * jnp.ones((2, 3, 1)), "latent": numbers[:, None]}


def start(size):
    return pool.start(size, jax.tree.map(lambda x: x[0], entries(0, 1)))


def shown(size, batches, batch_size):
    """The numbers that are shown of each batch, and the pool after all."""
    own, found = start(size), []
    through = jax.jit(pool.through)
    for step in range(batches):
        own, out = through(own, entries(step * batch_size, batch_size), jax.random.fold_in(KEY, step))
        np.testing.assert_array_equal(out["image"][:, 1, 2, 0], out["latent"][:, 0])  # what belongs together
        found.append(np.asarray(out["latent"][:, 0]).astype(int))
    np.testing.assert_array_equal(own["stored"]["image"][:, 0, 0, 0], own["stored"]["latent"][:, 0])
    return np.stack(found), own


def test_the_first_come_back_as_they_are():
    found, own = shown(50, 5, 10)
    np.testing.assert_array_equal(found.ravel(), np.arange(50))
    np.testing.assert_array_equal(own["stored"]["latent"][:, 0], np.arange(50))
    assert own["count"] == 50


def test_afterwards_half_are_new():
    found, own = shown(50, 500, 9)
    numbers, given = found.ravel()[50:], np.arange(50, 4500)
    fresh = numbers == given
    assert len(fresh) >= 4000 and np.mean(fresh[:4000]) == pytest.approx(0.5, abs=0.03)
    assert (numbers <= given).all()  # the others were drawn before
    # An entry that was shown when it came was not stored, and one that was stored is shown once more at most.
    old = numbers[~fresh]
    assert len(set(old)) == len(old) and not set(old) & set(numbers[fresh])
    # Any of the 50 may be taken: how long they waited is as of draws by chance, 100 on average.
    assert np.mean((given - numbers)[~fresh][1000:]) == pytest.approx(100, rel=0.15)
    assert own["count"] == 50


@pytest.mark.parametrize("filled", [0, 13])
def test_shares_of_a_batch_go_through_it_as_the_whole(filled):
    own = start(5)
    if filled:
        own, _ = pool.through(own, entries(100, filled), KEY)
    batch = entries(0, 8)
    expected = pool.through(own, batch, KEY)
    shares = jax.tree.map(lambda x: x.reshape(4, 2, *x.shape[1:]), batch)
    mapped = jax.vmap(
        lambda own, x: pool.through(own, x, KEY, "data"), axis_name="data", in_axes=(None, 0), out_axes=(None, 0)
    )
    after, out = mapped(own, shares)
    jax.tree.map(np.testing.assert_array_equal, after, expected[0])
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a.reshape(b.shape), b), out, expected[1])
