"""What latents are looked for with: a generator, and a classifier of what it draws."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import numpy as np

from gan_jax.latents.inversion import PROJECTIONS, Generate, Project
from gan_jax.randomness import Key

Array = jax.Array


class Model(NamedTuple):
    """A trained generator, of one label if it is class-conditional.

    Fields:
      generate: latents [n, d] -> images [n, H, W, C] in [-1, 1]; differentiable.
      render: the same of arrays [..., d], however many -> images [..., H, W, C].
      draw: (key, n) -> latents [n, d].
      prior: what latents are drawn from, a name in inversion.PROJECTIONS; "w" for styles and noise (`projection`).
      encode: images [n, H, W, C] in [-1, 1] -> latents [n, d]; None where there is no encoder.
      project: latents -> the nearest that can be drawn; by default that of the prior.
      penalty: latents -> what is added to an error in a descent, [n]; None for nothing.
      parts: latents [..., d] -> what they are made of, by the names under which it is written.
    """

    generate: Generate
    render: Callable[[np.ndarray], np.ndarray]
    draw: Callable[[Key, int], np.ndarray]
    prior: str
    encode: Callable[[np.ndarray], Array] | None = None
    project: Project | None = None
    penalty: Callable[[Array], Array] | None = None
    parts: Callable[[np.ndarray], dict[str, np.ndarray]] = lambda latents: {"latents": latents}

    @property
    def projection(self) -> Project:
        """Its own, or that of the prior."""
        return self.project or PROJECTIONS[self.prior]


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
