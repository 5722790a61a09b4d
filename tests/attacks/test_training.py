"""Adversaries of robust training, on a linear classifier whose loss rises with every number of an image."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.attacks import Threat
from gan_jax.attacks.training import of_kind

THREAT = Threat(0.4, low=-1, high=1)
BLACK = jnp.full((8, 10, 10, 1), -1.0)
LABELS = jnp.zeros(8, jnp.int32)
KEYS = jax.random.split(jax.random.key(0), 8)


def brighter(images):
    """Logits of two classes, of which the first is the less likely the brighter an image is."""
    total = images.sum(axis=(1, 2, 3))
    return jnp.stack([-total, total], axis=1) / 100


def darker(images):
    return -brighter(images)


def test_one_step_from_a_random_start_ends_where_it_leads():
    """A start is uniform in ±epsilon, the step 1.25 epsilon: 3 of 8 end inside the ball, evenly, the others at its edge.

    Were starts clipped to the images' bounds first, all of black pixels would end at the edge.
    """
    changed = np.asarray(of_kind("fgsm_rs", THREAT)(brighter, BLACK, LABELS, KEYS) - BLACK) / 0.4
    inside = changed[changed < 1 - 1e-4]
    assert abs(len(inside) / changed.size - 0.375) < 0.04
    assert inside.min() >= 0.25 - 1e-4 and abs(inside.mean() - 0.625) < 0.03
    assert changed.max() <= 1 + 1e-5


def test_what_would_leave_the_bounds_is_clipped():
    changed = of_kind("fgsm_rs", THREAT)(darker, BLACK, LABELS, KEYS) - BLACK
    np.testing.assert_array_equal(
        changed, 0
    )  # from wherever it starts, the step is longer than what leads back to black


def test_several_steps_reach_the_edge():
    """Seven of 2.5 / 7 epsilon go further than from one edge to the other."""
    changed = np.asarray(of_kind("pgd", THREAT)(brighter, BLACK, LABELS, KEYS) - BLACK)
    np.testing.assert_allclose(changed, 0.4, atol=1e-6)
