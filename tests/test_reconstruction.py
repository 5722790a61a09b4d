"""Losses of reconstruction, against closed forms and other libraries."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import stats

from gan_jax import reconstruction

RANDOM = np.random.RandomState(0)
LOGITS, PIXELS = RANDOM.normal(size=(3, 4, 5, 1)), RANDOM.uniform(size=(3, 4, 5, 1))


def test_bernoulli_is_minus_the_log_probability_of_coins():
    coins = (PIXELS > 0.5).astype(int)
    expected = -stats.bernoulli.logpmf(coins, 1 / (1 + np.exp(-LOGITS))).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(reconstruction.bernoulli(LOGITS, coins), expected, rtol=1e-5)
    gray = optax.sigmoid_binary_cross_entropy(jnp.asarray(LOGITS), PIXELS).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(reconstruction.bernoulli(LOGITS, PIXELS), gray, rtol=1e-5)


def test_bernoulli_s_slope_is_the_error():
    slope = jax.grad(lambda logits: reconstruction.bernoulli(logits, PIXELS).sum())(jnp.asarray(LOGITS))
    np.testing.assert_allclose(slope, jax.nn.sigmoid(LOGITS) - PIXELS, rtol=1e-4, atol=1e-6)


def test_gaussian_is_minus_the_log_density():
    expected = -stats.norm.logpdf(PIXELS, LOGITS, 0.3).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(reconstruction.gaussian(LOGITS, PIXELS, 0.3), expected, rtol=1e-5)


def test_the_kl_is_zero_for_the_prior_itself():
    zeros = jnp.zeros((2, 3))
    np.testing.assert_array_equal(reconstruction.kl_from_normal(zeros, zeros), [0, 0])
    np.testing.assert_allclose(reconstruction.kl_from_normal(zeros + 2, zeros), [6, 6])  # ½ · 3 · 2²
    slopes = jax.grad(lambda m, v: reconstruction.kl_from_normal(m, v).sum(), argnums=(0, 1))(zeros, zeros)
    np.testing.assert_array_equal(slopes, np.zeros((2, 2, 3)))


def test_the_kl_is_what_sampling_finds():
    mean, log_variance = np.array([[0.5, -1.0, 2.0]]), np.array([[0.3, -2.0, -0.5]])
    deviation = np.exp(log_variance / 2)
    z = mean + deviation * RANDOM.normal(size=(200_000, 3))
    ratio = stats.norm.logpdf(z, mean, deviation) - stats.norm.logpdf(z)
    found = ratio.sum(axis=1)
    expected = reconstruction.kl_from_normal(mean, log_variance)[0]
    np.testing.assert_allclose(found.mean(), expected, atol=4 * found.std() / len(z) ** 0.5)


@pytest.mark.parametrize("loss", [reconstruction.bernoulli, reconstruction.kl_from_normal])
def test_shapes_that_differ_raise(loss):
    with pytest.raises(ValueError, match=r"equal shape, got \(2, 3\) and \(3, 3\)"):
        loss(jnp.ones((2, 3)), jnp.ones((3, 3)))
    with pytest.raises(ValueError, match="equal shape"):
        reconstruction.gaussian(jnp.ones((2, 1)), jnp.ones(2), 1.0)
