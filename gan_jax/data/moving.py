"""moving:NAME are videos of another dataset's images, two by two, that move on a black ground and bounce off its edges.

Moving MNIST (Srivastava et al. 2015, arXiv:1502.04681, section 3.2; its code draws from 28 pixels in 64, a step of a tenth of the
way): each of an example's images begins at a place and in a direction by chance, keeps its speed, and is turned back where it meets
an edge; where they lie on each other, the lighter pixel is seen. moving:1:NAME has one image in each, whose class is the video's
label.

Example i is the same each time, for each number of frames its first ones.
"""

import dataclasses
import functools
import re
from collections.abc import Callable

import jax
import numpy as np

from gan_jax.data.fingerprint import of_names
from gan_jax.data.pixels import Size, both_sides
from gan_jax.data.source import NoSplit, Source
from gan_jax.data.spec import Spec

KIND = "moving"
FORM = re.compile(r"moving:(?:([12]):)?(\D.*)")
SIDE = 32  # pixels, unless image_size says otherwise
FRAMES = 16
COUNTS = {"train": 10_000, "test": 1_000}
STEP = 0.1  # of the way that an image has, from a frame to the next


@dataclasses.dataclass(frozen=True)
class Moving:
    """A `Source` of videos uint8 [frames, side, side, 1].

    Fields: source: of the images; count: of the examples; seed: that they are drawn by; each: images in a video; frames; side.
    """

    source: Source
    count: int
    seed: int
    each: int
    frames: int
    side: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        images = self.source[self.chosen[indices].ravel()]["image"][..., 0]
        height, width = images.shape[1:]
        videos = np.zeros((len(indices), self.frames, self.side, self.side, 1), np.uint8)
        for video, index, own in zip(videos, indices, images.reshape(len(indices), self.each, height, width)):
            for image, places in zip(own, self.places(index, height, width)):
                for frame, (top, left) in zip(video, places):
                    part = frame[top : top + height, left : left + width, 0]
                    np.maximum(part, image, out=part)
        return {"video": videos} | ({"label": self.labels[indices]} if self.classes else {})

    def places(self, index: int, height: int, width: int) -> np.ndarray:
        """The upper left corners of example `index`'s images in each frame, int [each, frames, 2]."""
        random = np.random.RandomState(np.random.MT19937(np.random.SeedSequence((self.seed, int(index)))))
        start, angle = random.random_sample((self.each, 2)), 2 * np.pi * random.random_sample((self.each, 1))
        speed = STEP * np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
        way = start[:, None] + np.arange(self.frames)[:, None] * speed[:, None]
        there = 1 - np.abs(1 - way % 2)  # from 0 to 1 and back again
        return np.round(there * (self.side - np.array([height, width]))).astype(int)

    @functools.cached_property
    def chosen(self) -> np.ndarray:
        """Which images each example is made of, [N, each]."""
        return np.random.RandomState(self.seed).randint(len(self.source), size=(self.count, self.each))

    @property
    def spec(self) -> Spec:
        video = jax.ShapeDtypeStruct((self.frames, self.side, self.side, 1), np.uint8)
        return {"video": video} | ({"label": jax.ShapeDtypeStruct((), np.int32)} if self.classes else {})

    @property
    def classes(self) -> tuple[str, ...]:
        return self.source.classes if self.each == 1 else ()

    @functools.cached_property
    def labels(self) -> np.ndarray:
        return self.source.labels[self.chosen[:, 0]]

    @property
    def digest(self) -> str | None:
        own = getattr(self.source, "digest", None)
        return own and of_names([(own, self.count), (f"{self.seed} {self.each} {self.side}", self.frames)])


def load(
    name: str, split: str, image_size: Size | None, frames: int | None, of: Callable[[str, str], Source]
) -> Moving:
    """The split of moving:NAME. Args: of: (a dataset's name, a split) -> its images, in gray.

    Raises ValueError for another name, images that are not gray, or a ground that is no square or smaller than they are.
    """
    found = FORM.fullmatch(name)
    if not found:
        raise ValueError(f"{name}: must be moving:NAME, as in moving:mnist, or moving:1:NAME")
    height, width = both_sides(SIDE if image_size is None else image_size)
    try:
        source, seed = of(found[2], split), {"train": 0, "test": 1}[split]
    except NoSplit:
        source, seed = of(found[2], "train"), 1  # the same images, in other videos
    shape = source.spec["image"].shape
    if shape[-1] != 1:
        raise ValueError(f"{name}: takes gray images, these have {shape[-1]} channels")
    if height != width or height < max(shape):
        raise ValueError(f"image_size={height}x{width}: must be a side of at least {max(shape)}, that of the images")
    return Moving(source, COUNTS[split], seed, int(found[1] or 2), frames or FRAMES, height)
