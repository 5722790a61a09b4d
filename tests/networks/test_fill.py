"""Holes filled from around: what Laplace's equation says, and that nothing of a hole remains."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.evaluation import baselines
from gan_jax.networks.fill import filled

SIDE = 16


def hole(rows=slice(6, 10), columns=slice(5, 9), side=SIDE):
    return jnp.zeros((1, side, side, 1), bool).at[:, rows, columns].set(True)


@pytest.mark.parametrize("side", [16, 15, 12])
def test_planes_are_their_own_continuation(side):
    """A linear image solves Laplace's equation."""
    y, x = jnp.mgrid[:side, :side] / side
    image = jnp.stack([0.5 * x - 0.2 * y, jnp.full_like(x, 0.3)], axis=-1)[None]
    found = filled(jnp.where(hole(side=side), 9.0, image), hole(side=side))
    np.testing.assert_allclose(found, image, atol=1e-3)


def test_it_is_near_the_baseline_that_solves_the_equation():
    pixels = np.asarray(jax.random.randint(jax.random.key(0), (1, SIDE, SIDE, 3), 0, 256), np.uint8)
    mask = np.asarray(hole())
    expected = baselines.diffusion({"image": pixels, "mask": mask}, pixels.shape[1:])
    np.testing.assert_allclose(filled(jnp.float32(pixels), mask), expected, atol=1.5)


def test_what_is_there_stays_to_the_bit_and_what_is_in_the_hole_changes_nothing():
    image = jax.random.uniform(jax.random.key(1), (1, SIDE, SIDE, 3), minval=-1)
    found, other = (filled(jnp.where(hole(), value, image), hole()) for value in (0.0, jnp.nan))
    np.testing.assert_array_equal(found, other)
    np.testing.assert_array_equal(jnp.where(hole(), 0, found), jnp.where(hole(), 0, image))


def test_where_nothing_is_known_or_missing():
    image, everywhere = jnp.ones((1, SIDE, SIDE, 1)), jnp.ones((1, SIDE, SIDE, 1), bool)
    np.testing.assert_array_equal(filled(image, everywhere), jnp.zeros_like(image))
    np.testing.assert_array_equal(filled(image, ~everywhere), image)
