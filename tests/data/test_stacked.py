"""Three images as the colours of one, and an extractor for such images."""

import numpy as np
import pytest

from gan_jax.config.parts import ScoringConfig
from gan_jax.data import ArraySource, describe, load
from gan_jax.data.source import NoSplit
from gan_jax.data.stacked import Stacked, base_of
from gan_jax.evaluation import features
from gan_jax.evaluation.modes import stacked_labels
from gan_jax.runs import monitor


@pytest.fixture(scope="module")
def digits():
    return load("digits"), load("stacked_digits")


def test_each_channel_is_an_image_and_the_label_is_of_all_three():
    images = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 4, 1), np.uint8)
    labels = np.array([0, 1, 2, 1, 0], np.int32)
    source = Stacked(ArraySource({"image": images, "label": labels}, ("a", "b", "c")), 200)
    batch = source[np.arange(200)]
    assert batch["image"].shape == (200, 2, 4, 3) and batch["image"].dtype == np.uint8
    assert (batch["image"] == batch["image"][:, :1, :1]).all()
    chosen = batch["image"][:, 0, 0]
    np.testing.assert_array_equal(batch["label"], labels[chosen] @ [9, 3, 1])
    assert len(np.unique(chosen, axis=0)) > 80 and len(source.classes) == 27
    assert source.classes[batch["label"][0]] == "".join("abc"[label] for label in labels[chosen[0]])


def test_examples_are_always_the_same(digits):
    base, stacked = digits
    again = Stacked(base, len(stacked))
    np.testing.assert_array_equal(again[np.array([5, 127_999])]["image"], stacked[np.array([5, 127_999])]["image"])
    assert again.digest == stacked.digest != base.digest
    assert Stacked(base, 10).digest != stacked.digest


def test_all_modes_are_there_and_as_often(digits):
    counts = np.array(describe(digits[1], count_classes=True).class_counts)
    assert len(counts) == 1000 and counts.min() > 60 and counts.max() < 220


def test_splits():
    with pytest.raises(NoSplit):
        load("stacked_digits", split="test")
    assert base_of("stacked_mnist") == "mnist" and base_of("mnist") is None


def test_the_base_s_extractor_looks_at_each_channel(digits):
    _, stacked = digits
    found = monitor.find_extractor(ScoringConfig(), "stacked_digits", (16, 16, 3))
    single = features.load_classifier(features.EXTRACTORS / "digits.npz")
    batch = stacked[np.arange(40)]
    joint = features.extract(found, [batch["image"]], total=40)
    each = [features.extract(single, [batch["image"][..., i : i + 1]], total=40) for i in range(3)]
    np.testing.assert_allclose(
        joint.features, np.concatenate([one.features for one in each], axis=1), rtol=1e-4, atol=1e-4
    )
    products = np.einsum("na,nb,nc->nabc", *(one.probabilities for one in each)).reshape(40, 1000)
    np.testing.assert_allclose(joint.probabilities, products, atol=1e-6)
    assert (joint.probabilities.argmax(1) == batch["label"]).mean() > 0.95
    apart = np.stack([one.probabilities.argmax(1) for one in each], axis=1)
    np.testing.assert_array_equal(joint.probabilities.argmax(1), stacked_labels(apart))
    assert found.name == "stacked_digits-cnn"
    named = features.of_each_channel(single._replace(classes=tuple("0123456789")))
    assert named.classes == stacked.classes
