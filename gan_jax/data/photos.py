"""Pieces of the two photographs that come with scikit-learn: an image dataset in colour that needs no download.

A temple and a flower (`sklearn.datasets.load_sample_images`), 427 × 640 pixels each. Squares are cut out that overlap by about
three quarters, an odd number of pixels from one another, so that it differs between them what a smaller image leaves out. The
split "test" has those of a strip right of the middle, a fifth of the width, in which there are the edge of the temple and of the
flower; "train" those of what is left and right of it, so that no pixel is in both.
"""

import itertools

import numpy as np

from gan_jax.data.pixels import Size, both_sides
from gan_jax.data.source import ArraySource

SIDE = 64
STRIP = (5, 7)  # tenths of the width, between which the test is
LEAST = 7  # pixels from one piece to the next
CLASSES = ("temple", "flower")


def photos(*, data_dir: str, split: str, image_size: Size | None) -> ArraySource:
    """Pieces of this size, uint8 [N, H, W, 3], labelled by the photograph. Raises ValueError if its part is smaller."""
    del data_dir
    height, width = both_sides(SIDE if image_size is None else image_size)
    images, labels = [], []
    for label, own in enumerate(parts_of_each(split, (height, width))):
        for part in own:
            rows, columns = (
                range(0, whole - side + 1, max(LEAST, side // 8 * 2 - 1))
                for whole, side in zip(part.shape, (height, width))
            )
            for row, column in itertools.product(rows, columns):
                images.append(part[row : row + height, column : column + width])
                labels.append(label)
    return ArraySource({"image": np.stack(images), "label": np.array(labels, np.int32)}, CLASSES)


def parts(split: str, sides: tuple[int, int]) -> list[np.ndarray]:
    """The parts of both photographs that are of a split, uint8 [H, W, 3]. Raises ValueError if these sides are larger."""
    return [part for own in parts_of_each(split, sides) for part in own]


def parts_of_each(split: str, sides: tuple[int, int]) -> list[list[np.ndarray]]:
    """As `parts`, by the photograph."""
    from sklearn.datasets import load_sample_images  # Here, since it takes a second and few datasets need it.

    found, (height, width) = [], sides
    for photo in load_sample_images().images:
        start, end = (photo.shape[1] * tenths // 10 for tenths in STRIP)
        found.append([photo[:, :start], photo[:, end:]] if split == "train" else [photo[:, start:end]])
        if height > photo.shape[0] or width > found[-1][0].shape[1]:
            most = f"{photo.shape[0]}x{found[-1][0].shape[1]}"
            raise ValueError(f"image_size={height}x{width}: the photographs' parts to {split} on have {most} pixels")
    return found
