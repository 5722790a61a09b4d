import jax
import numpy as np
import pytest
from scipy import stats

from gan_jax.randomness import PRIORS, example_keys, latents

KEY = jax.random.key(3)


# Keys are equal to the last bit; of the numbers drawn by them, compilers may round the last digit otherwise where there
# are more or fewer to compute at once.
ROUNDING = 1e-6


def test_an_examples_noise_does_not_depend_on_the_devices():
    def own(_):
        keys = example_keys(KEY, 2, "data")
        return keys, latents(keys, 5)

    keys, draws = jax.vmap(own, axis_name="data")(np.arange(4))
    assert (example_keys(KEY, 8) == keys.reshape(8)).all()
    np.testing.assert_allclose(latents(example_keys(KEY, 8), 5), draws.reshape(8, 5), rtol=ROUNDING)


def test_an_examples_noise_does_not_depend_on_how_many_there_are():
    assert (example_keys(KEY, 8)[:3] == example_keys(KEY, 3)).all()
    np.testing.assert_allclose(latents(example_keys(KEY, 8), 5)[:3], latents(example_keys(KEY, 3), 5), rtol=ROUNDING)


def test_keys_that_are_one_per_example_stay():
    keys = example_keys(KEY, 4)
    assert (example_keys(keys, 4) == keys).all()


def test_latents_are_standard_normal():
    draws = np.asarray(latents(example_keys(KEY, 4000), 10))
    # Means and variances of 4,000 draws: within 5 standard errors.
    np.testing.assert_allclose(draws.mean(0), 0, atol=5 / np.sqrt(4000))
    np.testing.assert_allclose(draws.var(0), 1, atol=5 * np.sqrt(2 / 4000))
    assert abs(np.corrcoef(draws[:-1, 0], draws[1:, 0])[0, 1]) < 5 / np.sqrt(4000)


@pytest.mark.parametrize(
    "name, bound, expected",
    [
        ("normal", 0.5, stats.truncnorm(-0.5, 0.5)),
        ("normal", 2.0, stats.truncnorm(-2, 2)),
        ("uniform", 0.5, stats.uniform(-0.5, 1)),
        ("uniform", 3.0, stats.uniform(-1, 2)),  # no wider than without a bound
    ],
)
def test_bounded_latents_are_what_is_left_of_the_distribution(name, bound, expected):
    draws = np.asarray(latents(example_keys(KEY, 2000), 4, PRIORS[name], bound)).ravel()
    assert np.abs(draws).max() <= bound
    assert stats.kstest(draws, expected.cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", PRIORS)
def test_a_smaller_bound_keeps_the_order_of_the_draws(name):
    """So an image of the same seed changes gradually."""
    wide, narrow = (latents(example_keys(KEY, 1), 200, PRIORS[name], bound)[0] for bound in (None, 0.3))
    np.testing.assert_array_equal(np.argsort(wide), np.argsort(narrow))
