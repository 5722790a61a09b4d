"""Videos in files: animations, folders of frames, arrays; and what is refused, in one line."""

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import sources
from gan_jax.data.source import NoSplit


def film(count=6, side=8, seed=0):
    """Few levels, that a GIF keeps."""
    return (85 * np.random.RandomState(seed).randint(0, 4, (count, side, side))).astype(np.uint8)


def write(path, frames):
    path.parent.mkdir(parents=True, exist_ok=True)
    images = [Image.fromarray(frame) for frame in frames]
    if path.suffix:
        options = {"lossless": True} if path.suffix == ".webp" else {}
        images[0].save(path, save_all=True, append_images=images[1:], **options)
        return
    path.mkdir()
    for number, image in enumerate(images):
        image.save(path / f"frame{number}.png")


def load(path, **options):
    return sources.load(f"videos:{path}", **{"frames": 4, **options})


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a"])
def test_each_form(tmp_path, name):
    write(tmp_path / name, film())
    found = load(tmp_path)
    assert found.spec["video"].shape == (4, 8, 8, 1)
    assert (found[np.array([0])]["video"][0, ..., 0] == film()[:4]).all()


def test_frames_are_in_the_order_of_their_numbers(tmp_path):
    write(tmp_path / "a", film(12))
    assert (load(tmp_path, frames=12)[np.array([0])]["video"][0, ..., 0] == film(12)).all()


def test_classes_splits_sizes_and_colour(tmp_path):
    write(tmp_path / "train" / "up" / "a.gif", film())
    write(tmp_path / "train" / "down" / "b", film(seed=1))
    write(tmp_path / "test" / "up" / "c.gif", film(seed=2))
    found = load(tmp_path, image_size=4)
    assert found.classes == ("down", "up")
    assert found.labels.tolist() == [0, 1]
    assert found.spec["video"].shape == (4, 4, 4, 1)
    assert len(load(tmp_path, split="test")) == 1
    write(tmp_path / "train" / "up" / "d.webp", np.stack([film(), film(), 0 * film()], axis=-1))
    assert load(tmp_path).spec["video"].shape == (4, 8, 8, 3)


def test_moving_mnist_as_it_is_stored(tmp_path):
    """[T, N, H, W], of which each is a video [T, H, W, 1]."""
    stored = np.random.RandomState(0).randint(0, 256, (5, 9, 8, 8)).astype(np.uint8)
    np.save(tmp_path / "test.npy", stored)
    found = load(tmp_path / "test.npy")
    assert (found[np.array([3])]["video"][0, ..., 0] == stored[:4, 3]).all()
    assert load(tmp_path / "test.npy", image_size=4).spec["video"].shape == (4, 4, 4, 1)
    with pytest.raises(NoSplit):
        load(tmp_path / "test.npy", split="test")


@pytest.mark.parametrize(
    ("name", "frames", "said"),
    [("short.gif", film(2), "2 frames, fewer than frames=4"), ("short", film(3), "3 frames, fewer than frames=4")],
)
def test_broken_videos_are_named_and_may_be_left_out(tmp_path, name, frames, said):
    write(tmp_path / "whole.gif", film())
    write(tmp_path / name, frames)
    with pytest.raises(ValueError, match=rf"1 of 2 videos cannot be read: {name} \({said}\); --skip_broken") as error:
        load(tmp_path)
    assert "\n" not in str(error.value)
    assert len(load(tmp_path, skip_broken=True)) == 1


def test_what_else_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="no videos; it may hold"):
        load(tmp_path)
    (tmp_path / "damaged.gif").write_bytes(b"GIF89a nothing")
    with pytest.raises(ValueError, match="1 of 1 videos cannot be read: damaged.gif"):
        load(tmp_path)
    (tmp_path / "damaged.gif").unlink()
    write(tmp_path / "a.gif", film())
    write(tmp_path / "b.gif", film(side=10))
    with pytest.raises(ValueError, match="not all of one size; give image_size"):
        load(tmp_path)
    for array, said in ((np.zeros((4, 4)), "must be uint8"), (np.zeros((2, 3, 8, 8), np.uint8), "frames=4 are wanted")):
        np.save(tmp_path / "wrong.npy", array)
        with pytest.raises(ValueError, match=said):
            load(tmp_path / "wrong.npy")
