"""Datasets that are downloaded by their name: from where, to where, and when not."""

import gzip
import os
import re
import shutil
import struct
import subprocess
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from gan_jax.data import download, load, sources
from gan_jax.data.published import PUBLISHED
from tests.data.mirror import cut_off, other, status

FASHION = Path("/usr/share/datasets/fashion-mnist")
MNIST = Path(os.environ.get("GAN_JAX_TEST_DATA", "none")) / "mnist"
LABELS, IMAGES = "train-labels-idx1-ubyte.gz", "train-images-idx3-ubyte.gz"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """What this machine has, none of it."""
    monkeypatch.setattr(sources, "SYSTEM_FOLDER", tmp_path / "system")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture
def mnist(published, dataset_files, tmp_path):
    return published("mnist", dataset_files("mnist", tmp_path / "there"))


def names(server):
    return [name for name, _ in server.asked]


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("given, home", [({}, "caches/gan_jax/data"), ({"data_dir": "own"}, "here/own")])
def test_downloaded_once(name, given, home, tmp_path, published, dataset_files):
    """Both splits, into the user's cache or where --data_dir says."""
    server = published(name, dataset_files(name, tmp_path / "there"))
    train, test = (load(name, split=split, **given) for split in ("train", "test"))
    assert (len(train), len(test)) == (12, 7) and len(train.classes) == len(set(train.classes)) == 10
    dataset_files(name, tmp_path / "local" / name)
    local = load(name, data_dir=str(tmp_path / "local"))
    np.testing.assert_array_equal(train[np.arange(12)]["image"], local[np.arange(12)]["image"])
    assert sorted(names(server)) == sorted(server.files) == sorted(os.listdir(tmp_path / home / name))
    if given:
        assert not (tmp_path / "caches").exists()


def test_class_names():
    """As the makers of the datasets have them."""
    assert {name: " ".join(sources.DATASETS[name].args[1]) for name in PUBLISHED} == {
        "mnist": "0 1 2 3 4 5 6 7 8 9",
        "fashion_mnist": "T-shirt/top Trouser Pullover Dress Coat Sandal Shirt Sneaker Bag Ankle boot",
        "kmnist": "o ki su tsu na ha ma ya re wo",
        "cifar10": "airplane automobile bird cat deer dog frog horse ship truck",
    }


def test_an_interrupted_download_is_gone_on_with(mnist, monkeypatch):
    mnist.answers += [cut_off(20), status(500)]
    with pytest.raises(FileNotFoundError, match="cannot be downloaded .train-labels-idx1-ubyte.gz: [^\n]* 500 "):
        load("mnist")
    with monkeypatch.context() as patch:
        patch.setenv("GAN_JAX_OFFLINE", "1")
        with pytest.raises(FileNotFoundError, match="GAN_JAX_OFFLINE"):
            load("mnist")
    assert len(load("mnist")) == 12
    assert mnist.asked[:4] == [(LABELS, None), (LABELS, "bytes=20-"), (LABELS, "bytes=20-"), (IMAGES, None)]


def test_between_two_files(mnist):
    """The labels are there and the images are not."""
    mnist.answers += [lambda handler, content, start: cut_off(len(content))(handler, content, start), status(404)]
    with pytest.raises(FileNotFoundError, match=f"{IMAGES}: [^\n]* 404 Not Found"):
        load("mnist")
    assert len(load("mnist")) == 12 and names(mnist)[:3] == [LABELS, IMAGES, IMAGES]


def test_the_test_split_may_be_late(mnist):
    """One that is not needed does not keep from training; it is asked for again when it is needed."""
    served = lambda handler, content, start: cut_off(len(content))(handler, content, start)
    mnist.answers += [served, served, status(404)]
    assert len(load("mnist")) == 12
    assert len(load("mnist")) == 12 and len(mnist.asked) == 3
    assert len(load("mnist", split="test")) == 7


def test_what_is_there_is_used(mnist, tmp_path, idx_folder, examples):
    """And the split that lacks is downloaded beside it."""
    idx_folder(tmp_path / "here/data/mnist", *examples)
    assert len(load("mnist")) == 12 and mnist.asked == []
    assert len(load("mnist", split="test")) == 7
    assert names(mnist) == ["t10k-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz"]


def test_wrong_bytes_are_never_kept(mnist, tmp_path):
    mnist.answers += [other(bytes(len(mnist.files[LABELS])))]
    with pytest.raises(FileNotFoundError, match="other bytes than those published"):
        load("mnist", data_dir=str(tmp_path / "own"))
    assert not (tmp_path / "own").exists()


