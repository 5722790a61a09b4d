"""Directions in which a latent can be moved: those in which images differ most, and towards classes.

GANSpace (Härkönen et al. 2020, arXiv:2004.02546): the principal components of a layer's features (section 2.1, of BigGAN), and the
directions of latents that give them, by linear regression (equation 2).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import numpy as np
from flax import linen as nn

Array = jax.Array
DRAWN = 1024  # latents by which directions are found
COUNT = 8  # principal ones


class Gene(NamedTuple):
    """A direction. Fields: name; direction: of latents, [d], as long as one standard deviation of what it changes."""

    name: str
    direction: np.ndarray


def first_features(generate: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """latents [n, d] -> what the generator's first layer makes of them, [n, m]."""

    def features(latents: Array) -> Array:
        found = []

        def look(call: Callable, args: tuple, kwargs: dict, context: nn.module.InterceptorContext) -> object:
            made = call(*args, **kwargs)
            if not found and "kernel" in context.module.variables.get("params", {}):
                found.append(made)
            return made

        with nn.intercept_methods(look):
            generate(latents)
        return found[0].reshape(len(latents), -1)

    return features


def principal(latents: np.ndarray, features: np.ndarray, count: int = COUNT) -> list[Gene]:
    """The directions [d] that change features most, of latents [n, d] and their features [n, m], the first the most.

    Fewer than `count` where there are not as many.
    """
    centred = np.float64(features - features.mean(axis=0))
    sizes, vectors = np.linalg.eigh(centred @ centred.T)  # of the examples, of which there are fewer than features
    count = min(count, int(np.sum(sizes > 1e-10 * sizes[-1])), latents.shape[1])
    coordinates = vectors[:, ::-1][:, :count] * np.sqrt(len(latents))  # of variance 1, the largest first
    own = latents - latents.mean(axis=0)
    directions, *_ = np.linalg.lstsq(coordinates, own, rcond=None)
    return [Gene(f"direction {number + 1}", np.float32(each)) for number, each in enumerate(directions)]


def of_classes(latents: np.ndarray, probabilities: np.ndarray, names: Sequence[str], least: int = 8) -> list[Gene]:
    """From the mean of all latents [n, d] to that of each class, by the classifier's probabilities [n, K] of their images.

    Args: least: of classes that are seen in fewer, there is none.
    """
    seen = probabilities.argmax(axis=1)
    return [
        Gene(f"towards {name}", np.float32(latents[seen == number].mean(axis=0) - latents.mean(axis=0)))
        for number, name in enumerate(names)
        if np.sum(seen == number) >= least
    ]
