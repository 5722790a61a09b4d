import pickle

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import load
from gan_jax.data.spec import labelled_image


def save(path, value, mode="RGB", size=(8, 8), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value).save(path, **options)


def load_folder(path, **options):
    return load(f"folder:{path}", data_dir="unused", **options)


def values(source):
    """The first pixel of each image."""
    return source[np.arange(len(source))]["image"][:, 0, 0].tolist()


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


def test_links_are_followed(tmp_path):
    save(tmp_path / "elsewhere" / "a.png", (1, 1, 1))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "frog").symlink_to(tmp_path / "elsewhere")
    assert values(load_folder(tmp_path / "data")) == [[1, 1, 1]]


def test_train_is_a_class_where_there_is_no_test(tmp_path):
    save(tmp_path / "train" / "a.png", (1, 1, 1))
    save(tmp_path / "aeroplane" / "a.png", (2, 2, 2))
    assert values(load_folder(tmp_path)) == [[2, 2, 2], [1, 1, 1]]


def test_splits(tmp_path):
    save(tmp_path / "train" / "a.png", (1, 1, 1))
    save(tmp_path / "test" / "a.png", (2, 2, 2))
    assert values(load_folder(tmp_path)) == [[1, 1, 1]]
    assert values(load_folder(tmp_path, split="test")) == [[2, 2, 2]]
    with pytest.raises(ValueError, match="no test split"):
        load_folder(tmp_path / "train", split="test")


def test_channels(tmp_path):
    save(tmp_path / "a.png", 77, mode="L")
    Image.fromarray(np.full((8, 8), 257 * 99, np.uint16)).save(tmp_path / "b.png")
    gray = load_folder(tmp_path)
    assert gray.spec == labelled_image(8, 8, 1) and values(gray) == [[77], [99]]
    save(tmp_path / "aa.png", (1, 2, 3, 255), mode="RGBA")
    colour = load_folder(tmp_path)
    assert colour.spec == labelled_image(8, 8, 3) and values(colour) == [[77] * 3, [1, 2, 3], [99] * 3]


def test_sizes(tmp_path):
    save(tmp_path / "a.jpg", (9, 9, 9), size=(16, 8))
    with pytest.raises(ValueError, match=f"^{tmp_path}: its images are not all square and of one size; give"):
        load_folder(tmp_path)
    save(tmp_path / "b.jpg", (9, 9, 9), size=(50, 90))
    source = load_folder(tmp_path, image_size=6)
    assert source.spec == labelled_image(6, 6, 3) and source[np.arange(2)]["image"].shape == (2, 6, 6, 3)


def test_broken_images_are_found_at_once(tmp_path):
    save(tmp_path / "a.png", (1, 2, 3))
    noise = Image.fromarray(np.random.RandomState(0).randint(0, 256, (64, 64, 3)).astype(np.uint8))
    for name in ("c.jpg", "d.png", "e.webp"):
        noise.save(tmp_path / name)
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[: len(content) * 3 // 4])
    (tmp_path / "f.gif").write_bytes(b"")
    with pytest.raises(ValueError, match=rf"^4 of 5 images cannot be read, the first is {tmp_path}/c.jpg \(.*\)$"):
        load_folder(tmp_path, image_size=8)


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
    save(tmp_path / "a.png", (1, 1, 1))
    save(tmp_path / "cats" / "b.png", (1, 1, 1))
    with pytest.raises(ValueError, match=f"^{tmp_path}: images both in it and in its folder cats"):
        load_folder(tmp_path)


def test_pickle(tmp_path):
    save(tmp_path / "a.png", (1, 2, 3))
    assert values(pickle.loads(pickle.dumps(load_folder(tmp_path)))) == [[1, 2, 3]]
