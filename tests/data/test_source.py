"""Sources with fields of any kind: in memory, in part, by class, side by side."""

import pickle

import numpy as np
import pytest
from jax import ShapeDtypeStruct

from gan_jax.data import ArraySource, DataSpec, Domains, describe, in_memory, load, nbytes
from gan_jax.data.classes import keep, keep_classes
from gan_jax.data.source import Selection, class_counts, select

POSITIONS = np.array([7, 149, 7, 30])
BYTES = 48 + 4 + 192 + 16 + 28 + 4 + 240 + 60  # of an example, field by field


@pytest.fixture
def lazy(every_field):
    """The same examples, of a source that is not in memory."""
    return Selection(every_field, tuple(every_field.spec))


def rows(source):
    return source[np.arange(len(source))]


def assert_contract(source, length):
    """What indexing returns is what the spec says; labels are those of the examples."""
    batch = source[np.array([1, 0, 1])]
    found = {name: ShapeDtypeStruct(array.shape[1:], array.dtype) for name, array in batch.items()}
    assert found == source.spec and list(found) == list(source.spec)
    assert all(len(array) == 3 for array in batch.values()) and len(source) == length
    if source.classes:
        np.testing.assert_array_equal(source.labels, rows(source)["label"])
        assert source.labels.dtype == np.int32


def test_spec_of_arrays(every_field):
    assert every_field.spec == {
        "image": ShapeDtypeStruct((4, 4, 3), np.uint8),
        "label": ShapeDtypeStruct((), np.int32),
        "target": ShapeDtypeStruct((8, 8, 3), np.uint8),
        "mask": ShapeDtypeStruct((4, 4, 1), np.bool_),
        "caption": ShapeDtypeStruct((7,), np.int32),
        "age": ShapeDtypeStruct((), np.float32),
        "video": ShapeDtypeStruct((5, 4, 4, 3), np.uint8),
        "voxels": ShapeDtypeStruct((3, 4, 5), np.bool_),
    }
    assert_contract(every_field, 150)


@pytest.mark.parametrize(
    "arrays, classes, message",
    [
        (
            {"image": np.zeros((3, 1)), "label": np.zeros(2)},
            (),
            "arrays must have one length: image has 3, label has 2",
        ),
        ({}, (), "arrays={}: must be one or more"),
        (
            {"image": np.zeros(3), "age": np.zeros(3)},
            ("a",),
            "there are classes but no label; the fields are image, age",
        ),
    ],
)
def test_wrong_arrays(arrays, classes, message):
    with pytest.raises(ValueError) as error:
        ArraySource(arrays, classes)
    assert str(error.value) == message


def test_in_memory(every_field, lazy, assert_equal):
    source = in_memory(lazy)
    assert isinstance(source, ArraySource) and source.classes == every_field.classes
    assert_equal(source.arrays, every_field.arrays)
    assert_contract(source, 150)


def test_nbytes(every_field, lazy):
    assert nbytes(every_field) == nbytes(lazy) == 150 * BYTES
    assert nbytes(every_field) == sum(array.nbytes for array in every_field.arrays.values())
    assert nbytes(Domains({"a": lazy, "b": select(lazy, ["caption"])})) == 150 * (BYTES + 28)


def test_keep(every_field, lazy, assert_equal):
    for source in (every_field, lazy):
        kept = keep(source, POSITIONS)
        assert_contract(kept, 4)
        assert_equal(rows(kept), every_field[POSITIONS])
        assert_equal(rows(pickle.loads(pickle.dumps(kept))), rows(kept))
        assert kept.classes == every_field.classes


def test_keep_classes(every_field, lazy, assert_equal):
    """Labels are numbered anew, and all else is as it was."""
    for source in (every_field, lazy, keep(lazy, np.arange(150))):
        kept = keep_classes(source, "fox,cat")
        assert_contract(kept, 100)
        assert kept.classes == ("fox", "cat")
        positions = np.flatnonzero(every_field.labels != 1)
        expected = every_field[positions]
        expected["label"] = np.where(expected["label"] == 2, 0, 1).astype(np.int32)
        assert_equal(rows(kept), expected)
        assert_equal(in_memory(kept).arrays, expected)


@pytest.mark.parametrize("labels", [[-1, 2, 0, -1], [900, 7, -5, 3]])
def test_keep_leaves_labels_alone(labels):
    """Those that stand for no class too."""
    arrays = {"label": np.array(labels, np.int32), "video": np.arange(8, dtype=np.uint8).reshape(4, 1, 2, 1, 1)}
    source = Selection(ArraySource(arrays, ("cat", "dog", "fox")), ("label", "video"))
    kept = keep(source, np.array([3, 0]))
    assert kept.labels.tolist() == rows(kept)["label"].tolist() == [labels[3], labels[0]]


