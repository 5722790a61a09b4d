"""Label maps beside the images that they describe: a number for each pixel, which says what is there.

Examples are {"labels": int32 [H, W, 1], "image": uint8 [H, W, 3], the map in colours, for people, "target": uint8 [H, W, C]}.
"""

import colorsys
import dataclasses
import functools
import os

import jax
import numpy as np
from PIL import Image, ImageOps

from gan_jax.data import paired, pixels
from gan_jax.data.fingerprint import of_names
from gan_jax.data.folder import FolderSource
from gan_jax.data.paired import ANY
from gan_jax.data.pixels import Decoding
from gan_jax.data.source import Source
from gan_jax.data.spec import Spec

DONT_CARE = 255  # in a file: what is there does not matter, or is not known
MODES = ("P", "L", "1", "I;16", "I")  # of files that hold numbers: by a palette, or gray


@dataclasses.dataclass(frozen=True)
class LabelMaps:
    """A `Source` of images and their label maps. Fields: maps: of their files; images: as many."""

    maps: FolderSource
    images: Source

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        size = self.images.spec["image"].shape[:2]
        crop = self.maps.decoding.crop
        labels = np.stack([resized(read(self.maps.paths[i]), size, crop) for i in indices]).astype(np.int32)
        labels = labels[..., None]
        return {"labels": labels, "image": in_colours(labels), "target": self.images[indices]["image"]}

    @property
    def spec(self) -> Spec:
        height, width, _ = self.images.spec["image"].shape
        labels = jax.ShapeDtypeStruct((height, width, 1), np.int32)
        shown = jax.ShapeDtypeStruct((height, width, 3), np.uint8)
        return {"labels": labels, "image": shown, "target": self.images.spec["image"]}

    classes = ()

    @property
    def digest(self) -> str | None:
        return of_names([(self.maps.digest, len(self)), (self.images.digest, len(self))])


def load(
    paths: str, *, split: str, decoding: Decoding, skip_broken: bool = False, num_labels: int | None = None
) -> LabelMaps:
    """The label maps and images of "MAPS,IMAGES", two folders whose files have the same names (`paired.in_two_folders`).

    A map is a PNG whose pixels are numbers, by a palette or gray: 0 to K - 1, or DONT_CARE.

    Args: num_labels: K; by default one more than the largest number in the maps to train on.
    Raises as `paired.in_two_folders`; ValueError, naming file and number, for a number beyond, or a map in colours.
    """
    pairs = paired.in_two_folders(paths, split=split, decoding=decoding, skip_broken=skip_broken)
    if num_labels is None:
        num_labels = count(paths, decoding=decoding, skip_broken=skip_broken)
    for path in pairs.a.paths:
        require_known(path, _largest_in(path), num_labels)
    return LabelMaps(pairs.a, pairs.b)


def count(paths: str, *, decoding: Decoding = pixels.AS_IT_IS, skip_broken: bool = False) -> int:
    """One more than the largest number in the maps to train on, of "MAPS,IMAGES". Raises as `load`."""
    pairs = paired.in_two_folders(paths, split="train", decoding=decoding._replace(size=ANY), skip_broken=skip_broken)
    return 1 + max(map(_largest_in, pairs.a.paths))


def require_known(path: str, largest: int, count: int) -> None:
    """Raises ValueError, naming file and number, unless the largest number of a map is one of so many labels."""
    if largest >= count:
        raise ValueError(
            f"{path}: has a label {largest}, and there are {count}, 0 to {count - 1}, or {DONT_CARE} for what does not matter; "
            "--num_labels, in training, allows more"
        )


def read(path: str, max_pixels: int | None = None) -> np.ndarray:
    """The numbers in a file, int64 [H, W]. Raises ValueError if it holds colours instead, or numbers that are no labels."""
    with pixels.opened(path, max_pixels) as image:
        if image.mode not in MODES:
            raise ValueError(
                f"{path}: is an image in colours ({image.mode}); a label map is a PNG of numbers, by a palette or gray"
            )
        ImageOps.exif_transpose(image, in_place=True)
        labels = np.asarray(image).astype(np.int64)
    if labels.min() < 0 or labels.max() > DONT_CARE:
        found = labels.min() if labels.min() < 0 else labels.max()
        raise ValueError(
            f"{path}: has a number {found}; labels are 0 to {DONT_CARE - 1}, and {DONT_CARE} for what does not matter"
        )
    return labels


def resized(labels: np.ndarray, size: tuple[int, int], crop: str) -> np.ndarray:
    """A map cropped as its image is (`pixels.fitted`) and resized by the nearest: a mean of two labels is none."""
    if labels.shape == tuple(size):
        return labels
    return np.asarray(pixels.fitted(Image.fromarray(labels.astype(np.int32)), size, crop, Image.Resampling.NEAREST))


def in_colours(labels: np.ndarray) -> np.ndarray:
    """Label maps [..., 1] as pictures, uint8 [..., 3]: each number has a colour, that is as far as can be from the next one's."""
    turns = (np.arange(256) * 0.61803398875) % 1  # the golden section
    colours = [colorsys.hsv_to_rgb(turn, 0.55 + 0.3 * (i % 2), 0.95 - 0.25 * (i % 3)) for i, turn in enumerate(turns)]
    colours[DONT_CARE] = (0, 0, 0)
    return np.round(255 * np.array(colours)).astype(np.uint8)[np.asarray(labels)[..., 0] % 256]


def largest(labels: np.ndarray) -> int:
    """The largest number in a label map, but for DONT_CARE."""
    return int(labels[labels != DONT_CARE].max(initial=0))


def _largest_in(path: str) -> int:
    return _largest_of(path, os.stat(path).st_mtime_ns)


@functools.cache  # of a file as it was then: it is asked for twice, to count labels and to check them
def _largest_of(path: str, changed: int) -> int:
    return largest(read(path))
