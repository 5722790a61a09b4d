"""Videos in pictures that stand still: some frames of each side by side, and what a line of pixels shows over time."""

from pathlib import Path

import numpy as np

from gan_jax.pictures.animations import film
from gan_jax.pictures.grids import grid

Array = np.ndarray
SHOWN = 8  # frames of a video in a sheet, at most
MILLISECONDS = 100  # that a frame stays


def strips(videos: Array) -> Array:
    """Videos [n, T, H, W, C] as images [n, H, F W, C]: SHOWN frames at most, the first and the last among them, side by side."""
    chosen = np.unique(np.linspace(0, videos.shape[1] - 1, SHOWN).round().astype(int))
    return np.concatenate([videos[:, frame] for frame in chosen], axis=2)


def slices(videos: Array) -> Array:
    """Videos [n, T, H, W, C] as images [n, T, W, C]: the row in the middle, the first frame on top; what moves sideways leans."""
    return videos[:, :, videos.shape[2] // 2]


def playing(videos: Array, path: str | Path, milliseconds: int = MILLISECONDS) -> None:
    """Writes a GIF of videos [n, T, H, W, C] in [-1, 1] side by side."""
    film([grid(videos[:, frame]) for frame in range(videos.shape[1])], path, [milliseconds] * videos.shape[1])
