"""Noise that knows nothing of the classifier, to compare attacks with."""

import jax
import jax.numpy as jnp

from gan_jax.attacks.gradient import start
from gan_jax.attacks.threat import Threat, require_images
from gan_jax.randomness import Key, example_keys

Array = jax.Array


def gaussian_noise(
    images: Array, key: Key, mean: float, deviation: float, *, low: float = 0.0, high: float = 1.0
) -> Array:
    """Images [B, H, W, C] with normal numbers added, clipped to the bounds; `mean` and `deviation` in the images' units.

    Args: key: one key, of which each image's are made, or one for each image [B].
    Raises ValueError for a deviation below 0, or images outside of the bounds.
    """
    if not deviation >= 0:
        raise ValueError(f"deviation={deviation}: must be at least 0")
    require_images(images, Threat(0.0, low=low, high=high))
    keys = example_keys(key, len(images))
    noise = jax.vmap(lambda key: jax.random.normal(key, images.shape[1:]))(keys)
    return jnp.clip(images + mean + deviation * noise, low, high)


def uniform_noise(images: Array, key: Key, threat: Threat) -> Array:
    """A random one of the images within a threat, as an attack by gradients starts from. Args: key: as `gaussian_noise`'s."""
    require_images(images, threat)
    return start(threat, images, example_keys(key, len(images)))
