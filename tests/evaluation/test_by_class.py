"""Images of classes that are known, against the measures of each class alone."""

import numpy as np
import pytest

from gan_jax.evaluation.by_class import by_class
from gan_jax.evaluation.features import Features
from gan_jax.evaluation.metrics import density_coverage, ms_ssim
from gan_jax.evaluation.scores import Images

K = 3


def images(seed, labels, says):
    """A set whose classifier says `says`, with features and pixels at random."""
    random = np.random.RandomState(seed)
    pixels = random.randint(0, 256, (len(labels), 16, 16, 1)).astype(np.uint8)
    return Images(len(labels), pixels, Features(random.randn(len(labels), 4), np.eye(5)[says]))


REAL_LABELS = np.arange(60) % K
LABELS = np.repeat([0, 2], [30, 20])
SAYS = np.where(np.arange(50) < 40, LABELS, 1)  # the last ten, of class 2, are taken for another


def test_each_class_is_measured_alone():
    real, fake = images(0, REAL_LABELS, REAL_LABELS), images(1, LABELS, SAYS)
    first, second, third = by_class(K, real, REAL_LABELS, fake, LABELS, numbers=[0, 1, 2])
    assert [each.count for each in (first, second, third)] == [30, 0, 20]
    assert (first.accuracy, third.accuracy) == (1, 0.5)
    for each, label in ((first, 0), (third, 2)):
        own = label == LABELS
        assert each.ms_ssim == ms_ssim(fake.pixels[own])
        near = density_coverage(real.features.features[label == REAL_LABELS], fake.features.features[own])
        assert (each.density, each.coverage) == near
    assert np.isnan([second.accuracy, second.ms_ssim, second.density, second.coverage]).all()


def test_the_classifier_may_have_other_numbers_or_none():
    real, fake = images(0, REAL_LABELS, REAL_LABELS), images(1, LABELS, 4 - LABELS)
    assert [each.accuracy for each in by_class(K, real, REAL_LABELS, fake, LABELS, numbers=[4, 3, 2])][::2] == [1, 1]
    unknown = by_class(K, real, REAL_LABELS, fake, LABELS, numbers=[])
    assert np.isnan([each.accuracy for each in unknown]).all() and not np.isnan(unknown[0].coverage)


def test_only_the_pixels_that_are_kept_are_looked_at():
    real, fake = images(0, REAL_LABELS, REAL_LABELS), images(1, LABELS, SAYS)
    few = by_class(K, real, REAL_LABELS, fake._replace(pixels=fake.pixels[:31]), LABELS, numbers=[])
    assert few[0].ms_ssim == pytest.approx(ms_ssim(fake.pixels[:30])) and np.isnan(few[2].ms_ssim)
    assert few[2].count == 20
