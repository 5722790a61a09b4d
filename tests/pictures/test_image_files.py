"""Images are written as they come, whole or not at all, and read by others."""

import resource
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from gan_jax.pictures import image_files

PIXELS = np.random.default_rng(0).integers(0, 256, (10, 4, 6, 3)).astype(np.uint8)
LABELS = np.arange(10, dtype=np.int32) % 3
NAMES = ["cat", 'a "dog", black', "fox"]


def chunks(pixels=PIXELS, size=4):
    return (pixels[start : start + size] for start in range(0, len(pixels), size))


def write_npz(path, pixels, labels=None):
    image_files.write_npz(path, pixels, PIXELS.shape, labels)


WRITERS = {"npz": write_npz, "png": image_files.write_pngs}


def content(path):
    """What is at a path, as something to compare."""
    if path.is_dir():
        return {file.name: file.read_bytes() for file in path.iterdir()}
    return path.read_bytes() if path.exists() else None


@pytest.mark.parametrize("channels", [1, 3])
def test_an_npz_has_images_and_labels(tmp_path, channels):
    pixels = PIXELS[..., :channels]
    image_files.write_npz(tmp_path / "new" / "a.npz", chunks(pixels), pixels.shape, LABELS)
    with np.load(tmp_path / "new" / "a.npz") as file:
        assert file.files == ["images", "labels"]
        assert file["images"].dtype == np.uint8 and file["labels"].dtype == np.int32
        np.testing.assert_array_equal(file["images"], pixels)
        np.testing.assert_array_equal(file["labels"], LABELS)


def test_an_npz_without_labels(tmp_path):
    write_npz(tmp_path / "a.npz", chunks())
    assert np.load(tmp_path / "a.npz").files == ["images"]


def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    """32 MiB are written, a MiB at a time."""
    some = np.zeros((16, 256, 256, 1), np.uint8)
    tracemalloc.start()
    image_files.write_npz(tmp_path / "a.npz", (some + 1 for _ in range(32)), (512, 256, 256, 1))
    assert tracemalloc.get_traced_memory()[1] < 6 * 2**20
    tracemalloc.stop()
    assert np.load(tmp_path / "a.npz")["images"].shape == (512, 256, 256, 1)


@pytest.mark.parametrize("channels, mode", [(1, "L"), (3, "RGB")])
def test_pngs_are_numbered(tmp_path, channels, mode):
    pixels = PIXELS[..., :channels]
    image_files.write_pngs(tmp_path / "new" / "a", chunks(pixels))
    files = sorted((tmp_path / "new" / "a").iterdir())
    assert [file.name for file in files] == [f"{i:06d}.png" for i in range(10)]
    for file, expected in zip(files, pixels):
        image = Image.open(file)
        assert image.mode == mode
        np.testing.assert_array_equal(np.asarray(image).reshape(4, 6, channels), expected)


def test_labels_of_pngs_are_in_a_table(tmp_path):
    image_files.write_pngs(tmp_path / "a", chunks(), [NAMES[label] for label in LABELS])
    lines = (tmp_path / "a" / "labels.csv").read_text().splitlines()
    assert len(lines) == 11
    assert lines[:3] == ["file,label", "000000.png,cat", '000001.png,"a ""dog"", black"']


@pytest.mark.parametrize("kind", WRITERS)
def test_a_second_time_takes_the_place_of_the_first(kind, tmp_path):
    for pixels in (PIXELS, PIXELS[::-1]):
        WRITERS[kind](tmp_path / "a", chunks(pixels))
    WRITERS[kind](tmp_path / "b", chunks(PIXELS[::-1]))
    assert content(tmp_path / "a") == content(tmp_path / "b")
    assert len(list(tmp_path.iterdir())) == 2


def test_fewer_pngs_leave_none_of_those_before(tmp_path):
    image_files.write_pngs(tmp_path / "a", chunks(), list("0123456789"))
    image_files.write_pngs(tmp_path / "a", chunks(PIXELS[:3]))
    assert len(content(tmp_path / "a")) == 3


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("kind", WRITERS)
def test_what_fails_leaves_all_as_it_was(kind, before, tmp_path):
    if before:
        WRITERS[kind](tmp_path / "a", chunks())
    was = content(tmp_path / "a") if before else None

    def failing():
        yield PIXELS[:4]
        raise ValueError("image 4 is not finite")

    with pytest.raises(ValueError, match="image 4"):
        WRITERS[kind](tmp_path / "a", failing())
    assert [path.name for path in tmp_path.iterdir()] == (["a"] if before else [])
    assert not before or content(tmp_path / "a") == was


@pytest.fixture
def small_disk():
    """No file may have more than 64 KiB, which fails as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("kind", WRITERS)
def test_a_full_disk_is_told_with_the_place_and_nothing_is_left(kind, small_disk, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (4, 200, 200, 3)).astype(np.uint8)
    with pytest.raises(OSError, match="/a") as error:
        if kind == "npz":
            image_files.write_npz(tmp_path / "a", chunks(noise, 1), noise.shape, LABELS)
        else:
            image_files.write_pngs(tmp_path / "a", chunks(noise, 1))
    assert error.value.strerror
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_no_hindrance(tmp_path):
    for name in (".a.part", ".a.before"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "000000.png").write_bytes(b"half")
    image_files.write_pngs(tmp_path / "a", chunks())
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert len(content(tmp_path / "a")) == 10


def never():
    raise AssertionError("nothing is to be drawn")
    yield


def test_a_folder_of_other_things_is_left_alone(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "thesis.tex").write_text("all of it")
    with pytest.raises(OSError, match=r"holds other things than samples \(thesis.tex\)"):
        image_files.write_pngs(tmp_path / "a", never())
    assert content(tmp_path / "a") == {"thesis.tex": b"all of it"}


def test_a_file_is_no_folder_and_a_folder_no_file(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="is a file; name a folder"):
        image_files.write_pngs(tmp_path / "file", never())
    with pytest.raises(OSError, match="is a folder; name a file"):
        write_npz(tmp_path / "folder", never())
