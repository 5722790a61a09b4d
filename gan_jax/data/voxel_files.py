"""Shapes as files of voxels: .binvox, .npy or .npz of one each, or an .npz or .npy of many.

[D, H, W] is away from the viewer, down, and to his right. A .binvox has x to the right, y up and z to the viewer.
"""

from pathlib import Path

import numpy as np

from gan_jax.data.source import NoSplit

ENDINGS = {".binvox", ".npy", ".npz"}
MOST = 256  # voxels a side


def read(path: str | Path) -> np.ndarray:
    """The voxels of a file, bool [D, H, W], or of several shapes [N, D, H, W]. Raises ValueError or OSError if it has none."""
    if Path(path).suffix.lower() == ".binvox":
        return read_binvox(Path(path).read_bytes())
    try:
        found = np.load(path, allow_pickle=False)
        if not isinstance(found, np.ndarray):
            name = "voxels" if "voxels" in found.files else found.files[0]
            found = found[name]
    except OSError:
        raise
    except Exception as error:  # whatever the damage makes numpy raise
        raise ValueError(f"no array that numpy reads ({error})") from error
    if found.ndim not in (3, 4) or not found.size:
        raise ValueError(f"an array {list(found.shape)}, where voxels are [D, H, W] or [N, D, H, W]")
    if found.dtype == bool:
        return found
    if not np.isin(found, (0, 1)).all():
        raise ValueError("an array of other numbers than 0 and 1")
    return found.astype(bool)


def read_many(path: Path, split: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """The shapes of one file, bool [N, D, H, W], their labels int32 [N], 0 where there are none, and the classes.

    As `sample --format=npz` writes them: arrays `voxels` and, maybe, `labels`. Raises as `read`; and NoSplit for a test split.
    """
    if split != "train":
        raise NoSplit(f"{path}: no test split; that takes folders named train and test")
    try:
        voxels = read(path)
        if voxels.ndim != 4:
            raise ValueError(f"one shape {list(voxels.shape)}; a file of its own holds many, [N, D, H, W]")
        labels = np.zeros(len(voxels), np.int32)
        if path.suffix.lower() == ".npz":
            with np.load(path, allow_pickle=False) as file:
                labels = file["labels"] if "labels" in file.files else labels
        if labels.shape != (len(voxels),) or not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
            raise ValueError(f"labels must be one each of {len(voxels)} shapes, from 0 on")
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    classes = tuple(map(str, range(labels.max() + 1))) if labels.any() else ()
    return voxels, labels.astype(np.int32), classes


def read_binvox(content: bytes) -> np.ndarray:
    """Of a .binvox file (Min 2004, https://www.patrickmin.com/binvox): lines of text, then runs of 0 or 1, at most 255 long.

    Raises ValueError if it is none, or damaged.
    """
    head, _, runs = content.partition(b"\ndata\n")
    lines = head.split(b"\n")
    if not lines[0].startswith(b"#binvox") or not runs:
        raise ValueError("no .binvox: it begins with #binvox, and has its runs after a line data")
    try:
        sides = next(tuple(map(int, line.split()[1:])) for line in lines if line.startswith(b"dim "))
    except (StopIteration, ValueError):
        raise ValueError("a .binvox without a line dim D H W") from None
    if len(sides) != 3 or not all(0 < side <= MOST for side in sides) or len(runs) % 2:
        raise ValueError(f"a .binvox of {sides} voxels, or whose runs are cut off; at most {MOST} a side")
    values, counts = np.frombuffer(runs, np.uint8).reshape(-1, 2).T
    if counts.sum() != np.prod(sides) or not np.isin(values, (0, 1)).all():
        raise ValueError(f"a .binvox whose runs are {counts.sum()} voxels of {np.prod(sides)}, or not of 0 and 1")
    x_z_y = np.repeat(values, counts).reshape(sides).astype(bool)
    return x_z_y.transpose(1, 2, 0)[::-1, ::-1]


def resized(voxels: np.ndarray, side: int | None) -> np.ndarray:
    """Voxels [..., S, S, S] as [..., side, side, side]: a voxel is solid where any that it stands for is: nothing thin is lost.

    Raises ValueError if they are no cubes, or one side is no multiple of the other.
    """
    own = voxels.shape[-3:]
    if len(set(own)) != 1:
        raise ValueError(f"voxels {'×'.join(map(str, own))}: must be a cube")
    if side in (None, own[0]):
        return voxels
    if side > own[0] and side % own[0] == 0:
        for axis in (-3, -2, -1):
            voxels = voxels.repeat(side // own[0], axis=axis)
        return voxels
    if own[0] % side:
        raise ValueError(f"image_size={side}: the grids have {own[0]} voxels a side; a divisor or multiple of that")
    factor = own[0] // side
    blocks = voxels.reshape(*voxels.shape[:-3], side, factor, side, factor, side, factor)
    return blocks.any(axis=(-5, -3, -1))
