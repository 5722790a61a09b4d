"""Names of datasets with paths in them."""

import os

import pytest

from gan_jax.data import places


def test_paths_are_from_the_root_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    assert places.absolute("folder:cats") == places.absolute("folder:./dogs/../cats/") == f"folder:{tmp_path}/cats"
    assert places.absolute("folder:/a/cats") == "folder:/a/cats"
    assert places.absolute("folder:~/cats") == "folder:/home/me/cats"
    assert places.absolute("unaligned:cats") == f"unaligned:{tmp_path}/cats"
    assert places.absolute("unaligned:cats,/b/dogs") == f"unaligned:{tmp_path}/cats,/b/dogs"
    assert places.absolute_path("data") == os.path.join(tmp_path, "data")


@pytest.mark.parametrize("dataset", ["digits", "tfds:cifar10", "tfds:imagenet_resized/32x32", "recolored:mnist", None])
def test_names_without_paths_stay(dataset):
    assert places.absolute(dataset) == places.title(dataset) == dataset and not places.has_place(dataset)


def test_for_people_the_last_folder_is_enough():
    assert places.title("folder:/home/me/cats") == places.title("folder:cats/") == "folder:cats"
