import pickle

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import ArraySource, in_memory, load, nbytes
from gan_jax.data.classes import apart, class_numbers, in_natural_order, in_order_of, keep
from gan_jax.data.spec import labelled_image


def test_classes(tmp_path, idx_folder, examples):
    images, _ = examples
    labels = np.array([3, 1, 2, 3, 0, 1, 2, 3, 9, 9, 9, 9])
    idx_folder(tmp_path / "mnist", images, labels)
    source = load("mnist", data_dir=str(tmp_path), classes="3,1")
    assert (len(source), source.classes, source.spec) == (5, ("3", "1"), labelled_image(28, 28, 1))
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
        assert (len(source), source.classes, nbytes(source)) == (4, ("3", "1"), 4 * (256 + 4))
        assert source.spec == labelled_image(16, 16, 1)
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
        assert kept.classes == () and kept.labels.tolist() == [0, 0]
        assert batch["image"][:, 0, 0, 0].tolist() == [20, 10] and batch["label"].tolist() == [0, 0]


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
        ("1..3", "1 10 11 2 3", [0, 3, 4]),  # by value, whatever the order
        ("3..10", "1 2 3 10 11 cat", [2, 3]),
        ("9..11", "009 010 011 012", [0, 1, 2]),
        ("10", "009 010", [1]),
        ("1", "01 1", [1]),  # its own name
        ("-10..-5", "-5 -10 0", [1, 0]),
        ("0.5..1.5", "1 1.5 0.5 2", [2, 0, 1]),
        ("cat..3", "cat dog 3", [0, 1, 2]),  # not both are numbers
        ("3..1", "1 2 3", None),
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


@pytest.mark.parametrize(
    "names",
    [
        "1 2 3 10 11",
        "-10 -5 0 0.5 1 1.5 20",
        "cat1 cat2 cat10 dog",
        "2 img1_9 img1_10 img2_1",
        "001 2 03 4",
        "01 1 2",
        "Bag Coat Zebra ape",  # as before: capitals first
        "b 犬 猫",
    ],
)
def test_natural_order(names):
    expected = names.split()
    assert in_natural_order(expected[::-1]) == in_natural_order(set(expected)) == expected


def test_labels_by_the_numbers_of_another_order():
    """In memory or not; the images stay where they are."""
    lazy = load("digits", data_dir="unused", classes="3,1,7")
    for source in (lazy, in_memory(lazy)):
        found = in_order_of(source, ("7", "3", "1"))
        assert found.classes == ("7", "3", "1") and isinstance(found, ArraySource) == isinstance(source, ArraySource)
        rows = np.array([5, 0, 2])
        expected = [("7", "3", "1").index(source.classes[label]) for label in source.labels]
        assert found.labels.tolist() == expected and found[rows]["label"].tolist() == [expected[row] for row in rows]
        assert found.labels.dtype == found[rows]["label"].dtype == np.int32
        np.testing.assert_array_equal(found[rows]["image"], source[rows]["image"])
        assert in_order_of(source, source.classes) is source
    with pytest.raises(ValueError, match="only there has 2; only data has 7"):
        in_order_of(lazy, ("1", "2", "3"))


def test_how_names_differ():
    assert apart(run=("a", "b"), data=("b", "c")) == "only run has a; only data has c"
    assert apart(run=("a",), data=("a", "c")) == "only data has c"
    assert apart(run=("a", "b"), data=("b", "a")) == "their order"


def test_classes_without_examples(tmp_path, idx_folder, examples):
    images, labels = examples
    idx_folder(tmp_path / "mnist", images, np.zeros_like(labels))
    with pytest.raises(ValueError, match="classes=5: no example has such a label"):
        load("mnist", data_dir=str(tmp_path), classes="5")
