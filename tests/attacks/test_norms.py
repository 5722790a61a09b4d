"""Norms of perturbations, by closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.attacks import NORMS, distances

SHAPE = (5, 4, 4, 3)
NUMBERS = jax.random.normal(jax.random.key(0), SHAPE)


def test_distances_of_two_images():
    """0.2 and 0.8 everywhere, 3 × 32 × 32 numbers: L1 is a sum."""
    found = distances(jnp.full((1, 3, 32, 32), 0.2), jnp.full((1, 3, 32, 32), 0.8))
    assert found["linf"] == pytest.approx(0.6)
    assert found["l2"] == pytest.approx(33.255, abs=5e-4)
    assert found["l1"] == pytest.approx(1843.2, rel=1e-5)


@pytest.mark.parametrize(("name", "order"), [("linf", jnp.inf), ("l2", 2)])
def test_sizes_are_those_of_numpy(name, order):
    wanted = np.linalg.norm(np.asarray(NUMBERS).reshape(len(NUMBERS), -1), ord=order, axis=1)
    np.testing.assert_allclose(NORMS[name].size(NUMBERS), wanted, rtol=1e-6)


@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize("scale", [1.0, 1e-8, 1e-30])
def test_the_steepest_has_norm_1_whatever_the_gradient(name, scale):
    steepest = NORMS[name].steepest(NUMBERS * scale)
    np.testing.assert_allclose(NORMS[name].size(steepest), 1, rtol=1e-6)
    np.testing.assert_allclose(steepest, NORMS[name].steepest(NUMBERS), rtol=1e-5)


@pytest.mark.parametrize(("name", "dual"), [("linf", 1), ("l2", 2)])
def test_the_steepest_gains_the_dual_norm(name, dual):
    gained = jnp.sum((NUMBERS * NORMS[name].steepest(NUMBERS)).reshape(len(NUMBERS), -1), axis=1)
    wanted = np.linalg.norm(np.asarray(NUMBERS).reshape(len(NUMBERS), -1), ord=dual, axis=1)
    np.testing.assert_allclose(gained, wanted, rtol=1e-5)


@pytest.mark.parametrize("name", NORMS)
def test_without_a_gradient_there_is_no_step(name):
    assert not NORMS[name].steepest(jnp.zeros(SHAPE)).any()


@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize("epsilon", [0.0, 0.3, 100.0])
def test_projections_are_within_and_leave_alone_what_is(name, epsilon):
    found = NORMS[name].project(NUMBERS, epsilon)
    assert (NORMS[name].size(found) <= epsilon * (1 + 1e-6)).all()
    np.testing.assert_allclose(NORMS[name].project(found, epsilon), found, rtol=1e-6)
    if epsilon == 100:
        np.testing.assert_array_equal(found, NUMBERS)


@pytest.mark.parametrize("name", NORMS)
def test_draws_fill_the_ball(name):
    """Of norms r within a ball of d dimensions the mean of (r / epsilon)^d is a half, for it is uniform."""
    keys = jax.random.split(jax.random.key(1), 4000)
    sizes = NORMS[name].size(NORMS[name].draw(keys, (2, 2, 1), 0.5))
    assert sizes.max() <= 0.5 * (1 + 1e-6)
    assert np.mean((sizes / 0.5) ** 4) == pytest.approx(0.5, abs=0.02)
