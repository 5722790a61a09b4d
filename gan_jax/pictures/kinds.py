"""The kinds of things that are learnt and drawn: how each becomes what is stored and compared, and what people look at.

A kind's name is that of an example's field, and what `Sampler.draws` says. Generators draw all as floats in [-1, 1].
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from gan_jax.pictures import films, solids
from gan_jax.pictures.grids import to_pixels

Array = np.ndarray


class Kind(NamedTuple):
    """Fields:

    name: of the field.
    levels: what is drawn, [n, ...] -> what is stored and compared, uint8 [n, ..., C], C channels.
    of_examples: the field of examples, [n, ...] -> the same.
    shown: levels -> images [n, H, W, C] in [-1, 1], for people.
    """

    name: str
    levels: Callable[[Array], Array]
    of_examples: Callable[[Array], Array]
    shown: Callable[[Array], Array]

    def pictures(self, drawn: Array) -> Array:
        """What is drawn, [n, ...], as images [n, H, W, C] in [-1, 1] for people."""
        return self.shown(self.levels(drawn))


KINDS = {
    "image": Kind("image", to_pixels, lambda images: images, lambda pixels: pixels / np.float32(127.5) - 1),
    "voxels": Kind(
        "voxels",
        lambda voxels: np.uint8(255) * (voxels > 0)[..., None],
        lambda voxels: np.uint8(255) * voxels[..., None],
        lambda levels: solids.renders(levels[..., 0] > 0),
    ),
    "video": Kind(
        "video", to_pixels, lambda videos: videos, lambda pixels: films.strips(pixels) / np.float32(127.5) - 1
    ),
}


def kind_of(example: Mapping) -> Kind:
    """That of the first field of an example's spec that is of a kind. Raises ValueError if none is."""
    for name in example:
        if name in KINDS:
            return KINDS[name]
    raise ValueError(f"the examples have no {' and no '.join(KINDS)}; they have {', '.join(example)}")
