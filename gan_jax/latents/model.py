"""What latents are looked for with: a generator, and a classifier of what it draws."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import numpy as np

from gan_jax.latents.inversion import Generate
from gan_jax.randomness import Key

Array = jax.Array


class Model(NamedTuple):
    """A trained generator, of one label if it is class-conditional.

    Fields:
      generate: latents [n, d] -> images [n, H, W, C] in [-1, 1]; differentiable.
      render: the same of arrays [..., d], however many -> images [..., H, W, C].
      draw: (key, n) -> latents [n, d].
      prior: what latents are drawn from, a name in inversion.PROJECTIONS.
      encode: images [n, H, W, C] in [-1, 1] -> latents [n, d]; None where there is no encoder.
    """

    generate: Generate
    render: Callable[[np.ndarray], np.ndarray]
    draw: Callable[[Key, int], np.ndarray]
    prior: str
    encode: Callable[[np.ndarray], Array] | None = None


class Classifier(NamedTuple):
    """A trained classifier.

    Fields:
      name: "mnist-cnn", or a run's directory.
      classes: their names.
      probabilities: images [n, H, W, C] in [-1, 1] -> [n, K]; differentiable.
      classify: the same of arrays [..., H, W, C], however many -> [..., K].
    """

    name: str
    classes: Sequence[str]
    probabilities: Callable[[Array], Array]
    classify: Callable[[np.ndarray], np.ndarray]
