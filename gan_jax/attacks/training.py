"""What a classifier is shown of its training images by an adversary who knows it: robust training.

Madry et al. 2018 (arXiv:1706.06083, equation 2.1): minimise the greatest loss within the threat. pgd looks for it by several steps,
fgsm_rs by a single one from a random start, which is enough if the start is random (Wong et al. 2020, arXiv:2001.03994,
algorithm 3), and sometimes suddenly is not (section 5.3: catastrophic overfitting).
"""

from collections.abc import Callable

import jax

from gan_jax.attacks.gradient import Classify, step
from gan_jax.attacks.threat import Threat
from gan_jax.randomness import Key

Array = jax.Array
KINDS = {"fgsm_rs": (1, 1.25), "pgd": (7, 2.5 / 7)}  # steps, and their length by epsilon; Wong et al. 2020, section 5.1
Adversary = Callable[
    [Classify, Array, Array, Key], Array
]  # (classify, images, labels [B], keys [B]) -> images; traceable


def of_kind(name: str, threat: Threat) -> Adversary:
    """The adversary of a name in KINDS: steps from a random start, away from the labels. They are unrolled.

    The start is within epsilon, and not clipped to the images' bounds, as in the programs of Wong et al.: of black pixels a half
    would then start at 0, and a step longer than epsilon always end at the ball's edge. With nothing random left, one step teaches
    no more than itself.
    """
    steps, length = KINDS[name]

    def attack(classify: Classify, images: Array, labels: Array, keys: Key) -> Array:
        found = images + threat.of.draw(keys, images.shape[1:], threat.epsilon)
        for _ in range(steps):
            found = step(classify, threat, found, images, labels, length * threat.epsilon)
        return jax.lax.stop_gradient(found)

    return attack
