import pickle

import numpy as np
import pytest
from PIL import Image

from gan_jax.data.spec import labelled_image
from tests.data.folders import load_folder, save, values


def test_unlabelled(tmp_path):
    for name, value in (("b.png", 20), ("a.PNG", 10), ("c.webp", 30)):
        save(tmp_path / name, (value,) * 3, lossless=True)
    (tmp_path / "notes.txt").write_text("no image")
    save(tmp_path / ".hidden.png", (0, 0, 0))
    save(tmp_path / ".thumbnails" / "a.png", (0, 0, 0))
    source = load_folder(tmp_path)
    assert (len(source), source.classes, source.spec) == (3, (), labelled_image(8, 8, 3))
    assert values(source) == [[10] * 3, [20] * 3, [30] * 3]
    batch = source[np.array([2, 0, 2])]
    assert batch["image"].dtype == np.uint8 and batch["image"].shape == (3, 8, 8, 3)
    assert batch["image"][:, 0, 0, 0].tolist() == [30, 10, 30]
    assert batch["label"].dtype == np.int32 and batch["label"].tolist() == [0, 0, 0]


def test_subfolders_are_classes(tmp_path):
    save(tmp_path / "newt" / "x.png", (3, 3, 3))
    save(tmp_path / "frog" / "deeper" / "y.png", (2, 2, 2))
    save(tmp_path / "frog" / "a.png", (1, 1, 1))
    (tmp_path / "empty").mkdir()
    source = load_folder(tmp_path)
    assert source.classes == ("frog", "newt")
    assert [value[0] for value in values(source)] == [1, 2, 3]
    assert source[np.arange(3)]["label"].tolist() == [0, 0, 1]
    assert values(load_folder(tmp_path, classes="1")) == [[3, 3, 3]]


def test_channels(tmp_path):
    save(tmp_path / "a.png", 77, mode="L")
    Image.fromarray(np.full((8, 8), 257 * 99, np.uint16)).save(tmp_path / "b.png")
    gray = load_folder(tmp_path)
    assert gray.spec == labelled_image(8, 8, 1) and values(gray) == [77, 99]
    save(tmp_path / "aa.png", (1, 2, 3, 255), mode="RGBA")
    colour = load_folder(tmp_path)
    assert colour.spec == labelled_image(8, 8, 3) and values(colour) == [[77] * 3, [1, 2, 3], [99] * 3]


def test_sizes(tmp_path):
    save(tmp_path / "a.jpg", (9, 9, 9), size=(16, 8))
    with pytest.raises(
        ValueError, match=f"^{tmp_path}: .* not square: give image_size, .* or keep them 8x16 by crop=none$"
    ):
        load_folder(tmp_path)
    assert load_folder(tmp_path, crop="none").spec == labelled_image(8, 16, 3)
    save(tmp_path / "b.jpg", (9, 9, 9), size=(50, 90))
    for crop in ("center", "none"):
        with pytest.raises(ValueError, match=f"^{tmp_path}: its images are not all square and of one size; give"):
            load_folder(tmp_path, crop=crop)
        for size, shape in ((6, (6, 6)), ((4, 7), (4, 7))):
            source = load_folder(tmp_path, image_size=size, crop=crop)
            assert source.spec == labelled_image(*shape, 3)
            assert source[np.arange(2)]["image"].shape == (2, *shape, 3)


def test_sizes_are_those_that_are_seen(tmp_path):
    """Two files of a camera that was held upright once, and otherwise lying."""
    save(tmp_path / "a.png", (1, 1, 1), size=(16, 8))
    exif = Image.Exif()
    exif[0x0112] = 6
    save(tmp_path / "b.png", (2, 2, 2), size=(8, 16), exif=exif)
    source = load_folder(tmp_path, crop="none")
    assert source.spec == labelled_image(8, 16, 3) and values(source) == [[1] * 3, [2] * 3]


