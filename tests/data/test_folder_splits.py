"""Folders named train, val and test are splits, what a folder was taken for is said, and other folders are classes."""

import pytest

from gan_jax.data.source import NoSplit
from tests.data.folders import load_folder, save_gray, values


@pytest.mark.parametrize(
    "folders, train, held_out, said",
    [
        ("train test", "train", "test", "train is trained on, test held out"),
        ("Train VAL Test", "Train", "Test", "Train is trained on, Test held out, VAL not used"),
        ("train valid", "train", "valid", "train is trained on, valid held out"),
        ("Training Validation", "Training", "Validation", "Training is trained on, Validation held out"),
        ("training testing", "training", "testing", "training is trained on, testing held out"),
        ("TRAIN val other", "TRAIN", "val", "TRAIN is trained on, val held out, other not used"),
    ],
)
def test_splits_by_their_names(folders, train, held_out, said, tmp_path, capsys):
    for number, name in enumerate(folders.split()):
        save_gray(tmp_path / name, cat_a=10 * number + 1, cat_b=10 * number + 2, dog_c=10 * number + 3)
    source = load_folder(tmp_path)
    assert capsys.readouterr().out == f"{tmp_path}: splits: {said}; classes: cat (2), dog (1)\n"
    test = load_folder(tmp_path, split="test")
    assert capsys.readouterr().out == ""  # said but once
    for found, name in ((source, train), (test, held_out)):
        number = folders.split().index(name)
        assert found.classes == ("cat", "dog") and found.labels.tolist() == [0, 0, 1]
        assert values(found) == [10 * number + k for k in (1, 2, 3)]


def test_splits_without_classes(tmp_path, capsys):
    save_gray(tmp_path, train_a=1, train_b=2, val_a=3)
    source = load_folder(tmp_path)
    assert (values(source), source.classes) == ([1, 2], ())
    assert capsys.readouterr().out == f"{tmp_path}: splits: train is trained on, val held out; no classes\n"
    assert values(load_folder(tmp_path, split="test")) == [3]
    with pytest.raises(NoSplit, match="no test split"):
        load_folder(tmp_path / "train", split="test")


def test_test_images_without_labels_are_not_held_out(tmp_path, capsys):
    """As those of contests are; not where there are no others."""
    save_gray(tmp_path, train_cat_a=1, train_dog_b=2, test_c=3, val_cat_d=4, val_dog_e=5)
    assert load_folder(tmp_path, split="test").classes == ("cat", "dog")
    load_folder(tmp_path)
    assert "splits: train is trained on, val held out, test not used;" in capsys.readouterr().out
    (tmp_path / "val").rename(tmp_path / ".val")
    assert values(load_folder(tmp_path, split="test")) == [3]


def test_train_alone_is_a_split(tmp_path, capsys):
    save_gray(tmp_path, train_cat_a=1, train_dog_b=2)
    assert load_folder(tmp_path).classes == ("cat", "dog")
    assert "splits: train is trained on, nothing is held out; classes: cat (1), dog (1)" in capsys.readouterr().out
    with pytest.raises(NoSplit):
        load_folder(tmp_path, split="test")


def test_train_beside_other_things_is_a_class(tmp_path, capsys):
    """Which also go by rail, or by air."""
    save_gray(tmp_path, train_a=1, aeroplane_a=2)
    source = load_folder(tmp_path)
    assert source.classes == ("aeroplane", "train") and values(source) == [2, 1]
    assert capsys.readouterr().out == (
        f"{tmp_path}: no images of its own; its folders are classes: aeroplane (1), train (1)\n"
    )


@pytest.mark.parametrize("folders, name", [("val test", "test"), ("Validation", "Validation"), ("test", "test")])
def test_splits_with_nothing_to_train_on(folders, name, tmp_path):
    for folder in folders.split():
        save_gray(tmp_path / folder, a=1)
    with pytest.raises(
        ValueError, match=f"looks like splits without a folder train; .* name it: folder:{tmp_path}/{name}$"
    ):
        load_folder(tmp_path)
    assert values(load_folder(tmp_path / name)) == [1]


def test_two_folders_for_one_split(tmp_path):
    save_gray(tmp_path, train_a=1, Training_a=2, test_a=3)
    with pytest.raises(ValueError, match="its folders Training and train both look like the split train; rename one$"):
        load_folder(tmp_path)


def test_a_folder_around_the_folder_is_noticed(tmp_path, capsys):
    """As archives often have one."""
    save_gray(tmp_path, pets_cat_a=1, pets_dog_b=2)
    assert load_folder(tmp_path).classes == ("pets",)
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("its folders are classes: pets (2)")
    assert second.endswith(
        f"its only class pets holds folders, which are no classes: name it, folder:{tmp_path}/pets, if they are"
    )


def test_a_flat_folder_needs_no_words(tmp_path, capsys):
    save_gray(tmp_path, a=1)
    load_folder(tmp_path)
    assert capsys.readouterr().out == ""


def test_classes_are_in_natural_order(tmp_path):
    """Labels too; the order of the images, by which batches are made, is that of their paths."""
    save_gray(tmp_path, **{f"{name}_a": int(name) for name in ("1", "10", "11", "2", "3")})
    source = load_folder(tmp_path)
    assert source.classes == ("1", "2", "3", "10", "11")
    assert values(source) == [1, 10, 11, 2, 3] and source.labels.tolist() == [0, 3, 4, 1, 2]
    some = load_folder(tmp_path, classes="1..3")
    assert some.classes == ("1", "2", "3") and values(some) == [1, 2, 3] and some.labels.tolist() == [0, 1, 2]
