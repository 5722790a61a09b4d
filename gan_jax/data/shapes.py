"""Shapes in files of one's own: voxels:PATH, and meshes:PATH, which are voxelised once."""

import io
import os
from collections.abc import Callable
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np
from tqdm import tqdm

from gan_jax.data import download, examined, folder_splits, image_paths, meshes, voxel_files
from gan_jax.data.fingerprint import of_arrays, of_names
from gan_jax.data.folder import labels_of
from gan_jax.data.pixels import AS_IT_IS, Decoding
from gan_jax.data.source import ArraySource
from gan_jax.training.files import replace_file

MESH_SIDE = 32  # voxels, unless image_size says otherwise
VERSION = 1  # of how meshes become voxels, which names the cache


def voxels(
    path: str, *, split: str, decoding: Decoding = AS_IT_IS, skip_broken: bool = False, say=tqdm.write
) -> ArraySource:
    """Voxels of an .npz or .npy of many, or of a folder of .binvox, .npy and .npz files, subfolders being classes.

    Folders named train and test are splits (`folder_splits`). Args: decoding: its size is the grid's side, by default as they are;
    skip_broken, say: as of `folder.load`.
    Raises ValueError, FileNotFoundError or NoSplit, in one line.
    """
    whole, side = Path(path).expanduser(), _side(decoding)
    if whole.is_file():
        found, labels, classes = voxel_files.read_many(whole, split)
        arrays = {"voxels": voxel_files.resized(found, side), "label": labels}
        return ArraySource(arrays, classes, of_arrays(arrays))
    read = lambda file: voxel_files.resized(_one(voxel_files.read(file)), side)
    return _folder(whole, split, voxel_files.ENDINGS, read, skip_broken, say)


def of_meshes(
    path: str, *, split: str, decoding: Decoding = AS_IT_IS, skip_broken: bool = False, say=tqdm.write
) -> ArraySource:
    """Meshes of a folder as voxels; each is kept, by its name, size and date, in the user's cache. Args, Raises: as of `voxels`."""
    meshes.require_trimesh()
    side = _side(decoding) or MESH_SIDE
    return _folder(Path(path).expanduser(), split, meshes.ENDINGS, lambda file: _kept(file, side), skip_broken, say)


def _folder(
    whole: Path, split: str, endings: set[str], read: Callable[[Path], np.ndarray], skip_broken: bool, say
) -> ArraySource:
    """The shapes of a folder's files, one each, read in threads."""
    image_paths.require_utf8(str(whole))
    if not whole.is_dir():
        raise FileNotFoundError(f"{whole}: no such folder")
    root = folder_splits.find(whole).of(split)
    files = image_paths.find(root, endings).files
    if not files:
        raise FileNotFoundError(f"{root}: no shapes in this folder; it may hold {', '.join(sorted(endings))}")

    def read_one(file: str) -> np.ndarray | Exception:
        try:
            return read(root / file)
        except (ValueError, OSError) as error:
            return error

    with ThreadPool() as pool:
        found = list(tqdm(pool.imap(read_one, files), total=len(files), desc="reading shapes", delay=2))
    broken = [(file, each) for file, each in zip(files, found) if isinstance(each, Exception)]
    whole_ones = [(file, each) for file, each in zip(files, found) if not isinstance(each, Exception)]
    examined.leave_out(root, broken, len(files), "shapes", skip_broken, say)
    shapes = {each.shape for _, each in whole_ones}
    if len(shapes) > 1:
        sides = ", ".join(str(shape[0]) for shape in sorted(shapes))
        raise ValueError(f"{root}: its shapes have {sides} voxels a side; give image_size")
    labels, classes = labels_of(root, [file for file, _ in whole_ones])
    digest = of_names((Path(file).as_posix(), os.path.getsize(root / file)) for file, _ in whole_ones)
    return ArraySource({"voxels": np.stack([each for _, each in whole_ones]), "label": labels}, classes, digest)


def _one(voxels: np.ndarray) -> np.ndarray:
    if voxels.ndim != 3:
        raise ValueError(f"{len(voxels)} shapes in one file; name the file, as voxels:FILE")
    return voxels


def _kept(path: Path, side: int) -> np.ndarray:
    """A mesh as voxels, from the cache if it is there."""
    seen = path.stat()
    name = of_names([(str(path.resolve()), seen.st_size), (f"{seen.st_mtime_ns} {VERSION}", side)])
    kept = download.cache_folder() / "meshes" / f"{name}.npz"
    if kept.exists():
        try:
            return voxel_files.read(kept)
        except (ValueError, OSError):
            pass  # damaged: it is made again
    voxels = meshes.read(path, side)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, voxels=voxels)
    kept.parent.mkdir(parents=True, exist_ok=True)
    replace_file(kept, buffer.getvalue())
    return voxels


def _side(decoding: Decoding) -> int | None:
    """The side of grids. Raises ValueError for two sides."""
    if decoding.size is None:
        return None
    height, width = decoding.size
    if height != width:
        raise ValueError(f"image_size={height}x{width}: grids have one side, as in 32")
    if not 1 <= height <= voxel_files.MOST:
        raise ValueError(f"image_size={height}: grids have from 1 to {voxel_files.MOST} voxels a side")
    return height
