"""Keeping some examples of a source, or some classes: the frogs of CIFAR-10 are its class 6."""

import dataclasses
import re
from collections.abc import Iterable, Sequence

import numpy as np

from gan_jax.data.source import ArraySource, Source
from gan_jax.data.spec import Spec

LISTED = 10  # names in an error, at most
NUMBER = re.compile(r"[-+]?\d+(\.\d+)?")


@dataclasses.dataclass(frozen=True)
class Subset:
    """A `Source` of the examples of `source` at `positions`, int64 [n].

    Label c becomes `renumbered[c]`, unless that is None; all other fields are as they were.
    """

    source: Source
    positions: np.ndarray
    classes: tuple[str, ...]
    renumbered: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        batch = self.source[self.positions[indices]]
        return batch if self.renumbered is None else batch | {"label": self.renumbered[batch["label"]]}

    @property
    def labels(self) -> np.ndarray:
        labels = self.source.labels[self.positions]
        return labels if self.renumbered is None else self.renumbered[labels]

    @property
    def spec(self) -> Spec:
        return self.source.spec

    @property
    def digest(self) -> str | None:
        return getattr(self.source, "digest", None)


def keep(source: Source, positions: np.ndarray) -> Source:
    """The examples at `positions`, int [n], in this order; in memory if the source is."""
    if isinstance(source, ArraySource):
        return ArraySource(source[positions], source.classes, source.digest)
    return Subset(source, positions, source.classes)


def keep_classes(source: Source, classes: str) -> Subset:
    """Keeps the examples of the named classes, in the order of the source.

    Args:
      source: a `Source`.
      classes: as `class_numbers` takes them. They become 0, 1, ... in the order in which they are named here, so a
        conditional network has no class that it never sees.

    Raises:
      ValueError: when classes does not name one or more different classes of the source, or none of them has examples.
    """
    if not source.classes:
        raise ValueError(f"classes={classes}: this dataset has no labels to choose by")
    chosen = class_numbers("classes", classes, source.classes)
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"classes={classes}: each but once")
    positions = np.flatnonzero(np.isin(source.labels, chosen))
    if len(positions) == 0:
        raise ValueError(f"classes={classes}: no example has such a label")
    renumbered = np.zeros(len(source.classes), source.spec["label"].dtype)
    renumbered[chosen] = np.arange(len(chosen))
    return Subset(source, positions, tuple(source.classes[label] for label in chosen), renumbered)


def in_order_of(source: Source, classes: Sequence[str]) -> Source:
    """The same examples, their labels numbered as in `classes`: what has learnt names by their numbers goes on with them.

    Raises ValueError if these are not the classes of the source, in whatever order.
    """
    if source.classes == tuple(classes):
        return source
    if sorted(source.classes) != sorted(classes):
        raise ValueError(f"the classes are others: {apart(there=classes, data=source.classes)}")
    numbers = {name: number for number, name in enumerate(classes)}
    renumbered = np.array([numbers[name] for name in source.classes], source.spec["label"].dtype)
    if isinstance(source, ArraySource):
        return ArraySource(source.arrays | {"label": renumbered[source.labels]}, tuple(classes), source.digest)
    return Subset(source, np.arange(len(source)), tuple(classes), renumbered)


def in_natural_order(names: Iterable[str]) -> list[str]:
    """Names sorted as people count: 1, 2, 10, and not 1, 10, 2; without digits in them, as Python sorts strings."""
    return sorted(names, key=lambda name: (_natural_key(name), name))


def class_numbers(flag: str, value: str, names: Sequence[str]) -> list[int]:
    """The numbers of classes by their names: "7", "1,4", "0..9" or "cat,dog".

    Where names are numbers, a range has all of them between, whatever their order, and "7" is also "007"; where none is,
    the numbers of classes do too. Raises ValueError for what is no class, calling the value by its flag.
    """
    values = {name: _value(name) for name in names if NUMBER.fullmatch(name)}
    numbers = {name: number for number, name in enumerate(names)}
    known = {str(value): numbers[name] for name, value in values.items()}
    known = (known or {str(number): number for number in range(len(names))}) | numbers
    if value in known:  # whatever it has in it
        return [known[value]]
    first, dots, last = value.partition("..")
    chosen = [known.get(name.strip()) for name in ((first, last) if dots else value.split(","))]
    if dots and None not in chosen:
        chosen = _between(*chosen, [values.get(name) for name in names])
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


def _between(first: int, last: int, values: Sequence[float | None]) -> list[int]:
    """The classes from one to another: by the values of their names where both are numbers, else by their own numbers."""
    if values[first] is None or values[last] is None:
        return list(range(first, last + 1))
    inside = [k for k, value in enumerate(values) if value is not None and values[first] <= value <= values[last]]
    return sorted(inside, key=lambda k: values[k])


def _value(number: str) -> float:
    return float(number) if "." in number else int(number)


def _natural_key(name: str) -> list[str | float]:
    if NUMBER.fullmatch(name):
        return ["", _value(name), ""]
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"(\d+)", name))]
