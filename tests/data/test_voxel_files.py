"""Shapes in files: what each format says, written by hand; and what is refused, in one line."""

import numpy as np
import pytest

from gan_jax.data import sources, voxel_files
from gan_jax.data.source import NoSplit

HEAD = b"#binvox 1\ndim 2 2 2\ntranslate 0 0 0\nscale 1\ndata\n"


def quiet(name, **options):
    return sources.load(f"voxels:{name}", **options)


def shapes(count, side=4):
    return np.random.RandomState(0).rand(count, side, side, side) < 0.3


def test_binvox_by_hand():
    """x outermost, then z, y innermost: the second of 8 is x 0, z 0, y 1: left, above, and, as z is to the viewer, behind."""
    found = voxel_files.read_binvox(HEAD + bytes([0, 1, 1, 1, 0, 6]))
    assert np.argwhere(found).tolist() == [[1, 0, 0]]
    found = voxel_files.read_binvox(HEAD + bytes([0, 4, 1, 1, 0, 3]))  # x 1, z 0, y 0
    assert np.argwhere(found).tolist() == [[1, 1, 1]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK", "no .binvox"),
        (HEAD, "no .binvox"),
        (b"#binvox 1\ndata\n\1\1", "without a line dim"),
        (b"#binvox 1\ndim 2 two 2\ndata\n\1\1", "without a line dim"),
        (HEAD + b"\1\7", "7 voxels of 8"),
        (HEAD + b"\2\10", "not of 0 and 1"),
        (HEAD + b"\1\10\1", "cut off"),
        (HEAD.replace(b"2 2 2", b"2 2 900") + b"\1\1", "at most 256"),
    ],
)
def test_damaged_binvox(content, said):
    with pytest.raises(ValueError, match=said):
        voxel_files.read_binvox(content)


def test_any_voxel_makes_a_block_solid():
    voxels = np.zeros((4, 4, 4), bool)
    voxels[3, 0, 1] = True
    assert np.argwhere(voxel_files.resized(voxels, 2)).tolist() == [[1, 0, 0]]
    assert voxel_files.resized(voxels, 8).sum() == 8
    assert voxel_files.resized(voxels, None) is voxels
    for side in (3, 5):
        with pytest.raises(ValueError, match=f"image_size={side}: the grids have 4 voxels a side"):
            voxel_files.resized(voxels, side)
    with pytest.raises(ValueError, match="4×4×3: must be a cube"):
        voxel_files.resized(voxels[:, :, :3], 2)


def test_one_file_of_many(tmp_path):
    voxels = shapes(5)
    np.savez(tmp_path / "many.npz", voxels=voxels, labels=np.array([0, 1, 2, 1, 0]))
    found = quiet(tmp_path / "many.npz")
    assert (found.arrays["voxels"] == voxels).all()
    assert found.labels.tolist() == [0, 1, 2, 1, 0]
    assert found.classes == ("0", "1", "2")
    np.save(tmp_path / "many.npy", voxels.astype(np.uint8))
    found = quiet(tmp_path / "many.npy", image_size=2)
    assert found.spec["voxels"].shape == (2, 2, 2)
    assert found.classes == ()
    with pytest.raises(NoSplit):
        quiet(tmp_path / "many.npz", split="test")


def test_a_folder_with_classes_and_splits(tmp_path):
    for number, name in enumerate(
        ("train/chair/a.npy", "train/table/b.npz", "train/table/c.binvox", "test/chair/d.npy")
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".npy":
            np.save(path, shapes(4, 2)[number])
        elif path.suffix == ".npz":
            np.savez(path, shapes(4, 2)[number])
        else:
            path.write_bytes(HEAD + bytes([1, 8]))
    found = quiet(tmp_path)
    assert found.classes == ("chair", "table")
    assert found.labels.tolist() == [0, 1, 1]
    assert (found.arrays["voxels"][:2] == shapes(4, 2)[:2]).all()
    assert found.arrays["voxels"][2].all()
    assert len(quiet(tmp_path, split="test")) == 1


@pytest.mark.parametrize(
    ("name", "array", "said"),
    [
        ("text.npy", None, "no array that numpy reads"),
        ("flat.npy", np.zeros((4, 4)), r"an array \[4, 4\]"),
        ("gray.npy", np.full((4, 4, 4), 0.5), "other numbers than 0 and 1"),
        ("empty.npy", np.zeros((0, 4, 4)), r"an array \[0, 4, 4\]"),
        ("long.npy", np.zeros((4, 4, 5), bool), "must be a cube"),
        ("many.npy", np.zeros((3, 4, 4, 4), bool), "3 shapes in one file"),
    ],
)
def test_broken_files_are_named_and_may_be_left_out(tmp_path, name, array, said):
    np.save(tmp_path / "whole.npy", np.zeros((4, 4, 4), bool))
    if array is None:
        (tmp_path / name).write_text("no array")
    else:
        np.save(tmp_path / name, array)
    with pytest.raises(ValueError, match=rf"1 of 2 shapes cannot be read: {name} \(.*{said}.*--skip_broken") as error:
        quiet(tmp_path)
    assert "\n" not in str(error.value)
    assert len(quiet(tmp_path, skip_broken=True)) == 1


def test_what_else_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        quiet(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"no shapes in this folder; it may hold .binvox, .npy, .npz"):
        quiet(tmp_path)
    for side in (2, 4):
        np.save(tmp_path / f"{side}.npy", np.zeros((side, side, side), bool))
    with pytest.raises(ValueError, match="its shapes have 2, 4 voxels a side; give image_size"):
        quiet(tmp_path)
    assert quiet(tmp_path, image_size=2).spec["voxels"].shape == (2, 2, 2)
    with pytest.raises(ValueError, match="grids have one side"):
        quiet(tmp_path, image_size=(2, 4))
    with pytest.raises(ValueError, match="labels must be one each of 2 shapes"):
        np.savez(tmp_path / "wrong.npz", voxels=shapes(2), labels=np.zeros(3, int))
        quiet(tmp_path / "wrong.npz")
