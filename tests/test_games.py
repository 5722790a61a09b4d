import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import games
from gan_jax.randomness import example_keys

REAL = np.array([1.3, 2.9, 8.4, 6.3])
FAKE = np.array([4.8, 1.2, -3.5, 5.9])

CROSS_ENTROPY = np.mean(np.log1p(np.exp(-REAL))) + np.mean(np.log1p(np.exp(FAKE)))

# game: (d, g), by hand: with real and fake as above.
log_sigmoid = lambda x: -np.log1p(np.exp(-x))
A, B = REAL - FAKE.mean(), FAKE - REAL.mean()
CASES = {
    "minmax": (3.1251488, -3.0509911),
    "non_saturating": (3.1251488, 0.9509911),
    "least_squares": (19.76125, 7.3425),
    "wasserstein": (-2.625, -2.1),
    "hinge": (0 + (5.8 + 2.2 + 0 + 6.9) / 4, -2.1),
    "relativistic": (-np.mean(log_sigmoid(REAL - FAKE)), -np.mean(log_sigmoid(FAKE - REAL))),
    "relativistic_average": (
        -np.mean(log_sigmoid(A)) - np.mean(log_sigmoid(-B)),
        -np.mean(log_sigmoid(B)) - np.mean(log_sigmoid(-A)),
    ),
}


def test_every_game_is_tested():
    for name in games.GAMES:
        assert name in CASES, f"add CASES[{name!r}] in tests/test_games.py: (d, g) of REAL and FAKE, worked out by hand"
    assert set(CASES) == set(games.GAMES)


@pytest.mark.parametrize("name", CASES)
def test_values(name):
    losses = games.GAMES[name](jnp.asarray(REAL), jnp.asarray(FAKE))
    np.testing.assert_allclose((losses.d, losses.g), CASES[name], rtol=1e-6)


def test_relativistic_golden_values():
    """Worked out elsewhere, with mean reductions."""
    fake = jnp.array([10, 4.4, -5.5, 3.6])
    losses = games.relativistic(jnp.array([-5, 1.4, 12.5, 2.7]), fake)
    np.testing.assert_allclose(losses, (4.822435, 4.597435), rtol=1e-6)
    losses = games.relativistic_average(jnp.array([-2, 0.4, 12.5, 2.7]), fake)
    np.testing.assert_allclose(losses, (4.390114, 4.9401135), rtol=1e-6)


@pytest.mark.parametrize("name", ["relativistic", "relativistic_average"])
def test_relativistic_games_do_not_see_a_shift(name):
    """Only differences of scores count."""
    game = games.GAMES[name]
    np.testing.assert_allclose(game(REAL + 7.0, FAKE + 7.0), game(jnp.asarray(REAL), jnp.asarray(FAKE)), rtol=1e-5)


def test_relativistic_average_is_of_the_whole_batch():
    whole = games.relativistic_average(jnp.asarray(REAL), jnp.asarray(FAKE))
    shares = jax.vmap(
        lambda r, f: jax.lax.pmean(games.relativistic_average(r, f, axis_name="data"), "data"), axis_name="data"
    )(REAL.reshape(2, 2), FAKE.reshape(2, 2))
    np.testing.assert_allclose([loss[0] for loss in shares], whole, rtol=1e-6)


@pytest.mark.parametrize("name", ["minmax", "non_saturating"])
@pytest.mark.parametrize("real_target, fake_target", [(1.0, 0.0), (0.9, 0.0), (0.9, 0.1)])
def test_soft_labels(name, real_target, fake_target):
    """Binary cross-entropy against the target, by its definition; G's loss is unchanged."""
    game = games.GAMES[name]
    plain = game(jnp.asarray(REAL), jnp.asarray(FAKE))
    losses = game(jnp.asarray(REAL), jnp.asarray(FAKE), real_target=real_target, fake_target=fake_target)
    bce = lambda x, t: -np.mean(t * log_sigmoid(x) + (1 - t) * log_sigmoid(-x))
    np.testing.assert_allclose(losses.d, bce(REAL, real_target) + bce(FAKE, fake_target), rtol=1e-6)
    assert losses.g == plain.g


def test_soft_labels_hold_d_at_the_target():
    """The best score for a real image is the logit of its target, where D says 0.9."""
    slope = jax.grad(lambda r: games.non_saturating(r, r, real_target=0.9, fake_target=0.9).d)(jnp.log(9.0)[None])
    np.testing.assert_allclose(slope, 0, atol=1e-6)


def test_swapped_labels():
    """A pair changes sides as a whole, in the fraction asked for, by its own key."""
    keys = example_keys(jax.random.key(0), 10_000)
    real, fake = jnp.arange(10_000.0), -jnp.arange(10_000.0) - 1
    r, f = games.swap_labels(real, fake, keys, 0.1)
    swapped = np.asarray(r != real)
    np.testing.assert_array_equal(swapped, f != fake)
    np.testing.assert_array_equal(r[swapped], fake[swapped])
    np.testing.assert_array_equal(f[swapped], real[swapped])
    assert abs(swapped.mean() - 0.1) < 3 * np.sqrt(0.1 * 0.9 / 10_000)
    again = games.swap_labels(real[5000:], fake[5000:], keys[5000:], 0.1)
    np.testing.assert_array_equal(again[0], r[5000:])
    everything = games.swap_labels(real.reshape(-1, 1), fake.reshape(-1, 1), keys, 1.0)
    np.testing.assert_array_equal(everything[0][:, 0], fake)
    assert games.swap_labels(real, fake, keys, 0.0)[0] is real


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
