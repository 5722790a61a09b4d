"""What nothing can be learnt from is said, with the figure; ordinary images are not spoken of."""

import numpy as np
import pytest

from gan_jax.data import ArraySource, load
from gan_jax.data.look import warnings

NOISE = np.random.RandomState(0).randint(0, 256, (100, 8, 8, 3)).astype(np.uint8)
DARK = (NOISE // 16).astype(np.uint8)
SPOT = DARK.copy()
SPOT[:, 0, 0, 0] = (np.arange(100) == 0) * 255
BLACK = np.zeros_like(NOISE)
FLAT = np.broadcast_to(np.arange(100, dtype=np.uint8)[:, None, None, None], NOISE.shape)


@pytest.mark.parametrize(
    "images, said",
    [
        (BLACK, "every value of 64 of 100 images is 0 of 255"),
        (BLACK + np.uint8(255), "every value of 64 of 100 images is 255 of 255"),
        (np.broadcast_to(NOISE[:1], NOISE.shape), "64 of 100 images are equal, pixel for pixel"),
        (FLAT, "each of 64 of 100 images is of one colour"),
        (DARK, "64 of 100 images are nearly black: 99.9 % of their values are at most 15 of 255, their mean is 7."),
        (SPOT, "64 of 100 images are nearly black: 99.9 % of their values are at most 15 of 255, their mean is 7."),
    ],
)
def test_strange_images(images, said):
    (line,) = warnings(ArraySource({"image": images}))
    assert line.startswith(said)


@pytest.mark.parametrize("images", [NOISE, NOISE[:1], NOISE // 2, 255 - DARK, NOISE[..., :1]])
def test_ordinary_images(images):
    assert warnings(ArraySource({"image": images.astype(np.uint8)})) == []


def test_digits_are_ordinary():
    assert warnings(load("digits", data_dir="")) == []


def test_what_is_no_image_is_not_looked_at():
    assert warnings(ArraySource({"image": np.zeros((5, 2), np.float32)})) == []
    assert warnings(ArraySource({"voxels": np.zeros((5, 2), bool)})) == []
