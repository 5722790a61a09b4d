"""What an attacker may do: how far an image may be from what it was, by which norm, in which units."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.attacks.norms import NORMS, Norm
from gan_jax.config.options import require_known

Array = jax.Array


@dataclass(frozen=True)
class Threat:
    """Images within epsilon of an image, and within its bounds.

    Fields:
      epsilon: the greatest norm of a perturbation, in the units of the images: .3 of [0, 1] is .6 of [-1, 1].
      norm: which one, a name in NORMS: linf (each number changes by at most epsilon) or l2.
      low, high: the smallest and largest number of an image.
    Raises ValueError for an epsilon below 0, an unknown norm, or bounds that are none.
    """

    epsilon: float
    norm: str = "linf"
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self):
        require_known("norm", self.norm, NORMS)
        if not self.epsilon >= 0:
            raise ValueError(f"epsilon={self.epsilon}: must be at least 0")
        if not self.low < self.high:
            raise ValueError(f"low={self.low}, high={self.high}: low must be below high")

    def __str__(self) -> str:
        """As scores are named: "linf 0.3 of [0, 1]"."""
        return f"{self.norm} {self.epsilon:g} of [{self.low:g}, {self.high:g}]"

    @property
    def of(self) -> Norm:
        """The norm itself."""
        return NORMS[self.norm]

    def within(self, found: Array, images: Array) -> Array:
        """What was found, brought back into the ball about the images, and then between the bounds."""
        return jnp.clip(images + self.of.project(found - images, self.epsilon), self.low, self.high)


def require_images(images: Array, threat: Threat) -> None:
    """Raises ValueError unless all numbers are within the bounds."""
    values = np.asarray(images)
    lowest, highest = (float(each(values)) for each in (np.min, np.max)) if values.size else (threat.low, threat.high)
    if not (threat.low <= lowest and highest <= threat.high):  # nor NaN
        raise ValueError(
            f"images have numbers from {lowest:g} to {highest:g}; must be from {threat.low:g} to {threat.high:g}"
        )


def require_labels(labels: Array, count: int) -> None:
    """Raises ValueError unless they are whole numbers, one for each of so many images."""
    if labels.shape != (count,) or not jnp.issubdtype(labels.dtype, jnp.integer):
        raise ValueError(f"labels are {labels.dtype} {list(labels.shape)}; must be whole numbers [{count}]")


def require_logits(logits: Array, count: int) -> None:
    """Raises ValueError unless these are logits of so many images, and no probabilities.

    A loss of probabilities takes the softmax of a softmax: gradients nearly vanish, and a weak attack looks like a strong defence.
    """
    found = np.asarray(logits)
    if found.ndim != 2 or len(found) != count:
        raise ValueError(f"classify gave {list(found.shape)} of {count} images; must be logits [{count}, K]")
    if found.size and found.min() >= 0 and np.allclose(found.sum(axis=1), 1, atol=1e-4):
        raise ValueError("classify gave probabilities, which add up to 1; must be logits")
