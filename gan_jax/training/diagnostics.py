"""Early warnings: is the run collapsing, has D won, do the losses diverge?

`recipes.measures` has what is measured inside a step; `EarlyWarning` watches it, and the losses, from outside.
"""

from collections import deque
from collections.abc import Callable, Iterator

import numpy as np

WINDOW = 500  # steps that a warning is based on; the first so many, in which much is odd, are not looked at
# Of DCGANs on MNIST: runs that learn have a spread of 0.8 to 1 and accuracies below 0.997; one that collapsed at its start
# had 0.26 and 1.000. Wasserstein losses of some tens are usual.
LEAST_SPREAD = 0.5
WON = 0.998
LARGEST_LOSS = 1000.0
OVERFITTED = 0.3  # of all images


class EarlyWarning:
    """Looks at each step's metrics; calls `warn` with a line when the means of the last WINDOW steps look wrong.

    Of each thing it warns once. Metrics that a recipe does not have are not missed:
      sample_spread: the spread of fake images over that of real ones. Below LEAST_SPREAD they look collapsed.
      real_accuracy, fake_accuracy: both above WON, D tells nearly all apart. (A G that matches features can live so.)
      *_loss: beyond ±LARGEST_LOSS, they diverge.
      accuracy, robust_accuracy: right about OVERFITTED more of the images of the adversary that a classifier is trained with
        than of a stronger one's, and of these no longer more than before: catastrophic overfitting (Wong et al. 2020,
        arXiv:2001.03994, section 5.3). While both rise they may be so far apart.
    """

    def __init__(self, warn: Callable[[str], None]):
        self._warn, self._warned = warn, set()
        self._most_robust = 0.0
        self._recent: deque[dict[str, float]] = deque(maxlen=WINDOW)

    def __call__(self, step: int, metrics: dict[str, float]) -> None:
        self._recent.append(metrics)
        if step % WINDOW or step == WINDOW or len(self._recent) < WINDOW:
            return
        # A metric that a later phase of the run brought, or that not every step computes, has fewer steps behind it.
        known = dict.fromkeys(name for recent in self._recent for name in recent)
        means = {name: float(np.mean([each[name] for each in self._recent if name in each])) for name in known}
        robust = means.get("robust_accuracy", 1.0)
        rising, self._most_robust = robust > self._most_robust, max(robust, self._most_robust)
        for kind, line in _symptoms(means, rising):
            if kind not in self._warned:
                self._warned.add(kind)
                self._warn(f"early warning at step {step}: {line} (mean of the last {WINDOW} steps)")


def _symptoms(means: dict[str, float], rising: bool) -> Iterator[tuple[str, str]]:
    """Yields (what is wrong, what to say), given the metrics' means, and whether the robust accuracy's is the highest so far."""
    if means.get("sample_spread", 1.0) < LEAST_SPREAD:
        yield (
            "collapse",
            f"the run looks collapsed: samples vary {means['sample_spread']:.2f} times as much as the data",
        )
    real, fake = means.get("real_accuracy", 0.0), means.get("fake_accuracy", 0.0)
    if min(real, fake) > WON:
        yield "won", f"D has won: it is right on {real:.1%} of real and {fake:.1%} of fake images"
    trained, robust = means.get("accuracy", 0.0), means.get("robust_accuracy", 1.0)
    if trained - robust > OVERFITTED and not rising:
        yield (
            "overfitting",
            f"catastrophic overfitting: it is right on {trained:.1%} of what its own adversary makes, and on {robust:.1%} under a "
            "stronger one; --adversarial=pgd, a smaller --epsilon or --classifier_lr",
        )
    for name, value in means.items():
        if name.endswith("_loss") and abs(value) > LARGEST_LOSS:
            yield name, f"the losses diverge: {name} is {value:.3g}"
