"""Meshes as voxels: a surface is cut into pieces smaller than voxels, all that these lie in is solid, and so is what they enclose.

trimesh reads the files, which is no requirement: pip install trimesh.
"""

from pathlib import Path

import numpy as np
from scipy import ndimage

# Which axis is up in a format's files, as programs write them: the others are x, to the right, and the way to or from the viewer.
UP = {".obj": "y", ".glb": "y", ".gltf": "y", ".ply": "y", ".off": "z", ".stl": "z"}
ENDINGS = set(UP)
MOST = 2_000_000  # pieces of a surface


def require_trimesh() -> None:
    """Raises ValueError, saying what to do, if trimesh is not installed."""
    try:
        import trimesh  # noqa: F401
    except ImportError as error:
        raise ValueError(f"meshes need trimesh ({error}): pip install trimesh") from error


def read(path: str | Path, side: int) -> np.ndarray:
    """The voxels of a mesh, bool [side, side, side]: its longest side fills the grid; it stands on the floor, in the middle.

    Raises ValueError or OSError if there is no surface, or it cannot be read.
    """
    import trimesh  # Here, since it takes a second and only meshes need it.

    try:
        mesh = trimesh.load(path, force="mesh", process=False)
        vertices, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces)
    except OSError:
        raise
    except Exception as error:  # whatever a damaged file makes it raise
        raise ValueError(f"no mesh that trimesh reads ({error})") from error
    if not len(faces) or not np.isfinite(vertices).all():
        raise ValueError("a mesh without faces, or with corners that are not finite")
    used = vertices[np.unique(faces)]
    extent = (used.max(0) - used.min(0)).max()
    if not extent > 0:
        raise ValueError("a mesh that is one point")
    vertices = (vertices - used.min(0)) / extent * side
    pieces, _ = _subdivided(vertices, faces)
    return _in_grid(pieces, Path(path).suffix.lower(), side)


def _subdivided(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corners of a surface whose edges are at most half a voxel long."""
    from trimesh import remesh

    try:
        found, cut = remesh.subdivide_to_size(vertices, faces, max_edge=0.5, max_iter=12)
    except ValueError as error:
        raise ValueError("a mesh of faces that are too long and thin to be cut") from error
    if len(found) > MOST:
        raise ValueError(f"a mesh that falls into {len(found):,} pieces, more than {MOST:,}")
    return found, cut


def _in_grid(points: np.ndarray, ending: str, side: int) -> np.ndarray:
    """Voxels in which points lie, in [0, side]³ from their least corner on, and what these enclose."""
    x, y, z = points.T
    right, up, away = (x, y, -z) if UP[ending] == "y" else (x, z, y)
    middle = lambda values: values - (values.min() + values.max()) / 2 + side / 2
    place = lambda values: np.clip(np.floor(values).astype(int), 0, side - 1)
    voxels = np.zeros((side, side, side), bool)
    voxels[place(middle(away)), side - 1 - place(up - up.min()), place(middle(right))] = True
    return ndimage.binary_fill_holes(voxels)
