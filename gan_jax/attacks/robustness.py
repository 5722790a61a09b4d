"""How often classifiers are right, under attacks, and whether a classifier's gradients lead anywhere."""

from collections.abc import Callable, Iterator, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.attacks.gradient import Classify, Predict, gradients
from gan_jax.randomness import Key

Array = jax.Array
Attack = Callable[[Array, Array, Key], Array]  # (images, labels, keys [B]) -> images, each within its threat
CLEAN = "none"  # the attack that changes nothing
AT_ONCE = 500  # images


def robust(
    predictors: Mapping[str, Predict],
    images: np.ndarray,
    labels: np.ndarray,
    attacks: Mapping[str, Attack],
    key: Key,
    *,
    first: int = 0,
    at_once: int = AT_ONCE,
) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Yields, of some images after others from `first` on, by attack and CLEAN at first, who is right about each: bool [n].

    Under an attack one is right only if one is so without it, too: an attack that corrects it has not made it stronger.

    Args: predictors: who is asked, by name; at_once: how many images.
    """
    for start in range(first, len(images), at_once):
        rows = np.arange(start, min(start + at_once, len(images)))
        some = np.resize(rows, at_once)  # filled up, so that one is compiled
        x, y = jnp.asarray(images[some]), jnp.asarray(labels[some])
        keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, some)
        standing = dict.fromkeys(predictors, True)
        for name, attack in ({CLEAN: lambda x, y, keys: x} | {**attacks}).items():
            found = attack(x, y, keys)
            right = {who: standing[who] & (np.asarray(predict(found)) == y) for who, predict in predictors.items()}
            standing = right if name == CLEAN else standing
            yield name, {who: np.asarray(each)[: len(rows)] for who, each in right.items()}


def without_gradient(classify: Classify, images: np.ndarray, labels: np.ndarray) -> float:
    """The share of images whose loss has a gradient that is 0 everywhere: attacks by gradients then say nothing.

    Athalye et al. 2018, arXiv:1802.00420, section 2 (shattered and vanishing gradients).
    """
    look = jax.jit(lambda x, y: jnp.all(gradients(classify, x, y) == 0, axis=(1, 2, 3)))
    parts = np.array_split(np.arange(len(images)), -(-len(images) // AT_ONCE))
    return float(np.concatenate([np.asarray(look(images[rows], labels[rows])) for rows in parts]).mean())
