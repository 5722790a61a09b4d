"""Keeping some examples of a source, or some classes: the frogs of CIFAR-10 are its class 6."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from gan_jax.data.source import ArraySource, Source

LISTED = 10  # names in an error, at most


@dataclasses.dataclass(frozen=True)
class ClassSubset:
    """A `Source` of the examples of `source` at `positions` (int64 [n]); label c becomes `renumbered[c]`."""

    source: Source
    positions: np.ndarray
    renumbered: np.ndarray
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        batch = self.source[self.positions[indices]]
        return {"image": batch["image"], "label": self.renumbered[batch["label"]]}

    @property
    def labels(self) -> np.ndarray:
        return self.renumbered[self.source.labels[self.positions]]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return self.source.image_shape

    @property
    def num_classes(self) -> int:
        return len(self.class_names)


def keep(source: Source, positions: np.ndarray) -> Source:
    """The examples at `positions`, int [n], in this order; in memory if the source is."""
    if isinstance(source, ArraySource):
        return ArraySource(source.images[positions], source.labels[positions], source.class_names)
    return ClassSubset(source, positions, np.arange(max(1, source.num_classes), dtype=np.int32), source.class_names)


def keep_classes(source: Source, classes: str) -> ClassSubset:
    """Keeps the examples of the named classes, in the order of the source.

    Args:
      source: a `Source`.
      classes: as `class_numbers` takes them. They become 0, 1, ... in the order in which they are named here, so a
        conditional network has no class that it never sees.

    Raises:
      ValueError: when classes does not name one or more different classes of the source, or none of them has examples.
    """
    if source.num_classes == 0:
        raise ValueError(f"classes={classes}: this dataset has no labels to choose by")
    chosen = class_numbers("classes", classes, source.class_names)
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"classes={classes}: each but once")
    positions = np.flatnonzero(np.isin(source.labels, chosen))
    if len(positions) == 0:
        raise ValueError(f"classes={classes}: no example has such a label")
    renumbered = np.zeros(source.num_classes, np.int32)
    renumbered[chosen] = np.arange(len(chosen))
    return ClassSubset(source, positions, renumbered, tuple(source.class_names[label] for label in chosen))


def class_numbers(flag: str, value: str, names: Sequence[str]) -> list[int]:
    """The numbers of classes by their names: "7", "1,4", "0..9" or "cat,dog".

    Where no name is a number, numbers do too. Raises ValueError, which calls the value by its flag, for what is no class.
    """
    known = {} if any(name.isdecimal() for name in names) else {str(number): number for number in range(len(names))}
    known |= {name: number for number, name in enumerate(names)}
    if value in known:  # whatever it has in it
        return [known[value]]
    first, dots, last = value.partition("..")
    chosen = [known.get(name.strip()) for name in ((first, last) if dots else value.split(","))]
    if dots and None not in chosen:
        chosen = list(range(chosen[0], chosen[1] + 1))
    if not chosen or None in chosen:
        example = f"{names[0]} or {names[0]},{names[-1]} or {names[0]}..{names[-1]}" if len(names) > 1 else names[0]
        raise ValueError(f"{flag}={value}: the classes are {listed(names)}; name one or more, as in {example}")
    return chosen


def listed(names: Sequence[str]) -> str:
    """The names with commas between; the first ten of more."""
    return ", ".join(names if len(names) <= LISTED else [*names[:LISTED], "..."])


def apart(**lists: Sequence[str]) -> str:
    """How two lists of class names differ: "only run has cat, dog; only data has fox"; or that their order does."""
    (some, ours), (others, theirs) = lists.items()
    only = {some: [name for name in ours if name not in theirs], others: [name for name in theirs if name not in ours]}
    return "; ".join(f"only {whose} has {listed(names)}" for whose, names in only.items() if names) or "their order"
