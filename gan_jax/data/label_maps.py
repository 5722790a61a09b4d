"""Label maps beside the images that they describe: a number for each pixel, which says what is there.

Examples are {"labels": int32 [H, W, 1], "image": uint8 [H, W, 3], the map in colours, for people, "target": uint8 [H, W, C]}.
"""

import colorsys
import dataclasses

import jax
import numpy as np
from PIL import Image

from gan_jax.data import paired, pixels
from gan_jax.data.fingerprint import of_names
from gan_jax.data.folder import FolderSource
from gan_jax.data.paired import ANY
from gan_jax.data.pixels import Decoding
from gan_jax.data.source import Source
from gan_jax.data.spec import Spec

DONT_CARE = 255  # in a file: what is there does not matter, or is not known
READ = 256  # maps at once
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
        learnt = pairs
        if split != "train":
            learnt = paired.in_two_folders(
                paths, split="train", decoding=decoding._replace(size=ANY), skip_broken=skip_broken
            )
        num_labels = 1 + max(largest(read(path)) for path in learnt.a.paths)
    for path in pairs.a.paths:
        require_labels(path, read(path), num_labels)
    return LabelMaps(pairs.a, pairs.b)


def require_labels(path: str, labels: np.ndarray, count: int) -> None:
    """Raises ValueError, naming file and number, unless all labels in a map are known."""
    if (found := largest(labels)) >= count:
        raise ValueError(
            f"{path}: has a label {found}, and there are {count}, 0 to {count - 1}, or {DONT_CARE} for what does not matter; "
            "--num_labels, in training, allows more"
        )


def read(path: str) -> np.ndarray:
    """The numbers in a file, int64 [H, W]. Raises ValueError if it holds colours instead."""
    with pixels.opened(path) as image:
        if image.mode not in MODES:
            raise ValueError(
                f"{path}: is an image in colours ({image.mode}); a label map is a PNG of numbers, by a palette or gray"
            )
        return np.asarray(image).astype(np.int64)


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


def count_labels(source: Source) -> int:
    """One more than the largest number in a source's label maps."""
    batches = np.array_split(np.arange(len(source)), -(-len(source) // READ))
    return 1 + max(largest(source[rows]["labels"]) for rows in batches)


def largest(labels: np.ndarray) -> int:
    """The largest number in label maps, but for DONT_CARE."""
    return int(labels[labels != DONT_CARE].max(initial=0))