def test_examples_without_a_label(assert_equal):
    source = ArraySource({"voxels": np.arange(24).reshape(3, 2, 2, 2) % 5 == 0})
    for each in (source, Selection(source, ("voxels",))):
        assert each.classes == ()
        assert_equal(rows(keep(each, np.array([2, 0]))), {"voxels": source.arrays["voxels"][[2, 0]]})
        assert_equal(in_memory(each).arrays, source.arrays)
        with pytest.raises(ValueError, match="^classes=cat: this dataset has no labels to choose by$"):
            keep_classes(each, "cat")


def test_select(every_field, lazy, assert_equal):
    for source in (every_field, lazy, keep(lazy, np.arange(150))):
        some = select(source, ["voxels", "label"])
        assert_contract(some, 150)
        assert list(some.spec) == ["voxels", "label"] and some.classes == every_field.classes
        assert_equal(rows(some), {name: every_field.arrays[name] for name in ("voxels", "label")})
        assert_equal(rows(pickle.loads(pickle.dumps(some))), rows(some))
        assert isinstance(some, ArraySource) == isinstance(source, ArraySource)
        one = select(some, ["voxels"])
        assert_contract(one, 150)
        assert list(one.spec) == ["voxels"] and one.classes == ()  # as no label says which
    assert np.shares_memory(select(every_field, ["image"]).arrays["image"], every_field.arrays["image"])


@pytest.mark.parametrize(
    "names, message",
    [
        (["image", "sound"], "no field 'sound': the examples have image, "),
        ([], r"names=\[\]: must be one or more of image, "),
    ],
)
def test_select_what_is_not_there(every_field, names, message):
    with pytest.raises(ValueError, match=f"^{message}label, target, mask, caption, age, video, voxels$"):
        select(every_field, names)


def labelled(labels, num_classes):
    names = tuple("abcdefghij"[:num_classes])
    arrays = {"image": np.zeros((len(labels), 8, 8, 1), np.uint8), "label": np.array(labels, np.int32)}
    return ArraySource(arrays, names)


def test_class_counts():
    counts = class_counts(labelled([2, 0, 2, 1, 2], 3))
    assert counts.dtype == np.int64 and counts.tolist() == [1, 1, 3]
    whole = class_counts(load("digits", data_dir="unused"))
    assert whole.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]  # as scikit-learn says
    some = load("digits", data_dir="unused", classes="3,1")
    assert class_counts(some).tolist() == [183, 182] and some.classes == ("3", "1")


def test_class_counts_need_labels_of_each_class():
    with pytest.raises(ValueError, match="^this dataset has no labels, so no class can be asked for$"):
        class_counts(labelled([0, 0], 0))
    for labels, missing in (([0, 2, 2], "b"), ([0, 1], "c")):
        with pytest.raises(ValueError, match=f"^class {missing} has no example, so it cannot be learnt; --classes="):
            class_counts(labelled(labels, 3))


# ---------------------------------------------------------------------------------------------------------- domains


def test_domains(every_field, lazy, assert_equal):
    videos = keep(select(lazy, ["video"]), POSITIONS)
    domains = Domains({"b": videos, "a": every_field})
    assert domains.spec == {"b": {"video": every_field.spec["video"]}, "a": every_field.spec}
    assert list(domains.spec) == ["b", "a"]
    loaded = in_memory(domains)
    assert isinstance(loaded, Domains) and list(loaded.sources) == ["b", "a"]
    assert_equal(loaded.sources["b"].arrays, rows(videos))
    assert loaded.sources["a"] is every_field
    with pytest.raises(TypeError):
        domains[np.arange(2)]
    with pytest.raises(TypeError):
        len(domains)
    with pytest.raises(ValueError, match="^sources={}: must be one or more$"):
        Domains({})


def test_describe(every_field, lazy):
    names = ("cat", "dog", "fox")
    assert describe(lazy) == DataSpec(every_field.spec, names)
    assert describe(keep_classes(lazy, "fox,cat"), count_classes=True) == DataSpec(
        every_field.spec, ("fox", "cat"), (50, 50)
    )
    assert describe(select(lazy, ["video"])) == DataSpec({"video": every_field.spec["video"]})
    assert describe(lazy).image_shape == (4, 4, 3)


def test_describe_domains(every_field, lazy):
    """By the first that has classes."""
    domains = Domains({"a": select(lazy, ["image"]), "b": keep_classes(lazy, "fox,dog"), "c": every_field})
    assert describe(domains, count_classes=True) == DataSpec(domains.spec, ("fox", "dog"), (50, 50))
    unlabelled = Domains({"a": select(lazy, ["image"])})
    assert describe(unlabelled) == DataSpec(unlabelled.spec)
    with pytest.raises(ValueError, match="^this dataset has no labels, so no class can be asked for$"):
        describe(unlabelled, count_classes=True)
