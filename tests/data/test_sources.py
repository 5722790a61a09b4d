import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import DATASETS, in_memory, load, nbytes, sources
from gan_jax.data.classes import apart, class_numbers, keep
from gan_jax.data.source import ArraySource, class_counts

SYSTEM = Path("/usr/share/datasets/fashion-mnist")
CASES = {
    # name: number of examples where conftest's `examples` are its files, and image_shape
    "digits": (1797, (16, 16, 1)),
    "mnist": (12, (28, 28, 1)),
    "fashion_mnist": (12, (28, 28, 1)),
    "kmnist": (12, (28, 28, 1)),
}
MNIST_FAMILY = [name for name in CASES if name != "digits"]


@pytest.fixture
def real_data():
    folder = os.environ.get("GAN_JAX_TEST_DATA")
    if folder is None:
        pytest.skip("GAN_JAX_TEST_DATA does not name a folder with real datasets (mnist/...)")
    return folder


def test_every_dataset_has_a_case():
    assert set(DATASETS) == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_contract(name, tmp_path, idx_folder, examples):
    idx_folder(tmp_path / name, *examples, ending=".gz")
    source = load(name, data_dir=str(tmp_path))
    length, shape = CASES[name]
    assert (len(source), source.image_shape, source.num_classes) == (length, shape, 10)
    assert nbytes(source) == length * np.prod(shape)
    batch = source[np.array([7, 0, 7])]
    assert batch["image"].dtype == np.uint8 and batch["image"].shape == (3, *shape)
    assert batch["label"].dtype == np.int32 and batch["label"].shape == (3,)
    np.testing.assert_array_equal(batch["image"][0], batch["image"][2])
    assert (batch["image"][0] != batch["image"][1]).any()
    unpickled = pickle.loads(pickle.dumps(source))
    np.testing.assert_array_equal(unpickled[np.array([7])]["image"][0], batch["image"][0])
    assert load(name, data_dir=str(tmp_path), image_size=16).image_shape == (16, 16, 1)


@pytest.mark.parametrize("name", MNIST_FAMILY)
@pytest.mark.parametrize("split, prefix", [("train", "train"), ("test", "t10k")])
def test_idx_content(name, split, prefix, tmp_path, idx_folder, examples):
    idx_folder(tmp_path / name, *examples, prefix=prefix)
    batch = load(name, data_dir=str(tmp_path), split=split)[np.arange(12)]
    np.testing.assert_array_equal(batch["image"][..., 0], examples[0])
    np.testing.assert_array_equal(batch["label"], examples[1])


@pytest.mark.parametrize("name", MNIST_FAMILY)
def test_missing_files_say_where_and_how(name, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "SYSTEM_FOLDER", tmp_path / "system")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError) as error:
        load(name, data_dir=str(tmp_path))
    message = str(error.value)
    looked = f"{tmp_path}/{name} or {tmp_path}/system/{name.replace('_', '-')}"
    assert message.startswith(f"no train-images-idx3-ubyte[.gz] in {looked}; put the files of ")
    assert message.endswith("pip install tensorflow-cpu") and "\n" not in message


def test_system_folder(tmp_path, monkeypatch, idx_folder, examples):
    monkeypatch.setattr(sources, "SYSTEM_FOLDER", tmp_path / "system")
    idx_folder(tmp_path / "system" / "fashion-mnist", *examples)
    assert len(load("fashion_mnist", data_dir=str(tmp_path))) == 12


def test_digits():
    small = load("digits", data_dir="unused", image_size=8)
    batch = small[np.arange(3)]
    assert batch["label"].tolist() == [0, 1, 2]
    assert batch["image"][0, 0, :, 0].tolist() == [0, 0, 80, 207, 143, 16, 0, 0]  # 0 0 5 13 9 1 0 0 of 16
    assert load("digits", data_dir="unused")[np.arange(100)]["image"].max() == 255
    with pytest.raises(ValueError, match="digits has no test split"):
        load("digits", data_dir="unused", split="test")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            {"name": "cifar"},
            "unknown dataset 'cifar': must be digits, mnist, fashion_mnist, kmnist, tfds:NAME or folder:PATH",
        ),
        ({"name": "digits", "split": "val"}, "split='val': must be train or test"),
        ({"name": "digits", "image_size": 0}, "image_size=0: must be at least 1"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError) as error:
        load(**arguments, data_dir="unused")
    assert str(error.value) == message


