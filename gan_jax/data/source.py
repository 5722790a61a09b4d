"""What a source of examples is, and the one whose examples are in memory."""

import dataclasses
import math
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
import tqdm

CHUNK = 64  # examples decoded at a time


class NoSplit(ValueError):
    """A dataset does not have the split that is asked for."""


class Source(Protocol):
    """Examples found by index. It can be pickled, so that other processes can read it.

    Indexing takes an integer array [n], in any order, with repeats, and returns {"image": uint8 [n,H,W,C] in [0, 255],
    "label": int32 [n]}; labels are all 0 where num_classes is 0, that is in an unlabelled dataset.
    """

    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...]  # of labels 0, 1, ...
    num_classes: int  # how many names there are
    labels: np.ndarray  # int32 [N]; there may be none where num_classes is 0

    def __len__(self) -> int: ...

    def __getitem__(self, indices: np.ndarray) -> dict[str, np.ndarray]: ...


@dataclasses.dataclass(frozen=True)
class ArraySource:
    """A `Source` that is two arrays: images uint8 [N,H,W,C], labels int32 [N]."""

    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        return {"image": self.images[indices], "label": self.labels[indices]}

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return self.images.shape[1:]

    @property
    def num_classes(self) -> int:
        return len(self.class_names)


def class_counts(source: Source) -> np.ndarray:
    """How many examples each class has, int64 [K].

    Raises ValueError if the images have no labels, or a class has no example.
    """
    if source.num_classes == 0:
        raise ValueError("this dataset has no labels, so no class can be asked for")
    if source.labels.min() < 0:
        raise ValueError(f"this dataset has a label {source.labels.min()}: some of its images are without one")
    counts = np.bincount(source.labels, minlength=source.num_classes)
    if not counts.all():
        name = source.class_names[counts.argmin()]
        raise ValueError(f"class {name} has no example, so it cannot be learnt; --classes=... keeps others")
    return counts


def nbytes(source: Source) -> int:
    """What the images of a source take in memory once decoded."""
    return len(source) * math.prod(source.image_shape)


def in_memory(source: Source) -> ArraySource:
    """Decodes every example once. The result indexes to the same arrays; it needs `nbytes(source)` of memory."""
    if isinstance(source, ArraySource):
        return source
    images = np.empty((len(source), *source.image_shape), np.uint8)
    labels = np.empty(len(source), np.int32)

    def decode(start: int) -> int:
        rows = np.arange(start, min(start + CHUNK, len(source)))
        batch = source[rows]
        images[rows], labels[rows] = batch["image"], batch["label"]
        return len(rows)

    # Threads are enough: Pillow lets go of the interpreter lock while it decodes and resizes.
    with ThreadPoolExecutor() as pool, tqdm.tqdm(total=len(source), desc="decoding images", delay=2) as bar:
        for count in pool.map(decode, range(0, len(source), CHUNK)):
            bar.update(count)
    return ArraySource(images, labels, source.class_names)
