import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import games

REAL = np.array([1.3, 2.9, 8.4, 6.3])
FAKE = np.array([4.8, 1.2, -3.5, 5.9])

CROSS_ENTROPY = np.mean(np.log1p(np.exp(-REAL))) + np.mean(np.log1p(np.exp(FAKE)))

# game: (d, g), by hand: with real and fake as above.
CASES = {
    "minmax": (3.1251488, -3.0509911),
    "non_saturating": (3.1251488, 0.9509911),
    "least_squares": (19.76125, 7.3425),
    "wasserstein": (-2.625, -2.1),
    "hinge": (0 + (5.8 + 2.2 + 0 + 6.9) / 4, -2.1),
}


def test_every_game_is_tested():
    assert set(games.GAMES) == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_values(name):
    losses = games.GAMES[name](jnp.asarray(REAL), jnp.asarray(FAKE))
    np.testing.assert_allclose((losses.d, losses.g), CASES[name], rtol=1e-6)


def test_cross_entropy_is_the_sum_of_both_terms():
    np.testing.assert_allclose(games.minmax(jnp.asarray(REAL), jnp.asarray(FAKE)).d, CROSS_ENTROPY, rtol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_gradient_signs(name):
    """At small scores D wants real scores up and fake ones down; G wants fake ones up."""
    real, fake = jnp.array([0.1, 0.4]), jnp.array([-0.2, 0.3])
    d_real, d_fake = jax.grad(lambda r, f: games.GAMES[name](r, f).d, argnums=(0, 1))(real, fake)
    g_fake = jax.grad(lambda f: games.GAMES[name](real, f).g)(fake)
    if name == "least_squares":  # pulls fake scores to 0 in D's loss, from either side
        np.testing.assert_allclose(d_fake, fake / 2, rtol=1e-6)
    else:
        assert (d_fake > 0).all()
    assert (d_real < 0).all()
    assert (g_fake < 0).all()


@pytest.mark.parametrize("name", CASES)
def test_a_map_of_scores_counts_like_a_list(name):
    flat = games.GAMES[name](jnp.asarray(REAL), jnp.asarray(FAKE))
    patches = games.GAMES[name](jnp.asarray(REAL).reshape(2, 1, 2), jnp.asarray(FAKE).reshape(2, 1, 2))
    np.testing.assert_allclose(patches, flat, rtol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_shapes_that_would_broadcast_raise(name):
    with pytest.raises(ValueError, match=r"\(4, 1\) and \(4,\)"):
        games.GAMES[name](jnp.zeros((4, 1)), jnp.zeros(4))


@pytest.mark.parametrize("name", ["minmax", "non_saturating"])
def test_large_scores_stay_finite(name):
    losses = games.GAMES[name](jnp.array([1e4, -1e4]), jnp.array([-1e4, 1e4]))
    np.testing.assert_allclose(losses.d, 1e4, rtol=1e-6)
    assert np.isfinite(losses.g)


def test_minmax_saturates_where_non_saturating_does_not():
    fake = jnp.array([-20.0])  # D is sure that it is fake
    slopes = [jax.grad(lambda f: game(fake, f).g)(fake)[0] for game in (games.minmax, games.non_saturating)]
    assert abs(slopes[0]) < 1e-8
    np.testing.assert_allclose(slopes[1], -1, rtol=1e-6)
