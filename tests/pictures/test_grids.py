import numpy as np
import pytest
from PIL import Image

from gan_jax.pictures import grids


def test_pixels():
    images = np.array([-1.5, -1, -0.998, 0, 1, 1.5])
    np.testing.assert_array_equal(grids.to_pixels(images), [0, 0, 0, 128, 255, 255])


def test_all_pixels_come_back():
    pixels = np.arange(256)
    np.testing.assert_array_equal(grids.to_pixels((pixels / 127.5 - 1).astype(np.float32)), pixels)


@pytest.mark.parametrize("channels, mode", [(1, "L"), (3, "RGB")])
def test_a_grid_has_each_image_in_its_place(channels, mode):
    images = np.linspace(-1, 1, 5)[:, None, None, None] * np.ones((5, 4, 6, channels))
    picture = grids.grid(images, columns=3, padding=1, least_side=1)
    assert picture.mode == mode and picture.size == (3 * 7 + 1, 2 * 5 + 1)
    content = np.asarray(picture).reshape(11, 22, channels)
    for i, value in enumerate(grids.to_pixels(np.linspace(-1, 1, 5))):
        top, left = 1 + 5 * (i // 3), 1 + 7 * (i % 3)
        assert (content[top : top + 4, left : left + 6] == value).all()
    assert (content[6:10, 15:21] == 127).all()  # the place that is left


def test_small_grids_are_enlarged_by_whole_pixels():
    images = np.random.default_rng(0).uniform(-1, 1, (4, 8, 8, 1))
    small = np.asarray(grids.grid(images, least_side=1))
    large = np.asarray(grids.grid(images, least_side=100))
    np.testing.assert_array_equal(large, small.repeat(5, 0).repeat(5, 1))


def ink(picture, margin):
    """How much darker than white the margin is, by pixel."""
    return 255 - np.asarray(picture.convert("L")).astype(int)[:, :margin]


@pytest.mark.parametrize("channels", [1, 3])
def test_rows_are_a_grid_to_the_right_of_a_margin(channels):
    images = np.random.default_rng(0).uniform(-1, 1, (6, 8, 8, channels))
    picture = grids.rows(images, ["1", "2"], least_side=100)
    alone = grids.grid(images, columns=3, least_side=100)
    margin = picture.width - alone.width
    assert picture.mode == "RGB" and picture.height == alone.height and 12 < margin < 40
    np.testing.assert_array_equal(np.asarray(picture)[:, margin:], np.asarray(alone.convert("RGB")))


def test_each_title_stands_before_its_row():
    """The middle row has none, and the first has more to say than the last."""
    images = np.zeros((6, 8, 8, 1))
    titles = ["888", "", "1"]
    picture = grids.rows(images, titles, least_side=100)
    margin = picture.width - grids.grid(images, columns=2, least_side=100).width
    first, middle, last = (band.sum() for band in np.array_split(ink(picture, margin), 3))
    assert first > 2 * last > 0 == middle


@pytest.mark.parametrize("count", [1, 10])
def test_titles_are_level_with_the_middle_of_their_rows(count):
    images = np.zeros((4 * count, 8, 8, 1))
    picture = grids.rows(images, ["8"] * count, least_side=256)
    alone = grids.grid(images, columns=4, least_side=256)
    dark = ink(picture, picture.width - alone.width).sum(axis=1)
    scale = alone.width // (4 * 10 + 2)
    for row in range(count):
        top = scale * (2 + 10 * row)
        lines = top + np.flatnonzero(dark[top : top + 8 * scale])
        assert abs((lines[0] + lines[-1]) / 2 - (top + 4 * scale)) < 0.15 * 8 * scale


def test_a_long_title_widens_the_margin():
    """So that none is cut off, or runs into the images."""
    images = np.zeros((4, 8, 8, 3))
    short, long = (grids.rows(images, ["1", title], least_side=100) for title in ("2", "aeroplane"))
    widths = [picture.width - grids.grid(images, columns=2, least_side=100).width for picture in (short, long)]
    assert widths[1] > widths[0] + 30
    for picture, margin in zip((short, long), widths):
        columns = np.flatnonzero(ink(picture, margin).sum(axis=0))
        assert columns[0] >= 3 and columns[-1] < margin - 3
    assert len(np.flatnonzero(ink(long, widths[1]).sum(axis=0))) > widths[0]


def test_a_picture_is_saved_as_it_is(tmp_path):
    picture = grids.grid(np.zeros((4, 8, 8, 3)))
    grids.save(picture, tmp_path / "new" / "grid.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "new" / "grid.png")), np.asarray(picture))


def test_captioned_images_are_in_their_places():
    """Enlarged by whole pixels; a place left free is white; a row without captions has no line beneath it."""
    images = [*(np.full((8, 8, 1), value) for value in (-1, 0, 1)), None]
    picture = grids.captioned(images, ["", "", "0.5", ""], columns=2, least_side=20)
    plain = grids.captioned(images, [""] * 4, columns=2, least_side=20)
    assert picture.mode == "RGB" and plain.size == (2 * 30 + 6, 2 * 30 + 6)  # 8 pixels by a factor of 3, and gaps of 6
    line = picture.height - plain.height
    assert 10 < line < 30
    content = np.asarray(picture.convert("L"))
    for image, (top, left) in zip((0, 128, 255, 255), ((6, 6), (6, 36), (36, 6), (36, 36))):
        assert (content[top : top + 24, left : left + 24] == image).all()
    written = content[60 : 60 + line] < 128
    assert written[:, :36].any() and not written[:, 36:].any()
    titled = grids.captioned(images, ["", "", "0.5", ""], columns=2, least_side=20, title="a title")
    np.testing.assert_array_equal(np.asarray(titled)[line:, : picture.width], np.asarray(picture)[:, :])


def test_captioned_colours_are_kept():
    image = np.random.default_rng(0).uniform(-1, 1, (8, 8, 3))
    picture = np.asarray(grids.captioned([image], [""], columns=1, least_side=16))
    np.testing.assert_array_equal(picture[6:22:2, 6:22:2], grids.to_pixels(image))
