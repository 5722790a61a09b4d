"""What a source of examples is, what is known of its examples, and the source whose examples are in memory."""

import dataclasses
import functools
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import jax
import numpy as np
import tqdm

from gan_jax.data.fingerprint import of_arrays
from gan_jax.data.spec import DataSpec, Spec

CHUNK = 64  # examples decoded at a time


class NoSplit(ValueError):
    """A dataset does not have the split that is asked for."""


class Source(Protocol):
    """Examples found by index. It can be pickled, so that other processes can read it.

    Indexing takes an integer array [n], in any order, with repeats, and returns the fields of `spec`, no others, with n
    in front of their shapes: {"image": uint8 [n,H,W,C] in [0, 255], "label": int32 [n]}. There may be a "label" where
    classes is (): an unlabelled folder of images has 0 everywhere. There may be a `digest` (`fingerprint`).
    """

    spec: Spec  # of one example
    classes: tuple[str, ...]  # names of labels 0, 1, ...; () where there are none
    labels: np.ndarray  # int32 [N]; there may be none where classes is ()

    def __len__(self) -> int: ...

    def __getitem__(self, indices: np.ndarray) -> dict[str, np.ndarray]: ...


@dataclasses.dataclass(frozen=True)
class ArraySource:
    """A `Source` that is an array [N, ...] for each field, such as {"image": uint8 [N,H,W,C], "label": int32 [N]}.

    Attributes: origin: the digest of the source that it was read from, if it was read from one.

    Raises ValueError if there is no array, if their lengths differ, or if there are classes and no "label".
    """

    arrays: dict[str, np.ndarray]
    classes: tuple[str, ...] = ()
    origin: str | None = None

    def __post_init__(self):
        lengths = {name: len(array) for name, array in self.arrays.items()}
        if not lengths:
            raise ValueError("arrays={}: must be one or more")
        if len(set(lengths.values())) > 1:
            found = ", ".join(f"{name} has {length}" for name, length in lengths.items())
            raise ValueError(f"arrays must have one length: {found}")
        if self.classes and "label" not in lengths:
            raise ValueError(f"there are classes but no label; the fields are {', '.join(lengths)}")

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))

    def __getitem__(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        return {name: array[indices] for name, array in self.arrays.items()}

    @property
    def spec(self) -> Spec:
        return {name: jax.ShapeDtypeStruct(array.shape[1:], array.dtype) for name, array in self.arrays.items()}

    @property
    def labels(self) -> np.ndarray:
        return self.arrays["label"]

    @functools.cached_property
    def digest(self) -> str:
        """Reads all that is in the arrays, if it has no origin."""
        return self.origin or of_arrays(self.arrays)


@dataclasses.dataclass(frozen=True)
class Domains:
    """Sources side by side, as those of two kinds of images that nothing pairs: {"a": ..., "b": ...}.

    They may differ in everything, in length too, so there is no example number i of them: the pipeline goes through
    each in an order of its own. Raises ValueError if there is no source.
    """

    sources: dict[str, Source]

    def __post_init__(self):
        if not self.sources:
            raise ValueError("sources={}: must be one or more")

    @property
    def spec(self) -> dict[str, Spec]:
        return {name: source.spec for name, source in self.sources.items()}


@dataclasses.dataclass(frozen=True)
class Selection:
    """A `Source` of the examples of `source`, with the fields `names` alone."""

    source: Source
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        batch = self.source[indices]
        return {name: batch[name] for name in self.names}

    @property
    def spec(self) -> Spec:
        return {name: self.source.spec[name] for name in self.names}

    @property
    def classes(self) -> tuple[str, ...]:
        return self.source.classes if "label" in self.names else ()

    @property
    def labels(self) -> np.ndarray:
        return self.source.labels

    @property
    def digest(self) -> str | None:
        return getattr(self.source, "digest", None)


def select(source: Source, names: Sequence[str]) -> Source:
    """The same examples with these fields alone, in this order; without "label" there are no classes either.

    In memory if the source is, without a copy. Raises ValueError if the examples do not have such a field.
    """
    if not names:
        raise ValueError(f"names={names}: must be one or more of {', '.join(source.spec)}")
    for name in names:
        if name not in source.spec:
            raise ValueError(f"no field {name!r}: the examples have {', '.join(source.spec)}")
    selection = Selection(source, tuple(names))
    if isinstance(source, ArraySource):
        return ArraySource({name: source.arrays[name] for name in names}, selection.classes, source.digest)
    return selection


def class_counts(source: Source) -> np.ndarray:
    """How many examples each class has, int64 [K].

    Raises ValueError if the examples have no labels, or a class has no example.
    """
    if not source.classes:
        raise ValueError("this dataset has no labels, so no class can be asked for")
    if source.labels.min() < 0:
        raise ValueError(f"this dataset has a label {source.labels.min()}: some of its images are without one")
    counts = np.bincount(source.labels, minlength=len(source.classes))
    if not counts.all():
        name = source.classes[counts.argmin()]
        raise ValueError(f"class {name} has no example, so it cannot be learnt; --classes=... keeps others")
    return counts


def describe(source: Source | Domains, *, count_classes: bool = False) -> DataSpec:
    """What a recipe needs to know of a source. Of domains, the classes are those of the first that has any.

    Args: count_classes: whether to count the examples of each class, which may take reading all labels.
    Raises ValueError if they are to be counted and cannot be (`class_counts`).
    """
    labelled = source
    if isinstance(source, Domains):
        each = list(source.sources.values())
        labelled = next((one for one in each if one.classes), each[0])
    counts = class_counts(labelled).tolist() if count_classes else ()
    return DataSpec(source.spec, labelled.classes, tuple(counts))


def nbytes(source: Source | Domains) -> int:
    """What the examples of a source, all their fields, take in memory once decoded."""
    if isinstance(source, Domains):
        return sum(map(nbytes, source.sources.values()))
    return len(source) * sum(math.prod(field.shape) * field.dtype.itemsize for field in source.spec.values())


def in_memory(source: Source | Domains) -> ArraySource | Domains:
    """Decodes every example once. The result indexes to the same arrays; it needs `nbytes(source)` of memory."""
    if isinstance(source, Domains):
        return Domains({name: in_memory(one) for name, one in source.sources.items()})
    if isinstance(source, ArraySource):
        return source
    arrays = {name: np.empty((len(source), *field.shape), field.dtype) for name, field in source.spec.items()}

    def decode(start: int) -> int:
        rows = np.arange(start, min(start + CHUNK, len(source)))
        batch = source[rows]
        for name, array in arrays.items():
            array[rows] = batch[name]
        return len(rows)

    # Threads are enough: Pillow lets go of the interpreter lock while it decodes and resizes.
    with ThreadPoolExecutor() as pool, tqdm.tqdm(total=len(source), desc="decoding images", delay=2) as bar:
        for count in pool.map(decode, range(0, len(source), CHUNK)):
            bar.update(count)
    return ArraySource(arrays, source.classes, getattr(source, "digest", None))
