"""Printed digits: as many of each, of fonts that are in one split alone, and to be read."""

import numpy as np
import pytest

from gan_jax.data import load
from gan_jax.data.printed import FONTS
from gan_jax.evaluation import features


@pytest.fixture(scope="module")
def splits():
    return load("print"), load("print", split="test")


def test_no_font_is_in_both_splits():
    assert not set(FONTS["train"]) & set(FONTS["test"])


@pytest.mark.parametrize("number, count", [(0, 2520), (1, 720)])
def test_as_many_of_each_digit(splits, number, count):
    source = splits[number]
    assert len(source) == count and source.classes == tuple("0123456789")
    assert (np.bincount(source.labels) == count // 10).all()
    assert source.spec["image"].shape == (16, 16, 1)


def test_all_differ_and_fill_the_image(splits):
    """White on black, from the top to the foot; none is cut off at a side."""
    for source in splits:
        images = source.arrays["image"][..., 0]
        assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)
        assert images.max(axis=(1, 2)).min() > 150 and images[:, :, [0, -1]].mean() < 6
        rows = (images > 60).any(axis=2).sum(axis=1)
        assert rows.min() >= 12


def test_they_are_read_as_what_they_are(splits):
    """By the network that comes with the dataset, which learnt from the other split."""
    test = splits[1]
    found = features.extract(
        features.load_classifier(features.EXTRACTORS / "print.npz"), [test.arrays["image"]], total=len(test)
    )
    assert np.mean(found.probabilities.argmax(axis=1) == test.labels) > 0.99


def test_of_any_size():
    assert load("print", image_size=(20, 12)).spec["image"].shape == (20, 12, 1)
