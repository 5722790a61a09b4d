"""Measures inside a step that show whether a GAN is well; cheap enough for every step. `training.diagnostics` watches them."""

import jax
import jax.numpy as jnp

from gan_jax.devices import batch_mean

Array = jax.Array


def accuracies(real_scores: Array, fake_scores: Array, axis_name: str | None = None) -> dict[str, Array]:
    """D's accuracy on real and on fake images, in [0, 1]: {"real_accuracy", "fake_accuracy"}; 0.5 is chance.

    A score counts as "real" above the midpoint between the means of both batches, so that the measure is right for
    critics too, whose scores have no zero. A score on the midpoint counts half.

    Args:
      real_scores, fake_scores: raw, [B, ...].
      axis_name: the mapped axis over which the batch is spread. The results are means over this device's scores.
    """
    middle = (batch_mean(real_scores, axis_name) + batch_mean(fake_scores, axis_name)) / 2
    above = lambda scores: (jnp.mean(scores > middle) + jnp.mean(scores >= middle)) / 2
    return {"real_accuracy": above(real_scores), "fake_accuracy": 1 - above(fake_scores)}


def spread(images: Array, axis_name: str | None = None) -> Array:
    """How much images [B, ...] differ from one another: the root of their pixels' mean variance over the batch (ddof 0)."""
    deviations = images - batch_mean(images, axis_name, axis=0)
    return jnp.sqrt(batch_mean(deviations**2, axis_name))


def relative_spread(fake: Array, real: Array, axis_name: str | None = None) -> Array:
    """The spread of fake images over that of real ones; finite for data that are all alike."""
    return spread(fake, axis_name) / jnp.maximum(spread(real, axis_name), 1e-6)
