"""Keeping some examples of a source, or some classes: the frogs of CIFAR-10 are its class 6."""

import dataclasses

import numpy as np

from gan_jax.data.source import ArraySource, Source


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
      classes: label numbers with commas between, "6" or "0,3,6". They become 0, 1, ... in the order in which they are
        named here, so a conditional network has no class that it never sees.

    Raises:
      ValueError: when classes does not name one or more different classes of the source, or none of them has examples.
    """
    if source.num_classes == 0:
        raise ValueError(f"classes={classes!r}: this dataset has no labels to choose by")
    allowed = f"name one or more different numbers from 0 to {source.num_classes - 1}, as in 0 or 0,1"
    try:
        chosen = [int(number) for number in classes.split(",")]
    except ValueError:
        raise ValueError(f"classes={classes!r}: {allowed}") from None
    if len(set(chosen)) < len(chosen) or not all(0 <= number < source.num_classes for number in chosen):
        raise ValueError(f"classes={classes!r}: {allowed}")
    positions = np.flatnonzero(np.isin(source.labels, chosen))
    if len(positions) == 0:
        raise ValueError(f"classes={classes!r}: no example has such a label")
    renumbered = np.zeros(source.num_classes, np.int32)
    renumbered[chosen] = np.arange(len(chosen))
    return ClassSubset(source, positions, renumbered, tuple(source.class_names[label] for label in chosen))