def test_a_run_says_in_one_line_what_to_do(mnist, run_experiment, tiny, capsys, tmp_path):
    mnist.answers += [status(404)]
    assert run_experiment(*tiny, "--dataset=mnist", f"--workdir={tmp_path / 'run'}") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"here/{IMAGES[:-3]}" not in line and f"no {IMAGES[:-3]}[.gz] in data/mnist or " in line
    assert f"{tmp_path}/caches/gan_jax/data/mnist; put the files of {mnist.url} there" in line


def test_stopped_in_a_download(mnist, run_experiment, tiny, capsys, tmp_path, monkeypatch):
    """By Ctrl-C; the same command goes on with it."""
    mnist.answers += [cut_off(20)]

    def interrupted(response):
        yield response.read(20)
        raise KeyboardInterrupt

    given = (*tiny, "--dataset=mnist", "--steps=1", f"--workdir={tmp_path / 'run'}")
    with monkeypatch.context() as patch:
        patch.setattr(download, "_chunks", interrupted)
        assert run_experiment(*given) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "stopped before the first round"
    assert not (tmp_path / "run").exists()
    assert os.listdir(tmp_path / "caches/gan_jax/data/mnist") == [f".{LABELS}.part"]
    assert len(load("mnist")) == 12 and mnist.ranges[:2] == [None, "bytes=20-"]


def test_a_folder_that_cannot_be_written(mnist, run_experiment, tiny, capsys, tmp_path):
    (tmp_path / "file").touch()
    given = (*tiny, "--dataset=mnist", f"--data_dir={tmp_path}/file/data", f"--workdir={tmp_path / 'run'}")
    assert run_experiment(*given) == 2
    said = (
        f"{tmp_path}/file/data/mnist/{LABELS} cannot be written: Not a directory; --data_dir=... names another folder"
    )
    assert capsys.readouterr().err.splitlines() == [f"error: {said}"]


def test_help_says_what_a_download_takes():
    sizes = (
        "mnist (downloads 11 MB), fashion_mnist (downloads 29 MB), kmnist (downloads 20 MB), cifar10 (downloads 162 MB)"
    )
    assert (
        sources.listed()
        == f"digits, print, {sizes}, photos, furniture, stacked_digits, stacked_mnist (downloads 11 MB)"
    )


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_table(name):
    mirrors, splits = PUBLISHED[name]
    assert len(mirrors) > 1 and all(re.fullmatch(r"https?://[^ ]+/", mirror) for mirror in mirrors)
    assert set(splits) == {"train", "test"}
    assert all(re.fullmatch("[0-9a-f]{64}", file.sha256) for files in splits.values() for file in files)


def files_of(name):
    return [file for files in PUBLISHED[name].splits.values() for file in files]


def with_header(compressed: bytes, seconds: int, name: str) -> bytes:
    """A gzip file that tells neither time nor name, with both."""
    assert compressed[3] == 0  # then the content follows after ten bytes
    return b"\x1f\x8b\x08\x08" + struct.pack("<I", seconds) + compressed[8:10] + name.encode() + b"\0" + compressed[10:]


@pytest.mark.skipif(not MNIST.is_dir(), reason="GAN_JAX_TEST_DATA does not name a folder with mnist")
@pytest.mark.skipif(shutil.which("gzip") is None, reason="gzip is not installed")
@pytest.mark.parametrize("file", files_of("mnist"), ids=lambda file: file.name)
def test_checksums_of_mnist(file):
    """Of the real bytes, which gzip -6 compressed at these seconds of 1996 and 1998, when the files had other names."""
    seconds = {"train-labels": 848331398, "train-images": 848331386, "t10k-labels": 885827268, "t10k-images": 885827245}
    content = gzip.decompress((MNIST / file.name).read_bytes())
    compressed = subprocess.run(["gzip", "-6", "-n"], input=content, capture_output=True, check=True).stdout
    original = with_header(
        compressed, seconds["-".join(file.name.split("-")[:2])], file.name[:-3].replace("-idx", ".idx")
    )
    assert (len(original), sha256(original).hexdigest()) == (file.size, file.sha256)


@pytest.mark.skipif(not FASHION.is_dir(), reason=f"{FASHION} (Debian's package dataset-fashion-mnist) is absent")
@pytest.mark.parametrize("file", files_of("fashion_mnist"), ids=lambda file: file.name)
def test_checksums_of_fashion_mnist(file):
    """Debian took names and times out of the headers."""
    seconds = 1504176627 if file.name.startswith("t10k") else 1504176606
    original = with_header((FASHION / file.name).read_bytes(), seconds, file.name[:-3])
    assert (len(original), sha256(original).hexdigest()) == (file.size, file.sha256)
