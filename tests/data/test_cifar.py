import pickle
import tarfile

import numpy as np
import pytest

from gan_jax.data import cifar, load
from gan_jax.data.spec import labelled_image
from tests.conftest import TINY

NAME = "cifar-10-binary.tar.gz"
THINGS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@pytest.mark.parametrize("name", [NAME, "cifar-10-binary.tar", "cifar-10-batches-bin"])
def test_images_and_labels_of_both_splits(name, tmp_path, cifar_archive, coloured):
    archive = cifar_archive(tmp_path / "cifar10" / name.replace("batches-bin", "binary.tar"), *coloured)
    if name == "cifar-10-batches-bin":  # as people unpack it
        with tarfile.open(archive) as content:
            content.extractall(archive.parent, filter="data")
        archive.unlink()
    for split, images, labels in (("train", *coloured[:2]), ("test", *coloured[2:])):
        source = load("cifar10", data_dir=str(tmp_path), split=split)
        assert (source.spec, source.classes) == (labelled_image(32, 32, 3), THINGS)
        batch = source[np.arange(len(source))]
        np.testing.assert_array_equal(batch["image"], images)
        np.testing.assert_array_equal(batch["label"], labels)
        assert batch["image"].flags.c_contiguous


def test_the_order_of_bytes(tmp_path):
    """By hand: red is 1 in the first row, green 2 in the second column of the first row, all else 0."""
    red, green, blue = (np.zeros((32, 32), np.uint8) for _ in range(3))
    red[0], green[0, 1] = 1, 2
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    (folder / "test_batch.bin").write_bytes(b"\x06" + red.tobytes() + green.tobytes() + blue.tobytes())
    images, labels = cifar.read(*cifar.find([tmp_path], "test"), num_classes=10)
    assert labels.tolist() == [6] and labels.dtype == np.int32
    assert images[0, 0, :3].tolist() == [[1, 0, 0], [1, 2, 0], [1, 0, 0]] and not images[0, 1:].any()


def test_find(tmp_path, cifar_archive, coloured):
    folders = [tmp_path / name for name in "abc"]
    assert cifar.find(folders, "train") is None
    archive = cifar_archive(folders[1] / NAME, *coloured)
    cifar_archive(folders[2] / NAME, *coloured)
    assert cifar.find(folders, "train") == (archive, "train")


@pytest.mark.parametrize(
    "damage, said",
    [
        (lambda content: b"", "damaged archive"),
        (lambda content: b"<html>", "damaged archive"),
        (lambda content: content[: len(content) // 2], "damaged archive"),
        (lambda content: content[:2000] + bytes(2000) + content[4000:], "damaged archive"),
        (lambda content: pickle.dumps(content), "damaged archive"),
    ],
)
def test_a_damaged_archive(damage, said, tmp_path, cifar_archive, coloured):
    archive = cifar_archive(tmp_path / NAME, *coloured)
    archive.write_bytes(damage(archive.read_bytes()))
    with pytest.raises(ValueError, match=f"^{archive}: {said} [^\n]*; delete it, and fetch it again$"):
        cifar.read(archive, "train", num_classes=10)


def test_a_batch_missing(tmp_path, cifar_archive, coloured):
    archive = cifar_archive(tmp_path / NAME, *coloured, without=["data_batch_3.bin"])
    with pytest.raises(ValueError, match=f"^{archive}: has no data_batch_3.bin; delete it, and fetch it again$"):
        cifar.read(archive, "train", num_classes=10)
    assert len(cifar.read(archive, "test", num_classes=10)[1]) == 7
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match="none: has no test_batch.bin"):
        cifar.read(tmp_path / "none", "test", num_classes=10)


@pytest.mark.parametrize("content", [b"", bytes(3072), bytes(3074)])
def test_a_batch_that_is_not_whole(content, tmp_path):
    (tmp_path / "test_batch.bin").write_bytes(content)
    with pytest.raises(ValueError, match=f"test_batch.bin has {len(content)} bytes, no multiple of 3073; delete it"):
        cifar.read(tmp_path, "test", num_classes=10)


def test_a_label_that_is_none(tmp_path):
    (tmp_path / "test_batch.bin").write_bytes(b"\x0a" + bytes(3072))
    with pytest.raises(ValueError, match=f"^{tmp_path}: label 10 found; labels go from 0 to 9$"):
        cifar.read(tmp_path, "test", num_classes=10)


CONVOLUTIONAL = ("--game=non_saturating", "--width=2", "--latent_size=4", "--batch_size=4")


@pytest.mark.usefixtures("compiled_in_haste")
@pytest.mark.parametrize("networks", [TINY, pytest.param(CONVOLUTIONAL, marks=pytest.mark.slow)], ids=["mlp", "dcgan"])
def test_a_run_by_its_name(networks, tmp_path, monkeypatch, cifar_archive, coloured, published, run_experiment, capsys):
    """Downloaded into the user's cache; a second run needs no network."""
    cifar_archive(tmp_path / "there" / NAME, *coloured)
    server = published("cifar10", tmp_path / "there")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    given = (*networks, "--dataset=cifar10", "--steps=3", f"--workdir={tmp_path / 'run'}")
    assert run_experiment(*given) == 0
    assert (tmp_path / "caches/gan_jax/data/cifar10" / NAME).exists()
    assert run_experiment(*given) == 0
    assert server.asked == [(NAME, None)] and "error" not in capsys.readouterr().err
