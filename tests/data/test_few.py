"""A few examples of each class of another dataset."""

import numpy as np
import pytest

from gan_jax.config.parts import DataConfig, ScoringConfig
from gan_jax.data import ArraySource, few, load
from gan_jax.data.source import NoSplit
from gan_jax.runs import monitor
from gan_jax.runs.data import splits

LABELS = np.int32(np.arange(40) % 2)
TRAIN = ArraySource({"image": np.arange(40, dtype=np.uint8).reshape(40, 1, 1, 1), "label": LABELS}, ("even", "odd"))
TEST = ArraySource({"image": np.zeros((4, 1, 1, 1), np.uint8), "label": LABELS[:4]}, ("even", "odd"))


def of(name, split):
    assert name == "numbers"
    return {"train": TRAIN, "test": TEST}[split]


def drawn(name):
    return few.load(name, "train", of)[np.arange(6)]["image"].ravel().tolist()


def test_equally_many_of_each_class_always_the_same():
    source = few.load("few:3:numbers", "train", of)
    assert len(source) == 6 and np.bincount(source.labels).tolist() == [3, 3] and source.classes == ("even", "odd")
    assert drawn("few:3:numbers") == drawn("few:3,0:numbers") != drawn("few:3,1:numbers")
    assert few.load("few:3:numbers", "test", of) is TEST


def test_without_a_test_split_the_others_are_it():
    def no_test(name, split):
        if split != "train":
            raise NoSplit("none")
        return TRAIN

    found = [few.load("few:3:numbers", split, no_test) for split in ("train", "test")]
    numbers = [set(each[np.arange(len(each))]["image"].ravel().tolist()) for each in found]
    assert len(numbers[1]) == 34 and numbers[0] | numbers[1] == set(range(40))


def test_of_a_real_dataset():
    """What is tested on has none of those that were drawn."""
    train, test = splits(DataConfig("few:10:digits"))
    assert (len(train), len(test)) == (100, 1697)
    images = [{image.tobytes() for image in each[np.arange(len(each))]["image"]} for each in (train, test)]
    assert not images[0] & images[1]
    assert load("colored:few:2:digits")[np.arange(20)]["image"].shape == (20, 16, 16, 3)
    assert monitor.find_extractor(ScoringConfig(), "few:10,3:digits", (16, 16, 1)).name == "digits-cnn"


@pytest.mark.parametrize("name", ["few:10,3:mnist", "few:10:mnist"])
def test_names(name):
    assert few.base_of(name) == "mnist" and few.base_of("mnist") is None
    assert few.parse(few.named(*few.parse(name))) == few.parse(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("few:mnist", "must be few:N:NAME, as in few:10:mnist"),
        ("few:0:digits", "must be few:N:NAME"),
        ("few:1000:digits", "few:1000:digits: class . has 174 examples"),
        ("few:10:nowhere", "unknown dataset 'nowhere'"),
    ],
)
def test_what_is_refused(name, message):
    with pytest.raises(ValueError, match=message):
        load(name)


def test_without_classes_there_is_nothing_to_draw():
    bare = ArraySource({"image": np.zeros((4, 1, 1, 1), np.uint8)})
    with pytest.raises(ValueError, match="few:1:bare: bare has no classes to draw examples of"):
        few.load("few:1:bare", "train", lambda name, split: bare)
