"""Pairs of images in files: which half is which, what belongs together, and what is refused."""

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import in_memory, paired
from gan_jax.data.pixels import Decoding

ALL = np.arange(2)
RED, BLUE = (255, 0, 0), (0, 0, 255)


def save(path, image, mode=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    (image.convert(mode) if mode else image).save(path)


def beside(left, right, size=(8, 6)):
    """An image with another on its right, in plain colours."""
    whole = Image.new("RGB", (2 * size[0], size[1]), left)
    whole.paste(right, (size[0], 0, 2 * size[0], size[1]))
    return whole


@pytest.fixture
def halves(tmp_path):
    """Two images whose left half is red and whose right half is blue, and one to test on the other way round."""
    for i in range(2):
        save(tmp_path / "halves" / "train" / f"{i}.png", beside(RED, BLUE))
    save(tmp_path / "halves" / "test" / "9.png", beside(BLUE, RED))
    return tmp_path / "halves"


@pytest.mark.parametrize("direction, first, second", [("a_to_b", RED, BLUE), ("b_to_a", BLUE, RED)])
@pytest.mark.parametrize("size", [None, (4, 4), (6, 16)])
def test_left_is_a_and_right_is_b(halves, direction, first, second, size):
    """Also where they are resized: nothing of the one is in the other."""
    pairs = paired.turned(paired.aligned(str(halves), split="train", decoding=Decoding(size)), direction)
    batch = pairs[ALL]
    shape = (2, *(size or (6, 8)), 3)
    np.testing.assert_array_equal(batch["image"], np.broadcast_to(first, shape))
    np.testing.assert_array_equal(batch["target"], np.broadcast_to(second, shape))
    assert {name: field.shape for name, field in pairs.spec.items()} == {"image": shape[1:], "target": shape[1:]}
    np.testing.assert_array_equal(in_memory(pairs)[ALL]["target"], batch["target"])


def test_the_test_split_is_found(halves):
    pairs = paired.aligned(str(halves), split="test", decoding=Decoding())
    assert len(pairs) == 1 and (pairs[np.arange(1)]["image"] == BLUE).all()


def test_an_odd_width_is_refused(halves):
    save(halves / "train" / "odd.png", Image.new("RGB", (15, 6)))
    with pytest.raises(ValueError, match=r"odd\.png: is 15 pixels wide; an image beside its pair has an even width$"):
        paired.aligned(str(halves), split="train", decoding=Decoding((8, 8)))


def test_sizes_that_differ_need_a_size(halves):
    save(halves / "train" / "large.png", beside(RED, BLUE, (20, 20)))
    with pytest.raises(ValueError, match="its images are not of one size; give image_size, such as 256"):
        paired.aligned(str(halves), split="train", decoding=Decoding())
    assert paired.aligned(str(halves), split="train", decoding=Decoding((5, 5)))[ALL]["image"].shape == (2, 5, 5, 3)


@pytest.fixture
def folders(tmp_path):
    """A in gray of 16 bits and B in colour with transparency, in subfolders, under the same names but for the endings."""
    deep = np.full((4, 4), 257 * 200, np.uint16)
    for i, name in enumerate(["x/1", "y/1"]):
        save(tmp_path / "A" / f"{name}.png", deep - 257 * i)
        save(tmp_path / "B" / f"{name}.webp", Image.new("RGBA", (4, 4), (0, 40 * i, 0, 255)))
    return tmp_path


def load(folders, **decoding):
    return paired.in_two_folders(f"{folders / 'A'},{folders / 'B'}", split="train", decoding=Decoding(**decoding))


def test_two_folders(folders):
    pairs = load(folders)
    batch = pairs[np.array([1, 0])]
    assert batch["image"].shape == (2, 4, 4, 1) and batch["target"].shape == (2, 4, 4, 3)
    assert batch["image"][:, 0, 0, 0].tolist() == [199, 200]
    assert abs(int(batch["target"][0, 0, 0, 1]) - 40) <= 3 and batch["target"][1].max() <= 3
    assert load(folders, size=(8, 2))[ALL]["target"].shape == (2, 8, 2, 3)


def test_splits_of_two_folders(tmp_path):
    """Whether what is held out is called test or val."""
    for split, count in (("train", 3), ("test", 2)):
        for side, i in ((side, i) for side in "AB" for i in range(count)):
            called = "val" if (side, split) == ("B", "test") else split
            save(tmp_path / side / called / f"{i}.png", Image.new("L", (4, 4), 10 * i))
    lengths = [
        len(paired.in_two_folders(f"{tmp_path / 'A'},{tmp_path / 'B'}", split=split, decoding=Decoding()))
        for split in ("train", "test")
    ]
    assert lengths == [3, 2]


def test_digests_know_both_sides(folders):
    before = load(folders).digest
    save(folders / "B" / "y" / "1.webp", Image.fromarray(np.random.RandomState(0).randint(0, 255, (4, 4, 3), np.uint8)))
    assert load(folders).digest != before


def test_what_has_no_partner_is_named(folders):
    save(folders / "A" / "x" / "2.png", Image.new("L", (4, 4)))
    with pytest.raises(ValueError, match=r"A/x/2\.png: has no partner in .*B$"):
        load(folders)
    (folders / "A" / "x" / "2.png").rename(folders / "B" / "x" / "3.png")
    with pytest.raises(ValueError, match=r"B/x/3\.png: has no partner in .*A$"):
        load(folders)


def test_partners_of_other_sizes_are_named(folders):
    save(folders / "A" / "x" / "1.png", Image.new("L", (8, 4)))
    with pytest.raises(ValueError, match=r"A/x/1\.png: is not of its partner's size, 4x8 and 4x4$"):
        load(folders, size=(4, 4))


def test_two_files_of_one_name(folders):
    save(folders / "A" / "x" / "1.bmp", Image.new("L", (4, 4)))
    with pytest.raises(ValueError, match="has the same name but for its ending"):
        load(folders)


@pytest.mark.parametrize("paths", ["A", "A,", "A,B,C"])
def test_two_folders_are_needed(paths):
    with pytest.raises(ValueError, match=f"pairs:{paths}: needs two folders, pairs:PATH_A,PATH_B"):
        paired.in_two_folders(paths, split="train", decoding=Decoding())
