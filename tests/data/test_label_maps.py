"""Label maps from files: numbers are kept as they are, whatever their palette; and what is wrong is named."""

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import label_maps
from gan_jax.data.pixels import AS_IT_IS, Decoding


@pytest.fixture
def folders(tmp_path):
    """folders(maps, mode) writes maps, arrays by name, by a palette or gray, and images beside them; returns MAPS,IMAGES."""

    def write(maps, mode="P"):
        for folder in ("maps", "images"):
            (tmp_path / folder).mkdir(exist_ok=True)
        for name, labels in maps.items():
            picture = Image.fromarray(labels.astype(np.uint8))
            if mode == "P":
                picture.putpalette([255 - number for number in range(256) for _ in range(3)])
            picture.save(tmp_path / "maps" / f"{name}.png")
            colours = np.repeat(labels[..., None].astype(np.uint8) * 20, 3, axis=-1)
            Image.fromarray(colours).save(tmp_path / "images" / f"{name}.png")
        return f"{tmp_path / 'maps'},{tmp_path / 'images'}"

    return write


MAP = np.arange(64).reshape(8, 8) % 5


@pytest.mark.parametrize("mode", ["P", "L"])
def test_numbers_are_those_of_the_file(folders, mode):
    paths = folders({"one": MAP, "two": MAP.T}, mode)
    source = label_maps.load(paths, split="train", decoding=AS_IT_IS)
    batch = source[np.array([1, 0])]
    np.testing.assert_array_equal(batch["labels"][..., 0], [MAP.T, MAP])
    np.testing.assert_array_equal(batch["target"][0, ..., 0], MAP.T * 20)
    assert {name: (field.shape, field.dtype) for name, field in source.spec.items()} == {
        name: (field.shape[1:], field.dtype) for name, field in batch.items()
    }
    assert label_maps.count(paths) == 5


def test_resized_by_the_nearest_and_cropped_as_the_image(folders):
    """Of 0 and 4 there is never a 2 between."""
    halves = np.zeros((8, 12), int)
    halves[:, 6:] = 4
    source = label_maps.load(folders({"one": halves}), split="train", decoding=Decoding((5, 5)))
    found = source[np.array([0])]
    assert set(np.unique(found["labels"])) == {0, 4}
    left = found["labels"][0, :, 0, 0], found["labels"][0, :, -1, 0]
    assert (left[0] == 0).all() and (left[1] == 4).all()
    assert found["target"][0, 0, 0, 0] < 10 and found["target"][0, 0, -1, 0] > 70


def test_what_does_not_matter_is_no_label(folders):
    ignored = MAP.copy()
    ignored[0] = label_maps.DONT_CARE
    paths = folders({"one": ignored})
    source = label_maps.load(paths, split="train", decoding=AS_IT_IS)
    assert label_maps.count(paths) == 5
    assert (source[np.array([0])]["image"][0, 0] == 0).all()


def test_colours_tell_labels_apart():
    colours = label_maps.in_colours(np.arange(40)[:, None])
    assert len({tuple(colour) for colour in colours}) == 40


def test_a_number_beyond_is_named_with_its_file(folders):
    paths = folders({"one": MAP, "two": MAP + 3})
    with pytest.raises(ValueError, match=r"two.png: has a label 7, and there are 6, 0 to 5, or 255"):
        label_maps.load(paths, split="train", decoding=AS_IT_IS, num_labels=6)
    assert len(label_maps.load(paths, split="train", decoding=AS_IT_IS, num_labels=8)) == 2


def test_a_number_beyond_in_a_test_split_is_named_too(folders, tmp_path):
    """What is counted are the labels of the maps to train on."""
    for split, labels in (("train", MAP), ("test", MAP + 3)):
        folders({f"{split}_one": labels})
        for side in ("maps", "images"):
            (tmp_path / side / split).mkdir()
            (tmp_path / side / f"{split}_one.png").rename(tmp_path / side / split / "one.png")
    paths = f"{tmp_path / 'maps'},{tmp_path / 'images'}"
    assert len(label_maps.load(paths, split="train", decoding=AS_IT_IS)) == 1
    with pytest.raises(ValueError, match=r"test/one.png: has a label 7, and there are 5, 0 to 4"):
        label_maps.load(paths, split="test", decoding=AS_IT_IS)


@pytest.mark.parametrize("number", [-1, 256])
def test_numbers_that_are_no_labels_are_named(number, tmp_path):
    file = tmp_path / "one.tiff"
    Image.fromarray(np.full((4, 4), number, np.int32)).save(file)
    with pytest.raises(ValueError, match=f"one.tiff: has a number {number}; labels are 0 to 254, and 255"):
        label_maps.read(str(file))


def test_a_map_in_colours_is_none(folders, tmp_path):
    paths = folders({"one": MAP})
    Image.new("RGB", (8, 8)).save(tmp_path / "maps" / "one.png")
    with pytest.raises(ValueError, match=r"one.png: is an image in colours \(RGB\)"):
        label_maps.load(paths, split="train", decoding=AS_IT_IS)