@pytest.fixture
def broken_folder(tmp_path):
    """A whole file and four broken ones."""
    save(tmp_path / "a.png", (1, 2, 3))
    noise = Image.fromarray(np.random.RandomState(0).randint(0, 256, (64, 64, 3)).astype(np.uint8))
    for name in ("c.jpg", "d.png", "e.webp"):
        noise.save(tmp_path / name)
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[: len(content) * 3 // 4])
    (tmp_path / "f.gif").write_bytes(b"")
    return tmp_path


def test_all_broken_images_are_named_at_once(broken_folder):
    with pytest.raises(ValueError) as error:
        load_folder(broken_folder, image_size=8)
    message = str(error.value)
    assert message.startswith(f"{broken_folder}: 4 of 5 images cannot be read: c.jpg (") and "\n" not in message
    assert all(f" {name} (" in message for name in ("d.png", "e.webp"))
    assert message.endswith("f.gif (no image that Pillow knows); --skip_broken leaves them out")


def test_ten_broken_images_are_named_at_most(tmp_path):
    for number in range(13):
        (tmp_path / f"{number:02d}.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"13 of 13 images .*: 00.png \(.*09.png \([^)]*\), and 3 more; --skip"):
        load_folder(tmp_path)
    with pytest.raises(ValueError, match="13 of 13 images"):  # nothing would be left
        load_folder(tmp_path, skip_broken=True)


def test_broken_images_can_be_left_out(broken_folder, capsys):
    assert values(load_folder(broken_folder, skip_broken=True)) == [[1, 2, 3]]
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{broken_folder}: left out 4 that cannot be read: c.jpg (")


def test_image_broken_later(tmp_path):
    save(tmp_path / "a.png", (1, 2, 3))
    source = load_folder(tmp_path)
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(OSError, match=f"^{tmp_path}/a.png: can no longer be read"):
        source[np.array([0])]


def test_missing_and_empty_and_mixed(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"^{tmp_path}/nowhere: no such folder$"):
        load_folder(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=f"^{tmp_path}: no images in this folder; it may hold .png, .jpg"):
        load_folder(tmp_path)
    (tmp_path / "a.heic").write_bytes(b"x")
    with pytest.raises(FileNotFoundError, match=f"^{tmp_path}: no images in this folder, only 1 .heic; it may"):
        load_folder(tmp_path)
    save(tmp_path / "a.png", (1, 1, 1))
    save(tmp_path / "cats" / "b.png", (1, 1, 1))
    with pytest.raises(ValueError, match=rf"^{tmp_path}: images both in it \(1\) and in its folder cats"):
        load_folder(tmp_path)


def test_too_many_pixels(tmp_path, monkeypatch):
    """Pillow's limit is said, and the flag that raises it; it can be made lower too."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    save(tmp_path / "a.png", (1, 2, 3), size=(7, 7))
    said = r"a.png \(Image size \(49 pixels\) exceeds limit of 40 pixels\); --skip_broken leaves .* --max_pixels=N allows more"
    with pytest.raises(ValueError, match=said):
        load_folder(tmp_path)
    assert values(load_folder(tmp_path, max_pixels=49)) == [[1, 2, 3]]
    with pytest.raises(ValueError, match="49 pixels.* exceeds limit of 48 pixels"):
        load_folder(tmp_path, max_pixels=48)


def test_twelve_bits_in_sixteen(tmp_path, capsys):
    """They would be nearly black: that is said, with the flag by which they are not."""
    for name, value in (("a", 100), ("b", 4000)):
        Image.fromarray(np.full((8, 8), value, np.uint16)).save(tmp_path / f"{name}.png")
    assert values(load_folder(tmp_path)) == [0, 16]
    (line,) = capsys.readouterr().out.splitlines()
    assert line == (
        f"warning: {tmp_path}: 2 16-bit images go up to 4,000 of 65,535, as 12-bit data does, and so to 6.1% of white; "
        "--white_level=4095 makes that white"
    )
    assert values(load_folder(tmp_path, white_level=4095)) == [6, 249]
    assert capsys.readouterr().out == ""


def test_pickle(tmp_path):
    save(tmp_path / "a.png", (1, 2, 3))
    assert values(pickle.loads(pickle.dumps(load_folder(tmp_path)))) == [[1, 2, 3]]
