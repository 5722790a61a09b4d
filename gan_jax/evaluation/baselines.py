"""What is made of an example without learning, beside which a trained translator is measured.

Each is a function (examples with uint8 images and maybe masks, where something is missing; the targets' shape (H, W, C)) -> uint8
[N, H, W, C]; or None where it says nothing: of other shapes, or without a mask.
"""

from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.linalg import spsolve

from gan_jax.data import pixels

Examples = Mapping[str, np.ndarray]
Shape = tuple[int, int, int]


def identity(examples: Examples, shape: Shape) -> np.ndarray | None:
    """What is given, as it is; gray in all channels."""
    images = examples["image"]
    if images.shape[1:3] != shape[:2] or images.shape[3] not in (1, shape[2]):
        return None
    return np.broadcast_to(images, (len(images), *shape))


def bicubic(examples: Examples, shape: Shape) -> np.ndarray | None:
    """What is given, enlarged by a cubic."""
    images = examples["image"]
    if images.shape[1] >= shape[0] or images.shape[3] != shape[2]:
        return None
    return pixels.resize(images, shape[:2], "none", Image.Resampling.BICUBIC)


def mean_colour(examples: Examples, shape: Shape) -> np.ndarray | None:
    """What is missing gets the mean colour of what is there."""
    if "mask" not in examples:
        return None
    filled = np.array(examples["image"])
    for image, missing in zip(filled, examples["mask"][..., 0]):
        if missing.any() and not missing.all():
            image[missing] = np.round(image[~missing].mean(axis=0))
    return filled


def diffusion(examples: Examples, shape: Shape) -> np.ndarray | None:
    """What is missing is as smooth as can be: each pixel the mean of its neighbours (Laplace's equation)."""
    if "mask" not in examples:
        return None
    return np.stack([_diffused(*pair) for pair in zip(examples["image"], examples["mask"][..., 0])])


BASELINES: dict[str, Callable[[Examples, Shape], np.ndarray | None]] = {
    "identity": identity,
    "bicubic": bicubic,
    "mean colour": mean_colour,
    "diffusion": diffusion,
}


def _diffused(image: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Solves for all missing pixels at once: a row for each, with its neighbours within the image."""
    if not missing.any() or missing.all():
        return image
    number, count = np.full(missing.shape, -1), int(missing.sum())
    number[missing] = np.arange(count)
    entries, right = [], np.zeros((count, image.shape[-1]))
    for own, (y, x) in enumerate(np.argwhere(missing)):
        near = [(y + dy, x + dx) for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1))]
        near = [place for place in near if all(0 <= at < side for at, side in zip(place, missing.shape))]
        entries.append((own, own, len(near)))
        for place in near:
            if missing[place]:
                entries.append((own, number[place], -1))
            else:
                right[own] += image[place]
    rows, columns, values = zip(*entries)
    matrix = coo_array((values, (rows, columns)), shape=(count, count), dtype=float).tocsc()
    filled = np.array(image)
    filled[missing] = np.clip(np.round(spsolve(matrix, right).reshape(right.shape)), 0, 255)
    return filled
