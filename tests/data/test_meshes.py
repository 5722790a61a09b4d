"""Meshes become voxels: a cube by hand, orientation by format, the cache; damaged ones are named."""

import numpy as np
import pytest

from gan_jax.data import meshes, shapes, sources

pytest.importorskip("trimesh", reason="meshes need trimesh: pip install trimesh")

# A box of 2 to the right, 4 up and 1 to the viewer, its corner at (0, 0, 0).
CORNERS = [(x, y, z) for x in (0, 2) for y in (0, 4) for z in (0, 1)]
FACES = [(1, 2, 4, 3), (5, 7, 8, 6), (1, 5, 6, 2), (3, 4, 8, 7), (1, 3, 7, 5), (2, 6, 8, 4)]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def write_obj(path, corners=CORNERS, faces=FACES):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"v {x} {y} {z}" for x, y, z in corners] + ["f " + " ".join(map(str, face)) for face in faces]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_off(path, corners=CORNERS, faces=FACES):
    lines = ["OFF", f"{len(corners)} {len(faces)} 0"] + [f"{x} {y} {z}" for x, y, z in corners]
    lines += [f"{len(face)} " + " ".join(str(i - 1) for i in face) for face in faces]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_box_by_hand(tmp_path):
    """Its longest side, 4, fills the grid of 8; it is full, in the middle, on the floor. An OBJ's y is up, an OFF's z."""
    found = meshes.read(write_obj(tmp_path / "box.obj"), 8)
    d, h, w = (np.unique(axis) for axis in np.argwhere(found).T)
    assert h.tolist() == list(range(8))
    assert found.sum() == len(d) * len(h) * len(w)
    assert len(w) in (4, 5)  # a surface just between two voxels is in one of both
    assert len(d) in (2, 3)
    assert abs(w.mean() - 3.5) <= 0.5
    lying = meshes.read(write_off(tmp_path / "box.off"), 8)
    d, h, w = (np.unique(axis) for axis in np.argwhere(lying).T)
    assert len(d) == 8
    assert h[-1] == 7
    assert len(h) in (2, 3)


def test_the_way_to_the_viewer(tmp_path):
    """A step, lower in front: an OBJ's z is to the viewer, so at z 1 its top is lower."""
    ramp = [(0, 0, 0), (1, 0, 0), (1, 0, 1), (0, 0, 1), (0, 1, 0), (1, 1, 0)]
    found = meshes.read(
        write_obj(tmp_path / "ramp.obj", ramp, [(1, 2, 3, 4), (1, 5, 6, 2), (4, 3, 6, 5), (1, 4, 5), (2, 6, 3)]), 8
    )
    heights = found.any(axis=2).sum(axis=1)
    assert heights[0] < heights[-1]  # [0] is what is nearest to the viewer
    wedge = [(x, y, z) for x, y, z in ramp]
    wedge[4] = wedge[5] = (0, 1, 0)  # a roof that falls to the right
    found = meshes.read(
        write_obj(tmp_path / "wedge.obj", wedge, [(1, 2, 3, 4), (1, 5, 2), (4, 3, 5), (1, 4, 5), (2, 5, 3)]), 8
    )
    heights = found.any(axis=0).sum(axis=0)
    assert heights[0] > heights[-1]


def test_a_folder_is_voxelised_once(tmp_path, monkeypatch):
    folder = tmp_path / "meshes"
    write_obj(folder / "tall" / "box.obj")
    write_obj(folder / "flat" / "box.obj", [(x, z, y) for x, y, z in CORNERS])
    first = sources.load(f"meshes:{folder}", image_size=16)
    assert first.classes == ("flat", "tall")
    assert first.spec["voxels"].shape == (16, 16, 16)
    monkeypatch.setattr(meshes, "read", lambda *given: pytest.fail("voxelised again"))
    again = sources.load(f"meshes:{folder}", image_size=16)
    assert (again.arrays["voxels"] == first.arrays["voxels"]).all()
    for kept in (tmp_path / "cache").rglob("*.npz"):
        kept.write_bytes(b"damaged")
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    mended = sources.load(f"meshes:{folder}", image_size=16)
    assert (mended.arrays["voxels"] == first.arrays["voxels"]).all()
    assert sources.load(f"meshes:{folder}").spec["voxels"].shape == (shapes.MESH_SIDE,) * 3


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("bad.off", "OFF\n8 6", "no mesh that trimesh reads"),
        ("bad.stl", "nothing", "mesh"),
        ("bad.glb", "glTF", "no mesh that trimesh reads"),
        ("bad.obj", "v 0 0 0\nv 1 0 0\n", "mesh"),
        ("point.obj", "v 0 0 0\nv 0 0 0\nv 0 0 0\nf 1 2 3\n", "a mesh that is one point"),
        ("nan.obj", "v 0 0 nan\nv 0 1 0\nv 1 0 0\nf 1 2 3\n", "not finite"),
    ],
)
def test_damaged_meshes_are_named(tmp_path, name, content, said):
    folder = tmp_path / "meshes"
    write_obj(folder / "whole.obj")
    (folder / name).write_text(content)
    with pytest.raises(ValueError, match=rf"1 of 2 shapes cannot be read: {name} \(.*{said}") as error:
        sources.load(f"meshes:{folder}", image_size=8)
    assert "\n" not in str(error.value)
    assert len(sources.load(f"meshes:{folder}", image_size=8, skip_broken=True)) == 1
