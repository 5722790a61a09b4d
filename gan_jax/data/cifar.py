"""The binary version of CIFAR-10 (https://www.cs.toronto.edu/~kriz/cifar.html): records of one label and 32x32 pixels.

It is read without unpacking it. The version for Python is a pickle, which may do anything when it is read; this one cannot.
"""

import gzip
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

SPELLINGS = ("cifar-10-batches-bin", "cifar-10-binary.tar.gz", "cifar-10-binary.tar")
BATCHES = {"train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)), "test": ("test_batch.bin",)}
SHAPE = (3, 32, 32)  # red, green and blue; each from top to bottom
RECORD = 1 + 3 * 32 * 32  # bytes


def find(folders: Sequence[Path], split: str) -> tuple[Path, str] | None:
    """The archive, or the folder that is unpacked of it, in the first of the folders that has one; and the split.

    None when no folder has any.
    """
    paths = (folder / spelling for folder in folders for spelling in SPELLINGS)
    return next(((path, split) for path in paths if path.exists()), None)


def read(path: Path, split: str, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Reads images uint8 [N,32,32,3] and their labels int32 [N] in [0, num_classes).

    Raises:
      ValueError: naming the file, when it is damaged or lacks a batch.
    """
    wanted = BATCHES[split]
    contents = _of_folder(path, wanted) if path.is_dir() else _of_archive(path, wanted)
    for name in wanted:
        if name not in contents:
            raise ValueError(f"{path}: has no {name}; delete it, and fetch it again")
        if not contents[name] or len(contents[name]) % RECORD:
            size = len(contents[name])
            raise ValueError(f"{path}: {name} has {size} bytes, no multiple of {RECORD}; delete it, and fetch it again")
    records = np.frombuffer(b"".join(contents[name] for name in wanted), np.uint8).reshape(-1, RECORD)
    labels = records[:, 0].astype(np.int32)
    if labels.max() >= num_classes:
        raise ValueError(f"{path}: label {labels.max()} found; labels go from 0 to {num_classes - 1}")
    return np.ascontiguousarray(records[:, 1:].reshape(-1, *SHAPE).transpose(0, 2, 3, 1)), labels


def _of_folder(folder: Path, wanted: Sequence[str]) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in wanted if (folder / name).is_file()}


def _of_archive(path: Path, wanted: Sequence[str]) -> dict[str, bytes]:
    contents = {}
    try:
        # Its content says whether it is compressed. Were tarfile to find out, its error would have a line for each way.
        with path.open("rb") as file:
            mode = "r:gz" if file.read(2) == b"\x1f\x8b" else "r:"
        with tarfile.open(path, mode) as archive:
            for member in archive:
                name = PurePosixPath(member.name).name
                if name in wanted and member.isfile():
                    contents[name] = archive.extractfile(member).read()
                if len(contents) == len(wanted):  # what follows need not be unpacked
                    break
    except (EOFError, gzip.BadGzipFile, tarfile.TarError, zlib.error) as error:
        raise ValueError(f"{path}: damaged archive ({error}); delete it, and fetch it again") from error
    return contents
