"""Gray images in colour, so that what they show is to be found again in another domain.

- recolored:NAME is the absolute difference of each image from a piece of a photograph, MNIST-M's recipe (Ganin et al. 2016,
  arXiv:1505.07818, section 5.2.4), of the two that come with scikit-learn where they had BSDS500; the split "test" has other parts
  of them (`photos`).
- colored:NAME has white in a hue of each image's own, any of them alike, and black as it is.
"""

import dataclasses
from collections.abc import Callable
from functools import partial

import jax
import numpy as np

from gan_jax.data import photos
from gan_jax.data.fingerprint import of_names
from gan_jax.data.source import Source
from gan_jax.data.spec import Spec

Paint = Callable[[np.ndarray, np.ndarray], np.ndarray]  # (uint8 [n, H, W, 1], rows [n]) -> uint8 [n, H, W, 3]


@dataclasses.dataclass(frozen=True)
class Recolored:
    """A `Source` of another's examples, with their images painted. Example i is always painted alike.

    Fields: source; paint; kind: what the painting is called.
    """

    source: Source
    paint: Paint
    kind: str

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        batch = self.source[indices]
        return {**batch, "image": self.paint(batch["image"], indices)}

    @property
    def spec(self) -> Spec:
        height, width, _ = self.source.spec["image"].shape
        return {**self.source.spec, "image": jax.ShapeDtypeStruct((height, width, 3), np.uint8)}

    @property
    def classes(self) -> tuple[str, ...]:
        return self.source.classes

    @property
    def labels(self) -> np.ndarray:
        return self.source.labels

    @property
    def digest(self) -> str | None:
        own = getattr(self.source, "digest", None)
        return own and of_names([(self.kind, 0), (own, len(self))])


def recolored(source: Source, name: str, split: str) -> Recolored:
    """Each image before a piece of a photograph. Raises ValueError if it is not gray, or larger than the photographs."""
    height, width, _ = _gray(source, f"recolored:{name}")
    parts = photos.parts(split, (height, width))
    random = np.random.RandomState(0)
    drawn = random.random_sample((len(source), 3))  # which, and where in it
    return Recolored(source, partial(_against_photos, parts, drawn), "recolored")


def colored(source: Source, name: str, split: str) -> Recolored:
    """Each image in a hue. Raises ValueError if it is not gray."""
    _gray(source, f"colored:{name}")
    seed = {"train": 0, "test": 1}[split]
    return Recolored(source, partial(_tinted, np.random.RandomState(seed).random_sample(len(source))), "colored")


PAINTED: dict[str, Callable[[Source, str, str], Recolored]] = {"recolored": recolored, "colored": colored}


def colored_of(dataset: str) -> str | None:
    """The dataset whose images these are in hues; None if they are not."""
    return dataset.removeprefix("colored:") if dataset.startswith("colored:") else None


def _gray(source: Source, name: str) -> tuple[int, int, int]:
    shape = source.spec["image"].shape
    if shape[-1] != 1:
        raise ValueError(f"{name}: takes gray images, these have {shape[-1]} channels")
    return shape


def _against_photos(parts: list[np.ndarray], drawn: np.ndarray, images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    height, width = images.shape[1:3]
    painted = np.empty((len(images), height, width, 3), np.uint8)
    for out, image, (which, down, right) in zip(painted, images, drawn[rows], strict=True):
        part = parts[int(which * len(parts))]
        top, left = int(down * (part.shape[0] - height + 1)), int(right * (part.shape[1] - width + 1))
        piece = part[top : top + height, left : left + width].astype(np.int16)
        out[:] = np.abs(piece - image)
    return painted


def _tinted(hues: np.ndarray, images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    from matplotlib.colors import hsv_to_rgb  # Here, since it takes a while and only this dataset needs it.

    own = hues[rows]
    colours = hsv_to_rgb(np.stack([own, np.ones_like(own), np.ones_like(own)], axis=-1))
    return np.round(images * colours[:, None, None]).astype(np.uint8)
