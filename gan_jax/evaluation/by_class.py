"""What is drawn when a class is asked for: is it that class, and is it as diverse as that class's real images?"""

from typing import NamedTuple

import numpy as np

from gan_jax.evaluation.image_metrics import ms_ssim
from gan_jax.evaluation.neighbours import density_coverage
from gan_jax.evaluation.scores import Images

NEIGHBOURS = 5


class OfClass(NamedTuple):
    """What is known of the images of one class; NaN for what takes more images than there are.

    Fields:
      count: how many there are.
      accuracy: the share of them that a classifier takes for that class; NaN without one that knows these classes.
      ms_ssim: how much they resemble one another (AC-GAN: Odena et al. 2017, arXiv:1610.09585, section 4.2), those of
        them that are among the first `scores.PIXELS` of all classes.
      density, coverage: of the real images of that class, k = 5.
    """

    count: int
    accuracy: float
    ms_ssim: float
    density: float
    coverage: float


def by_class(
    num_classes: int, real: Images, real_labels: np.ndarray, other: Images, labels: np.ndarray, *, numbers: list[int]
) -> list[OfClass]:
    """Of each class c in 0..K-1: other images, those with labels == c, beside the real ones with real_labels == c.

    Args:
      num_classes: K.
      real, other: images, with features.
      real_labels, labels: int [N], of all images of the set.
      numbers: what the extractor's classifier calls the K classes; [] if it does not know them.
    """
    found = []
    for label in range(num_classes):
        own, real_own = labels == label, real_labels == label
        pixels = other.pixels[own[: len(other.pixels)]]
        near = (np.nan, np.nan)
        if real_own.sum() > NEIGHBOURS and own.any():
            near = density_coverage(real.features.features[real_own], other.features.features[own], k=NEIGHBOURS)
        taken = other.features.probabilities[own].argmax(axis=1)
        right = float(np.mean(taken == numbers[label])) if numbers and own.any() else np.nan
        found.append(OfClass(int(own.sum()), right, ms_ssim(pixels) if len(pixels) > 1 else np.nan, *near))
    return found
