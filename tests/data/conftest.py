import gzip
import hashlib
import io
import itertools
import struct
import tarfile
from pathlib import Path

import jax
import numpy as np
import pytest

from gan_jax.data import ArraySource, batches
from gan_jax.data.download import File
from gan_jax.data.published import PUBLISHED, Published
from tests.data.mirror import Mirror


@pytest.fixture
def idx_folder():
    """A function that writes the image and label file of one split, by the names that MNIST gives them."""

    def write(folder: Path, images, labels, *, prefix="train", spelling="-idx", ending=""):
        folder.mkdir(parents=True, exist_ok=True)
        for kind, array in (("images", images), ("labels", labels)):
            header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            content = header + array.astype(np.uint8).tobytes()
            path = folder / f"{prefix}-{kind}{spelling}{array.ndim}-ubyte{ending}"
            path.write_bytes(gzip.compress(content) if ending == ".gz" else content)
        return folder

    return write


@pytest.fixture
def mirror():
    """mirror() is a server of files on this machine, which ends with the test."""
    made = []

    def start() -> Mirror:
        made.append(Mirror())
        return made[-1]

    yield start
    for each in made:
        each.shutdown()
        each.server_close()


@pytest.fixture
def cifar_archive():
    """A function that writes CIFAR-10's archive of training images [N,32,32,3] and their labels, and of test images."""

    def write(path: Path, images, labels, test_images, test_labels, *, without=()) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        parts = [*zip(np.array_split(images, 5), np.array_split(labels, 5)), (test_images, test_labels)]
        names = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]
        with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
            for name, (some, theirs) in [("readme.html", ([], [])), *zip(names, parts)]:
                # A byte of the label; then all that is red, row by row, all that is green, and all that is blue.
                records = (bytes([label]) + image.transpose(2, 0, 1).tobytes() for image, label in zip(some, theirs))
                content = b"".join(records)
                member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
                member.size = len(content)
                if name not in without:
                    archive.addfile(member, io.BytesIO(content))
        return path

    return write


@pytest.fixture
def coloured():
    """Images uint8 [12,32,32,3] and their labels, and [7,32,32,3] and theirs for a test."""
    random = np.random.RandomState(1)
    images, test_images = (random.randint(0, 256, (count, 32, 32, 3)).astype(np.uint8) for count in (12, 7))
    return images, np.arange(12) % 10, test_images, np.arange(7)


@pytest.fixture
def dataset_files(idx_folder, examples, cifar_archive, coloured):
    """dataset_files(name, folder) writes files as those of a dataset of `published`; returns the folder."""

    def write(name: str, folder: Path) -> Path:
        if name == "cifar10":
            cifar_archive(folder / "cifar-10-binary.tar.gz", *coloured)
        else:
            images, labels = examples
            idx_folder(folder, images, labels, ending=".gz")
            idx_folder(folder, images[:7], labels[:7], prefix="t10k", ending=".gz")
        return folder

    return write


@pytest.fixture
def published(mirror, monkeypatch):
    """published(name, folder) lets a server on this machine be where a dataset of these files is published."""

    def publish(name: str, folder: Path) -> Mirror:
        monkeypatch.delenv("GAN_JAX_OFFLINE", raising=False)
        server = mirror()
        server.files = {path.name: path.read_bytes() for path in folder.iterdir()}
        there = {
            split: tuple(
                File(file.name, len(content), hashlib.sha256(content).hexdigest())
                for file in files
                for content in [server.files[file.name]]
            )
            for split, files in PUBLISHED[name].splits.items()
        }
        monkeypatch.setitem(PUBLISHED, name, Published((server.url,), there))
        return server

    return publish


@pytest.fixture
def examples():
    """Images uint8 [12,28,28] and labels [12] in [0,10), all different enough to tell apart."""
    return np.random.RandomState(0).randint(0, 256, (12, 28, 28)).astype(np.uint8), np.arange(12) % 10


@pytest.fixture
def numbered():
    """A function that makes a source of `length` images and labels that tell their index."""

    def make(length: int) -> ArraySource:
        numbers = np.arange(length, dtype=np.int32)
        arrays = {"image": numbers.astype(np.uint8).reshape(length, 1, 1, 1), "label": numbers}
        return ArraySource(arrays, tuple(map(str, range(length))))

    return make


@pytest.fixture
def every_field():
    """150 examples with fields of many kinds, and 3 classes; example i is of class i mod 3."""
    random = np.random.RandomState(1)

    def pixels(*shape):
        return random.randint(0, 256, (150, *shape)).astype(np.uint8)

    arrays = {
        "image": pixels(4, 4, 3),
        "label": np.arange(150, dtype=np.int32) % 3,
        "target": pixels(8, 8, 3),
        "mask": pixels(4, 4, 1) > 127,
        "caption": random.randint(0, 1000, (150, 7)).astype(np.int32),
        "age": random.rand(150).astype(np.float32),
        "video": pixels(5, 4, 4, 3),
        "voxels": pixels(3, 4, 5) > 127,
    }
    return ArraySource(arrays, ("cat", "dog", "fox"))


@pytest.fixture
def take():
    """A function that returns the first batches of `pipeline.batches`."""

    def run(count: int, *args, **kwargs) -> list[dict]:
        iterator = batches(*args, **kwargs)
        try:
            return list(itertools.islice(iterator, count))
        finally:
            iterator.close()

    return run


@pytest.fixture
def assert_equal():
    """A function that compares arrays, with their dtypes, in lists and dicts of any depth."""

    def check(ours, theirs):
        assert jax.tree.structure(ours) == jax.tree.structure(theirs)
        for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)

    return check