def test_classes(tmp_path, idx_folder, examples):
    images, _ = examples
    labels = np.array([3, 1, 2, 3, 0, 1, 2, 3, 9, 9, 9, 9])
    idx_folder(tmp_path / "mnist", images, labels)
    source = load("mnist", data_dir=str(tmp_path), classes="3,1")
    assert (len(source), source.num_classes, source.image_shape) == (5, 2, (28, 28, 1))
    batch = source[np.array([4, 0, 1, 2, 3])]
    assert batch["label"].dtype == np.int32 and batch["label"].tolist() == [0, 0, 1, 0, 1]
    np.testing.assert_array_equal(batch["image"][..., 0], images[[7, 0, 1, 3, 5]])


def test_labels_of_classes_are_those_of_its_examples():
    """They come without decoding an image, in the numbers that classes="3,1" gives them."""
    source = load("digits", data_dir="unused", classes="3,1")
    assert source.labels.dtype == np.int32 and source.labels.shape == (len(source),)
    np.testing.assert_array_equal(source.labels, source[np.arange(len(source))]["label"])
    whole = load("digits", data_dir="unused").labels
    assert np.bincount(source.labels).tolist() == [(whole == 3).sum(), (whole == 1).sum()]


POSITIONS = np.array([7, 2, 300, 11])


def test_keep():
    """In memory or not, these examples in this order."""
    lazy = load("digits", data_dir="unused", classes="3,1")
    kept, quick = keep(lazy, POSITIONS), keep(in_memory(lazy), POSITIONS)
    assert in_memory(quick) is quick and not isinstance(kept, ArraySource)
    rows = np.array([3, 0, 1, 0])
    for source in (kept, quick):
        assert (len(source), source.num_classes, source.image_shape, nbytes(source)) == (4, 2, (16, 16, 1), 4 * 256)
        assert source.labels.dtype == source[rows]["label"].dtype == np.int32
        np.testing.assert_array_equal(source.labels, lazy.labels[POSITIONS])
        for name in ("image", "label"):
            np.testing.assert_array_equal(source[rows][name], lazy[POSITIONS[rows]][name])
        again = pickle.loads(pickle.dumps(source))
        np.testing.assert_array_equal(again[rows]["image"], source[rows]["image"])


def test_what_is_kept_can_be_kept_from():
    lazy = load("digits", data_dir="unused", classes="3,1")
    for source in (lazy, in_memory(lazy)):
        twice = keep(keep(source, POSITIONS), np.array([2, 1]))
        np.testing.assert_array_equal(twice[np.arange(2)]["image"], lazy[np.array([300, 2])]["image"])
        np.testing.assert_array_equal(twice.labels, lazy.labels[[300, 2]])


def test_unlabelled_examples_can_be_kept(tmp_path):
    for number in range(3):
        Image.new("L", (8, 8), 10 * number).save(tmp_path / f"{number}.png")
    source = load(f"folder:{tmp_path}", data_dir="unused")
    for kept in (keep(source, np.array([2, 1])), keep(in_memory(source), np.array([2, 1]))):
        batch = kept[np.arange(2)]
        assert kept.num_classes == 0 and kept.labels.tolist() == [0, 0]
        assert batch["image"][:, 0, 0, 0].tolist() == [20, 10] and batch["label"].tolist() == [0, 0]


def labelled(labels, num_classes):
    names = tuple("abcdefghij"[:num_classes])
    return ArraySource(np.zeros((len(labels), 8, 8, 1), np.uint8), np.array(labels, np.int32), names)


def test_class_counts():
    counts = class_counts(labelled([2, 0, 2, 1, 2], 3))
    assert counts.dtype == np.int64 and counts.tolist() == [1, 1, 3]
    whole = class_counts(load("digits", data_dir="unused"))
    assert whole.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]  # as scikit-learn says
    some = load("digits", data_dir="unused", classes="3,1")
    assert class_counts(some).tolist() == [183, 182] and some.class_names == ("3", "1")


def test_class_counts_need_labels_of_each_class():
    with pytest.raises(ValueError, match="^this dataset has no labels, so no class can be asked for$"):
        class_counts(labelled([0, 0], 0))
    for labels, missing in (([0, 2, 2], "b"), ([0, 1], "c")):
        with pytest.raises(ValueError, match=f"^class {missing} has no example, so it cannot be learnt; --classes="):
            class_counts(labelled(labels, 3))


