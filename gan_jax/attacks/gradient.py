"""Attacks that climb a classifier's loss.

fgsm: one step (Goodfellow et al. 2015, arXiv:1412.6572, section 4). bim: small steps from the image (Kurakin et al. 2017,
arXiv:1607.02533, section 2.2). pgd: the same from random starts, several times over (Madry et al. 2018, arXiv:1706.06083, section
2.1). Each step is the steepest of its length by the norm; then what left the ball is projected onto it, and then what left
the images' bounds is clipped.

`classify` takes images [B, H, W, C] in the bounds of the threat, and gives logits [B, K]; whatever normalises images is part of it.
The loss is the cross-entropy of the labels. By labels of None an attack leads away from what the classifier says of the images: a
single step by the true ones can tell it what they are (Kurakin et al. 2017, arXiv:1611.01236, section 4.3: label leaking).
"""

from collections.abc import Callable
from functools import lru_cache

import jax
import jax.numpy as jnp
import optax

from gan_jax.attacks.threat import Threat, require_images, require_labels, require_logits
from gan_jax.randomness import Key, example_keys, other_keys

Array = jax.Array
Classify = Callable[[Array], Array]
Predict = Callable[[Array], Array]  # images -> labels


@lru_cache(maxsize=8)
def predictor(classify: Classify) -> Predict:
    """What a classifier says, by its logits. Compiled once."""
    return jax.jit(lambda images: jnp.argmax(classify(images), axis=-1))


def losses(classify: Classify, images: Array, labels: Array) -> Array:
    """The cross-entropies [B] of labels [B] in what a classifier says of images."""
    return optax.softmax_cross_entropy_with_integer_labels(classify(images), labels)


def gradients(classify: Classify, images: Array, labels: Array) -> Array:
    """Of each image's loss by the image, [B, H, W, C]."""
    return jax.grad(lambda images: jnp.sum(losses(classify, images, labels)))(images)


def step(
    classify: Classify, threat: Threat, found: Array, images: Array, labels: Array, size: float, targeted: bool = False
) -> Array:
    """A step of an attack, from what was found of images so far: the steepest of its length, projected, clipped. Traceable."""
    direction = threat.of.steepest(gradients(classify, found, labels))
    return threat.within(found + (-size if targeted else size) * direction, images)


def start(threat: Threat, images: Array, keys: Key) -> Array:
    """A random one of the images within the threat, each by its own key [B]. Traceable."""
    return threat.within(images + threat.of.draw(keys, images.shape[1:], threat.epsilon), images)


def fgsm(classify: Classify, images: Array, labels: Array | None, threat: Threat, *, targeted: bool = False) -> Array:
    """Images [B, H, W, C] after one step of length epsilon, away from their labels; towards them if targeted.

    Raises ValueError, as all attacks here, unless images are within the threat's bounds, labels whole numbers [B], and `classify`
    gives logits; or if there are no labels to go towards.
    """
    return bim(classify, images, labels, threat, steps=1, step_size=threat.epsilon, targeted=targeted)


def bim(
    classify: Classify,
    images: Array,
    labels: Array | None,
    threat: Threat,
    *,
    steps: int,
    step_size: float,
    targeted: bool = False,
) -> Array:
    """Images after so many steps of this length from themselves. Raises as `fgsm`."""
    images, labels = _checked(classify, images, labels, threat, targeted)
    return _climb(classify, threat, images, images, labels, steps, step_size, targeted)


def pgd(
    classify: Classify,
    images: Array,
    labels: Array | None,
    key: Key,
    threat: Threat,
    *,
    steps: int,
    step_size: float,
    restarts: int = 1,
    targeted: bool = False,
) -> Array:
    """Images after so many steps of this length from random starts: of each the first that succeeds, otherwise the last.

    So a classifier that is right about what this returns was right after all restarts.

    Args: key: one key, of which each image's are made, or one for each image [B]. Raises as `fgsm`, or if restarts < 1.
    """
    if restarts < 1:
        raise ValueError(f"restarts={restarts}: must be at least 1")
    images, labels = _checked(classify, images, labels, threat, targeted)
    keys, found, succeeded = example_keys(key, len(images)), images, jnp.zeros(len(images), bool)
    for number in range(restarts):
        begin = start(threat, images, other_keys(keys, number))
        now = _climb(classify, threat, begin, images, labels, steps, step_size, targeted)
        found = jnp.where(succeeded[:, None, None, None], found, now)
        succeeded |= (predictor(classify)(found) == labels) == targeted
        if succeeded.all():
            break
    return found


def _climb(
    classify: Classify,
    threat: Threat,
    found: Array,
    images: Array,
    labels: Array,
    steps: int,
    step_size: float,
    targeted: bool,
) -> Array:
    """So many steps, each a call: in a loop of XLA's own, convolutions are many times slower on a CPU."""
    advance = _jitted(classify, threat, targeted)
    for _ in range(steps):
        found = advance(found, images, labels, step_size)
    return found


def _checked(
    classify: Classify, images: Array, labels: Array | None, threat: Threat, targeted: bool
) -> tuple[Array, Array]:
    """Images in float32 and labels as they are to be. Raises as `fgsm`."""
    require_images(images, threat)
    images = jnp.asarray(images, jnp.float32)
    logits = jax.jit(classify)(images)
    require_logits(logits, len(images))
    if labels is None:
        if targeted:
            raise ValueError("labels=None: a targeted attack needs the labels that it goes towards")
        return images, jnp.argmax(logits, axis=-1)
    labels = jnp.asarray(labels)
    require_labels(labels, len(images))
    return images, labels


@lru_cache(maxsize=8)  # the attacks on a classifier are compiled once
def _jitted(classify: Classify, threat: Threat, targeted: bool) -> Callable[[Array, Array, Array, float], Array]:
    return jax.jit(lambda found, images, labels, size: step(classify, threat, found, images, labels, size, targeted))
