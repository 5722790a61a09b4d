"""Early warning: is the run collapsing, has D won, do the losses diverge? Cheap enough to be asked at every step.

The functions are measures inside a step; `EarlyWarning` watches them, and the losses, from outside.
"""

from collections import deque
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.devices import batch_mean

Array = jax.Array

WINDOW = 500  # steps that a warning is based on; the first so many, in which much is odd, are not looked at
# Of DCGANs on MNIST: runs that learn have a spread of 0.8 to 1 and accuracies below 0.997; one that collapsed at its start
# had 0.26 and 1.000. Wasserstein losses of some tens are usual.
LEAST_SPREAD = 0.5
WON = 0.998
LARGEST_LOSS = 1000.0


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


class EarlyWarning:
    """Looks at each step's metrics; calls `tell` with a line when the means of the last WINDOW steps look wrong.

    Each thing is told once. Metrics that a recipe does not have are not missed:
      sample_spread: the spread of fake images over that of real ones. Below LEAST_SPREAD they look collapsed.
      real_accuracy, fake_accuracy: both above WON, D tells nearly all apart. (A G that matches features can live so.)
      *_loss: beyond ±LARGEST_LOSS, they diverge.
    """

    def __init__(self, tell: Callable[[str], None]):
        self._tell, self._told = tell, set()
        self._recent: deque[dict[str, float]] = deque(maxlen=WINDOW)

    def __call__(self, step: int, metrics: dict[str, float]) -> None:
        self._recent.append(metrics)
        if step % WINDOW or step == WINDOW or len(self._recent) < WINDOW:
            return
        means = {name: float(np.mean([recent[name] for recent in self._recent])) for name in metrics}
        for kind, line in _symptoms(means):
            if kind not in self._told:
                self._told.add(kind)
                self._tell(f"early warning at step {step}: {line} (mean of the last {WINDOW} steps)")


def _symptoms(means: dict[str, float]):
    """Yields (what is wrong, what to say), given the metrics' means."""
    if means.get("sample_spread", 1.0) < LEAST_SPREAD:
        yield (
            "collapse",
            f"the run looks collapsed: samples vary {means['sample_spread']:.2f} times as much as the data",
        )
    real, fake = means.get("real_accuracy", 0.0), means.get("fake_accuracy", 0.0)
    if min(real, fake) > WON:
        yield "won", f"D has won: it is right on {real:.1%} of real and {fake:.1%} of fake images"
    for name, value in means.items():
        if name.endswith("_loss") and abs(value) > LARGEST_LOSS:
            yield name, f"the losses diverge: {name} is {value:.3g}"
