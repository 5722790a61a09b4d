"""IDX, the file format of MNIST (http://yann.lecun.com/exdb/mnist): magic number, sizes, then the bytes of an array."""

import gzip
import math
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

PREFIXES = {"train": "train", "test": "t10k"}
# The name that MNIST's page gives, and the one that its files had before they were renamed.
SPELLINGS = ("{}-{}-idx{}-ubyte", "{}-{}-idx{}-ubyte.gz", "{}-{}.idx{}-ubyte", "{}-{}.idx{}-ubyte.gz")


def find(folders: Sequence[Path], split: str) -> tuple[Path, Path] | None:
    """The image file and the label file of a split, in the first of the folders that has the images.

    Returns:
      Their two paths, or None when no folder has the images.

    Raises:
      FileNotFoundError: when a folder has the images without their labels.
    """
    for folder in folders:
        images = _first_file(folder, PREFIXES[split], "images", 3)
        if images is None:
            continue
        labels = _first_file(folder, PREFIXES[split], "labels", 1)
        if labels is None:
            name = SPELLINGS[0].format(PREFIXES[split], "labels", 1)
            raise FileNotFoundError(f"{images}: its labels {name}[.gz] are not beside it")
        return images, labels
    return None


def read_pair(image_path: Path, label_path: Path, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Reads images uint8 [N,H,W,1] and their labels int32 [N] in [0, num_classes).

    Raises:
      ValueError: naming the file, when it is damaged or the two do not belong together.
    """
    images, labels = read(image_path, ndim=3), read(label_path, ndim=1)
    if len(images) != len(labels):
        raise ValueError(f"{label_path}: {len(labels)} labels for the {len(images)} images of {image_path}")
    if labels.max() >= num_classes:
        raise ValueError(f"{label_path}: label {labels.max()} found; labels go from 0 to {num_classes - 1}")
    return images[..., None], labels.astype(np.int32)


def read(path: Path, *, ndim: int) -> np.ndarray:
    """Reads an IDX file of bytes, gzipped or not (its content says, not its name).

    Returns:
      A uint8 array of ndim dimensions, with at least one element.

    Raises:
      ValueError: naming the file, when it is not that or is not whole.
    """
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"{path}: damaged gzip file ({error}); delete it, and fetch it again") from error
    # Big-endian: two zero bytes, the type (8 is unsigned byte), the number of dimensions; then each dimension.
    magic = struct.pack(">HBB", 0, 8, ndim)
    header = len(magic) + 4 * ndim
    if content[:4] != magic:
        found = f"starts with {content[:4].hex()}" if content else "is empty"
        raise ValueError(f"{path}: {found}; an IDX file of bytes in {ndim} dimensions starts with {magic.hex()}")
    if len(content) < header:
        raise ValueError(f"{path}: ends within its header; delete it, and fetch it again")
    shape = struct.unpack(f">{ndim}I", content[4:header])
    if math.prod(shape) == 0 or len(content) - header != math.prod(shape):
        raise ValueError(
            f"{path}: {len(content) - header} bytes, but its header says {shape}; delete it, and fetch it again"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _first_file(folder: Path, prefix: str, kind: str, ndim: int) -> Path | None:
    paths = (folder / spelling.format(prefix, kind, ndim) for spelling in SPELLINGS)
    return next((path for path in paths if path.is_file()), None)
