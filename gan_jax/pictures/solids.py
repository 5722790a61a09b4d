"""Shaded pictures of voxels: orthographic, from any side, with the faces that can be seen drawn from the back to the front."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from tqdm import tqdm

from gan_jax.pictures.animations import film
from gan_jax.pictures.grids import grid

AZIMUTH, ELEVATION = 35.0, 25.0  # degrees: from the right of the front, and from above
SIDE = 96  # pixels
FINE = 3  # pixels drawn for one, each way, which smooths edges
GROUND = (244, 244, 242)
COLOR = np.array([92, 128, 188])
LIGHT = np.array([-0.55, -0.8, 0.12])  # where it comes from, along (d, h, w): the front, above, a little from the right
AMBIENT = 0.45
CORNERS = np.array([(0, 0), (0, 1), (1, 1), (1, 0)])  # of a face, around it
FILL = 0.64  # of a side of the picture that a side of the grid takes: so all of a cube is in it


def render(
    voxels: np.ndarray, *, azimuth: float = AZIMUTH, elevation: float = ELEVATION, side: int = SIDE
) -> np.ndarray:
    """The picture of voxels, bool [D, H, W] (away from the viewer, down, to the right): uint8 [side, side, 3].

    Args: azimuth: degrees around, 0 from the front, 90 from the right; elevation: degrees above the floor.
    """
    right, down, away = axes(azimuth, elevation)
    canvas = Image.new("RGB", (side * FINE, side * FINE), GROUND)
    scale, middle = side * FINE * FILL / max(voxels.shape), np.array(voxels.shape) / 2
    places, outlines, colors = [], [], []
    for axis in range(3):
        if abs(away[axis]) > 1e-6:  # one of its two faces looks at the viewer
            sign = -int(np.sign(away[axis]))
            found = np.argwhere(voxels & ~_moved(voxels, axis, -sign))
            corners = np.insert(CORNERS, axis, (1 + sign) // 2, axis=1)
            flat = (found[:, None] + corners - middle) @ np.stack([right, down], axis=1)
            shade = AMBIENT + (1 - AMBIENT) * max(0.0, sign * LIGHT[axis] / np.linalg.norm(LIGHT))
            places.append(found)
            outlines.append(flat * scale + side * FINE / 2)
            colors.append(np.full((len(found), 3), COLOR * shade, np.uint8))
    places, outlines, colors = map(np.concatenate, (places, outlines, colors))
    # On a lattice any order along each axis, towards the viewer, is one from the back to the front.
    order = np.lexsort((places * -np.sign(away)).T)
    draw = ImageDraw.Draw(canvas)
    for outline, color in zip(outlines[order].reshape(-1, 8).tolist(), colors[order].tolist()):
        draw.polygon(outline, fill=tuple(color))
    return np.asarray(canvas.resize((side, side), Image.Resampling.BOX))


def renders(voxels: np.ndarray, **view: float) -> np.ndarray:
    """The pictures of voxels, bool [n, D, H, W], as images [n, side, side, 3] in [-1, 1]. Args: view: as of `render`."""
    return np.stack([render(each, **view) for each in voxels]) / np.float32(127.5) - 1


def turning(voxels: np.ndarray, path: Path, *, frames: int = 36, milliseconds: int = 80) -> None:
    """Writes a GIF of voxels, bool [n, D, H, W], side by side, that turn once around."""
    degrees = tqdm(AZIMUTH + np.arange(frames) * 360 / frames, desc="frames", leave=False, delay=2)
    film([grid(renders(voxels, azimuth=azimuth)) for azimuth in degrees], path, [milliseconds] * frames)


def axes(azimuth: float, elevation: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is to the right, down and away in a picture: unit vectors along (d, h, w), at right angles to each other."""
    a, e = np.radians([azimuth, elevation])
    right = np.array([np.sin(a), 0, np.cos(a)])
    away = np.array([np.cos(a) * np.cos(e), np.sin(e), -np.sin(a) * np.cos(e)])
    down = np.array([-np.cos(a) * np.sin(e), np.cos(e), np.sin(a) * np.sin(e)])
    return right, down, away


def _moved(voxels: np.ndarray, axis: int, by: int) -> np.ndarray:
    """What is solid one voxel further along an axis, at each place: by -1 behind it, by 1 before it; nothing beyond the grid."""
    padded = np.pad(voxels, [(1, 1) if each == axis else (0, 0) for each in range(3)])
    return np.take(padded, np.arange(1 - by, 1 - by + voxels.shape[axis]), axis=axis)
