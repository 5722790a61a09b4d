"""Folders of small images for tests, and what a source made of them."""

import numpy as np
from PIL import Image

from gan_jax.data import load


def save(path, value, mode="RGB", size=(8, 8), **options):
    """Writes an image of one value, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value).save(path, **options)


def save_gray(root, **files):
    """Writes 8x8 gray PNG files of these values, "_" in their names being "/": train_cat_a=3 is train/cat/a.png."""
    for name, value in files.items():
        save(root / f"{name.replace('_', '/')}.png", value, mode="L")


def load_folder(path, **options):
    return load(f"folder:{path}", data_dir="unused", **options)


def values(source):
    """The first pixel of each image; of gray ones a number."""
    first = source[np.arange(len(source))]["image"][:, 0, 0]
    return (first[:, 0] if first.shape[-1] == 1 else first).tolist()
