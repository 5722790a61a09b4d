"""A generator as a classifier's defence: it sees the nearest image that the generator draws; and what attacks that.

The defence: Samangouei et al. 2018 (arXiv:1805.06605, Defense-GAN): G(z*), z* the latent of the least squared error. The attack on
it: Athalye et al. 2018 (arXiv:1802.00420, sections 4.1 and 5.4): steps along the gradient at the nearest image, as though that were
the image itself (BPDA). Over latents: Jalal et al. 2017 (arXiv:1712.09196, section 4): images that the generator draws, within the
threat, which it does not change.
"""

from collections.abc import Callable
from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from gan_jax.attacks import Threat
from gan_jax.attacks.gradient import Classify, gradients, losses, start
from gan_jax.latents import inversion, paths
from gan_jax.latents.model import Model
from gan_jax.latents.paths import SearchConfig
from gan_jax.randomness import Key

Array = jax.Array
Project = Callable[
    [np.ndarray], tuple[np.ndarray, np.ndarray]
]  # images in [0, 1] -> the nearest drawn; their latents [N, d]
OUTSIDE = 100.0  # what a mean square of what is outside the threat weighs in the attack over latents
ASCENT_RATE = 0.05  # of its steps


def defence(model: Model, search: SearchConfig) -> Project:
    """Images [N, H, W, C] in [0, 1] -> (the nearest that are drawn; their latents [N, d])."""
    invert = paths.inverter(model, search)

    def project(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        latents = invert(2 * np.asarray(images, np.float32) - 1).latents
        return _unit(model.render(latents)), latents

    return project


def bpda(
    classify: Classify,
    project: Callable[[np.ndarray], np.ndarray],
    images: np.ndarray,
    labels: np.ndarray,
    keys: Key,
    threat: Threat,
    *,
    steps: int,
    step_size: float,
) -> np.ndarray:
    """Images within a threat, of each the first that misleads the defended classifier; of others the last.

    Args: project: the defence, images [N, H, W, C] in [0, 1] -> the nearest that are drawn; keys: [N].
    """
    look = _steepest(classify, threat)
    now = found = start(threat, jnp.asarray(images), keys)
    standing = np.ones(len(images), bool)
    for _ in tqdm(range(steps + 1), desc="through the defence", unit="step", leave=False, dynamic_ncols=True):
        said, direction = look(project(np.asarray(now)), labels)
        found = jnp.where(standing[:, None, None, None], now, found)
        standing &= np.asarray(said) == labels
        if not standing.any():
            break
        now = threat.within(now + step_size * direction, images)
    return np.asarray(found)


def over_latents(
    model: Model,
    classify: Classify,
    images: np.ndarray,
    labels: np.ndarray,
    latents: np.ndarray,
    threat: Threat,
    *,
    steps: int,
) -> np.ndarray:
    """Images within a threat, near images that are drawn and mislead the classifier. Args: latents: of the images, [N, d]."""
    x, y = jnp.asarray(images), jnp.asarray(labels)
    loss, look = _misleading(model, classify, threat)
    descent = inversion.descend(
        loss, jnp.asarray(latents), inversion.PROJECTIONS[model.prior], steps=steps, rate=ASCENT_RATE, given=(x, y)
    )
    found, succeeded = images, jnp.zeros(len(images), bool)
    for each, _ in descent:
        near, misled = look(each, x, y)
        found = jnp.where((misled | ~succeeded)[:, None, None, None], near, found)
        succeeded |= misled
    return np.asarray(found)


@lru_cache(maxsize=8)  # of some images after others, the attacks are compiled once
def _steepest(classify: Classify, threat: Threat) -> Callable[[Array, Array], tuple[Array, Array]]:
    """(images, labels) -> (what the classifier says of them, the steepest step away from the labels)."""
    return jax.jit(lambda x, y: (jnp.argmax(classify(x), axis=-1), threat.of.steepest(gradients(classify, x, y))))


@lru_cache(maxsize=8)
def _misleading(model: Model, classify: Classify, threat: Threat) -> tuple[inversion.Loss, Callable]:
    """Of latents, images and labels: the loss that falls towards the attack; (images within the threat, whether they mislead)."""

    def loss(latents: Array, x: Array, y: Array) -> Array:
        drawn = _unit(model.generate(latents))
        outside = drawn - threat.within(drawn, x)
        return OUTSIDE * jnp.mean(outside**2, axis=(1, 2, 3)) - losses(classify, drawn, y)

    @jax.jit
    def look(latents: Array, x: Array, y: Array) -> tuple[Array, Array]:
        near = threat.within(_unit(model.generate(latents)), x)
        return near, jnp.argmax(classify(near), axis=-1) != y

    return loss, look


def _unit(images: Array) -> Array:
    """Images of [-1, 1] in [0, 1]."""
    return (images + 1) / 2
