"""Pieces of the two photographs that come with scikit-learn: an image dataset in colour that needs no download.

A temple and a flower (`sklearn.datasets.load_sample_images`), 427 × 640 pixels each. Squares are cut out that overlap by three
quarters; the split "train" has those of the left four fifths of both, "test" those of the rest, so that no pixel is in both.
"""

import itertools

import numpy as np

from gan_jax.data.pixels import Size, both_sides
from gan_jax.data.source import ArraySource

SIDE = 64
LEAST = 8  # pixels from one piece to the next
CLASSES = ("temple", "flower")


def photos(*, data_dir: str, split: str, image_size: Size | None) -> ArraySource:
    """Pieces of this size, uint8 [N, H, W, 3], labelled by the photograph. Raises ValueError if its part is smaller."""
    from sklearn.datasets import load_sample_images  # Here, since it takes a second and only this dataset needs it.

    del data_dir
    height, width = both_sides(SIDE if image_size is None else image_size)
    images, labels = [], []
    for label, photo in enumerate(load_sample_images().images):
        border = photo.shape[1] * 4 // 5
        part = photo[:, :border] if split == "train" else photo[:, border:]
        if height > part.shape[0] or width > part.shape[1]:
            raise ValueError(
                f"image_size={height}x{width}: the photographs' parts to {split} on have {part.shape[0]}x{part.shape[1]} pixels"
            )
        rows, columns = (
            range(0, whole - side + 1, max(LEAST, side // 4)) for whole, side in zip(part.shape, (height, width))
        )
        for row, column in itertools.product(rows, columns):
            images.append(part[row : row + height, column : column + width])
            labels.append(label)
    return ArraySource({"image": np.stack(images), "label": np.array(labels, np.int32)}, CLASSES)
