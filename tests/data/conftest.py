import gzip
import struct
from pathlib import Path

import numpy as np
import pytest


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
def examples():
    """Images uint8 [12,28,28] and labels [12] in [0,10), all different enough to tell apart."""
    return np.random.RandomState(0).randint(0, 256, (12, 28, 28)).astype(np.uint8), np.arange(12) % 10
