"""Stacked digits: three images of one channel as the colours of one, with as many modes as there are triples of classes.

MNIST stacked has 1,000, by which a generator shows how many it drops (Metz et al. 2017, arXiv:1611.02163, section 3.3.1; Lin et al.
2018, PacGAN, arXiv:1712.04086, section 4.2). There are 128,000 examples, as in PacGAN.
"""

import dataclasses
import functools
import itertools
from collections.abc import Callable

import jax
import numpy as np

from gan_jax.data.fingerprint import of_names
from gan_jax.data.pixels import Size
from gan_jax.data.source import Source
from gan_jax.data.spec import Spec

PREFIX = "stacked_"
CHANNELS = 3
COUNTS = {"train": 128_000, "test": 26_000}


@dataclasses.dataclass(frozen=True)
class Stacked:
    """A `Source` whose example i is three images of `source`, drawn once and for all, side by side as channels.

    Its label is the number of the triple of their labels (a, b, c), a K² + b K + c.
    """

    source: Source
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        chosen = self.triples[indices]
        images = self.source[chosen.ravel()]["image"]
        height, width = images.shape[1:3]
        stacked = np.moveaxis(images.reshape(-1, CHANNELS, height, width), 1, -1)
        return {"image": np.ascontiguousarray(stacked), "label": self.labels[indices]}

    @functools.cached_property
    def triples(self) -> np.ndarray:
        """Which images each example is made of, [N, 3]."""
        return np.random.RandomState(0).randint(len(self.source), size=(self.count, CHANNELS))

    @property
    def spec(self) -> Spec:
        height, width, _ = self.source.spec["image"].shape
        return {**self.source.spec, "image": jax.ShapeDtypeStruct((height, width, CHANNELS), np.uint8)}

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple("".join(names) for names in itertools.product(self.source.classes, repeat=CHANNELS))

    @functools.cached_property
    def labels(self) -> np.ndarray:
        powers = len(self.source.classes) ** np.arange(CHANNELS)[::-1]
        return (self.source.labels[self.triples] @ powers).astype(np.int32)

    @property
    def digest(self) -> str | None:
        own = getattr(self.source, "digest", None)
        return own and of_names([(own, self.count)])


def stacked(base: Callable[..., Source], *, data_dir: str, split: str, image_size: Size | None) -> Stacked:
    """The split of a dataset of gray images, stacked. Raises as the dataset."""
    return Stacked(base(data_dir=data_dir, split=split, image_size=image_size), COUNTS[split])


def base_of(dataset: str) -> str | None:
    """The dataset of which this one is stacked; None if it is not."""
    return dataset.removeprefix(PREFIX) if dataset.startswith(PREFIX) else None
