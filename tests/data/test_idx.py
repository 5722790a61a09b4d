import gzip
import struct

import numpy as np
import pytest

from gan_jax.data import idx


def idx_bytes(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


IMAGES = np.arange(2 * 3 * 4).reshape(2, 3, 4)
DAMAGED = {
    "empty": (b"", "is empty"),
    "labels": (idx_bytes(np.arange(3)), "starts with 00000801; an IDX file of bytes in 3 dimensions .* 00000803"),
    "web page": (b"<html>", "starts with 3c68746d"),
    "cut in the header": (idx_bytes(IMAGES)[:10], "ends within its header"),
    "cut in the data": (idx_bytes(IMAGES)[:-1], r"23 bytes, but its header says \(2, 3, 4\)"),
    "too long": (idx_bytes(IMAGES) + b"x", r"25 bytes, but its header says \(2, 3, 4\)"),
    "no images": (idx_bytes(IMAGES[:0]), r"0 bytes, but its header says \(0, 3, 4\)"),
    "gzip cut": (gzip.compress(idx_bytes(IMAGES))[:-9], "damaged gzip file"),
    "gzip changed": (gzip.compress(idx_bytes(IMAGES))[:-8] + b"\0" * 8, "damaged gzip file"),
    "gzip header only": (b"\x1f\x8b", "damaged gzip file"),
}


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
@pytest.mark.parametrize("name", ["a", "a.gz"])
def test_read(tmp_path, compress, name):
    (tmp_path / name).write_bytes(compress(idx_bytes(IMAGES)))
    content = idx.read(tmp_path / name, ndim=3)
    assert content.dtype == np.uint8
    np.testing.assert_array_equal(content, IMAGES)


@pytest.mark.parametrize("case", DAMAGED)
def test_damage_is_told_with_the_file(tmp_path, case):
    content, message = DAMAGED[case]
    path = tmp_path / "images"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        idx.read(path, ndim=3)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("spelling", ["-idx", ".idx"])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_find_knows_the_spellings(tmp_path, idx_folder, spelling, ending):
    folder = idx_folder(tmp_path / "b", IMAGES, np.arange(2), prefix="t10k", spelling=spelling, ending=ending)
    found = idx.find([tmp_path / "missing", folder], "test")
    names = [f"t10k-images{spelling}3-ubyte{ending}", f"t10k-labels{spelling}1-ubyte{ending}"]
    assert [path.name for path in found] == names
    assert idx.find([folder], "train") is None


def test_find_takes_the_first_folder(tmp_path, idx_folder):
    folders = [idx_folder(tmp_path / name, IMAGES, np.arange(2)) for name in "ab"]
    assert idx.find(folders, "train")[0].parent == folders[0]


def test_labels_missing(tmp_path, idx_folder):
    idx_folder(tmp_path, IMAGES, np.arange(2))
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match=r"images-idx3-ubyte: its labels train-labels-idx1-ubyte\[.gz\] "):
        idx.find([tmp_path], "train")


@pytest.mark.parametrize(
    "labels, message",
    [([1, 2, 3], "labels-idx1-ubyte: 3 labels for the 2 images"), ([1, 10], "labels-idx1-ubyte: label 10 found")],
)
def test_labels_that_do_not_fit(tmp_path, idx_folder, labels, message):
    idx_folder(tmp_path, IMAGES, np.array(labels))
    with pytest.raises(ValueError, match=message):
        idx.read_pair(*idx.find([tmp_path], "train"), num_classes=10)