@pytest.mark.parametrize("classes", ["10", "-1", "a", "", "1,", "1.5", "5..4", "0..10"])
def test_wrong_classes(classes):
    with pytest.raises(ValueError, match=f"^classes={classes}: the classes are 0, 1, 2, 3, 4, 5, 6, 7, 8, 9; name one"):
        load("digits", data_dir="unused", classes=classes)


def test_a_class_named_twice():
    with pytest.raises(ValueError, match="^classes=3,1,3: each but once$"):
        load("digits", data_dir="unused", classes="3,1,3")


@pytest.mark.parametrize(
    "value, names, numbers",
    [
        ("dog", "cat dog fox", [1]),
        ("fox, cat", "cat dog fox", [2, 0]),
        ("cat..dog", "cat dog fox", [0, 1]),
        ("2", "cat dog fox", [2]),
        ("0..2", "cat dog fox", [0, 1, 2]),
        ("1", "7 1", [1]),  # a name, not a number
        ("10", "1 10 2", [1]),
        ("a,b", "a,b c..d e", [0]),
        ("c..d", "a,b c..d e", [1]),
        ("0", "7 1", None),
        ("3", "cat dog fox", None),
        ("dog..cat", "cat dog fox", None),
    ],
)
def test_classes_go_by_name_or_else_by_number(value, names, numbers):
    if numbers is None:
        with pytest.raises(
            ValueError, match=f"^label={value}: the classes are {', '.join(names.split())}; name one or"
        ):
            class_numbers("label", value, names.split())
    else:
        assert class_numbers("label", value, names.split()) == numbers


def test_an_error_about_classes_is_short():
    with pytest.raises(ValueError) as error:
        class_numbers("label", "x", [f"class{number}" for number in range(1000)])
    assert "class9, ...; name one or more, as in class0 or class0,class999 or" in str(error.value)
    with pytest.raises(ValueError, match="name one or more, as in cat$"):
        class_numbers("label", "x", ["cat"])


def test_how_names_differ():
    assert apart(run=("a", "b"), data=("b", "c")) == "only run has a; only data has c"
    assert apart(run=("a",), data=("a", "c")) == "only data has c"
    assert apart(run=("a", "b"), data=("b", "a")) == "their order"


def test_classes_without_examples(tmp_path, idx_folder, examples):
    images, labels = examples
    idx_folder(tmp_path / "mnist", images, np.zeros_like(labels))
    with pytest.raises(ValueError, match="classes=5: no example has such a label"):
        load("mnist", data_dir=str(tmp_path), classes="5")


def test_in_memory():
    lazy = load("digits", data_dir="unused", classes="1,2,3")
    source = in_memory(lazy)
    assert (len(source), source.class_names, source.image_shape) == (len(lazy), ("1", "2", "3"), (16, 16, 1))
    rows = np.random.RandomState(0).permutation(len(lazy))
    for name in ("image", "label"):
        np.testing.assert_array_equal(source[rows][name], lazy[rows][name])
        assert source[rows][name].dtype == lazy[rows][name].dtype
    assert in_memory(source) is source


@pytest.mark.parametrize("split, length, counts", [("train", 60000, (5923, 6742)), ("test", 10000, (980, 1135))])
def test_real_mnist(real_data, split, length, counts):
    source = load("mnist", data_dir=real_data, split=split)
    labels = source[np.arange(length)]["label"]
    assert len(source) == length
    assert tuple(np.bincount(labels)[:2]) == counts


def test_real_mnist_pixels(real_data):
    images = load("mnist", data_dir=real_data)[np.arange(60000)]["image"]
    assert round(float(images.mean()) / 255, 4) == 0.1307 and round(float(images.std()) / 255, 4) == 0.3081


@pytest.mark.skipif(not SYSTEM.is_dir(), reason=f"{SYSTEM} (Debian's package dataset-fashion-mnist) is absent")
def test_real_fashion_mnist(tmp_path):
    source = load("fashion_mnist", data_dir=str(tmp_path), split="test")
    assert len(source) == 10000
    assert np.bincount(source[np.arange(10000)]["label"]).tolist() == [1000] * 10
