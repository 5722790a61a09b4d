import numpy as np
import pytest
from PIL import Image

from gan_jax import pictures


def test_pixels():
    images = np.array([-1.5, -1, -0.998, 0, 1, 1.5])
    np.testing.assert_array_equal(pictures.to_pixels(images), [0, 0, 0, 128, 255, 255])


def test_all_pixels_come_back():
    pixels = np.arange(256)
    np.testing.assert_array_equal(pictures.to_pixels((pixels / 127.5 - 1).astype(np.float32)), pixels)


@pytest.mark.parametrize("channels, mode", [(1, "L"), (3, "RGB")])
def test_a_grid_has_each_image_in_its_place(channels, mode):
    images = np.linspace(-1, 1, 5)[:, None, None, None] * np.ones((5, 4, 6, channels))
    picture = pictures.grid(images, columns=3, padding=1, least_side=1)
    assert picture.mode == mode and picture.size == (3 * 7 + 1, 2 * 5 + 1)
    content = np.asarray(picture).reshape(11, 22, channels)
    for i, value in enumerate(pictures.to_pixels(np.linspace(-1, 1, 5))):
        top, left = 1 + 5 * (i // 3), 1 + 7 * (i % 3)
        assert (content[top : top + 4, left : left + 6] == value).all()
    assert (content[6:10, 15:21] == 127).all()  # the place that is left


def test_small_grids_are_enlarged_by_whole_pixels():
    images = np.random.default_rng(0).uniform(-1, 1, (4, 8, 8, 1))
    small = np.asarray(pictures.grid(images, least_side=1))
    large = np.asarray(pictures.grid(images, least_side=100))
    np.testing.assert_array_equal(large, small.repeat(5, 0).repeat(5, 1))


def ink(picture, margin):
    """How much darker than white the margin is, by pixel."""
    return 255 - np.asarray(picture.convert("L")).astype(int)[:, :margin]


@pytest.mark.parametrize("channels", [1, 3])
def test_rows_are_a_grid_to_the_right_of_a_margin(channels):
    images = np.random.default_rng(0).uniform(-1, 1, (6, 8, 8, channels))
    picture = pictures.rows(images, ["1", "2"], least_side=100)
    alone = pictures.grid(images, columns=3, least_side=100)
    margin = picture.width - alone.width
    assert picture.mode == "RGB" and picture.height == alone.height and 12 < margin < 40
    np.testing.assert_array_equal(np.asarray(picture)[:, margin:], np.asarray(alone.convert("RGB")))


def test_each_title_stands_before_its_row():
    """The middle row has none, and the first has more to say than the last."""
    images = np.zeros((6, 8, 8, 1))
    titles = ["888", "", "1"]
    picture = pictures.rows(images, titles, least_side=100)
    margin = picture.width - pictures.grid(images, columns=2, least_side=100).width
    first, middle, last = (band.sum() for band in np.array_split(ink(picture, margin), 3))
    assert first > 2 * last > 0 == middle


@pytest.mark.parametrize("count", [1, 10])
def test_titles_are_level_with_the_middle_of_their_rows(count):
    images = np.zeros((4 * count, 8, 8, 1))
    picture = pictures.rows(images, ["8"] * count, least_side=256)
    alone = pictures.grid(images, columns=4, least_side=256)
    dark = ink(picture, picture.width - alone.width).sum(axis=1)
    scale = alone.width // (4 * 10 + 2)
    for row in range(count):
        top = scale * (2 + 10 * row)
        lines = top + np.flatnonzero(dark[top : top + 8 * scale])
        assert abs((lines[0] + lines[-1]) / 2 - (top + 4 * scale)) < 0.15 * 8 * scale


def test_a_long_title_widens_the_margin():
    """So that none is cut off, or runs into the images."""
    images = np.zeros((4, 8, 8, 3))
    short, long = (pictures.rows(images, ["1", title], least_side=100) for title in ("2", "aeroplane"))
    widths = [picture.width - pictures.grid(images, columns=2, least_side=100).width for picture in (short, long)]
    assert widths[1] > widths[0] + 30
    for picture, margin in zip((short, long), widths):
        columns = np.flatnonzero(ink(picture, margin).sum(axis=0))
        assert 3 <= columns[0] and columns[-1] < margin - 3
    assert len(np.flatnonzero(ink(long, widths[1]).sum(axis=0))) > widths[0]


def test_a_picture_is_saved_as_it_is(tmp_path):
    picture = pictures.grid(np.zeros((4, 8, 8, 3)))
    pictures.save(picture, tmp_path / "new" / "grid.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "new" / "grid.png")), np.asarray(picture))


def test_an_animation_has_the_frames_in_order_and_holds_the_last(tmp_path):
    frames = []
    for step, value in ((100, -1), (200, 0), (300, 1)):
        frames.append(tmp_path / f"{step:06d}.png")
        pictures.save(pictures.grid(np.full((1, 8, 8, 1), value), least_side=64), frames[-1])
    pictures.animate(frames, tmp_path / "all.gif", seconds=0.3, hold=1.0)
    with Image.open(tmp_path / "all.gif") as film:
        assert film.n_frames == 3
        seen = []
        for i in range(3):
            film.seek(i)
            seen.append((film.convert("L").getpixel((30, 30)), film.info["duration"]))
    assert [duration for _, duration in seen] == [100, 100, 1000]
    assert seen[0][0] < 20 < 110 < seen[1][0] < 140 < 235 < seen[2][0]


def test_a_film_starts_again_at_its_end(tmp_path):
    frames = [pictures.grid(np.full((1, 8, 8, 3), value), least_side=64) for value in (-1, 0, 1)]
    pictures.film(frames, tmp_path / "new" / "all.gif", [50, 60, 70])
    with Image.open(tmp_path / "new" / "all.gif") as film:
        assert film.n_frames == 3 and film.info["loop"] == 0
        for i, duration in enumerate((50, 60, 70)):
            film.seek(i)
            assert film.info["duration"] == duration
            np.testing.assert_array_equal(np.asarray(film.convert("RGB")), np.asarray(frames[i]))


def test_no_frames_make_no_animation(tmp_path):
    pictures.animate([], tmp_path / "all.gif")
    assert not (tmp_path / "all.gif").exists()


@pytest.mark.parametrize("steps", [1, 200])
def test_curves_are_drawn_for_any_length(tmp_path, steps):
    metrics = {"step": list(range(1, steps + 1)), "d_loss": [0.5] * steps, "g_gradient_norm": [2.0] * steps}
    pictures.curves(metrics, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.width > 600 and len(picture.convert("RGB").getcolors(100_000)) > 20


def test_no_metrics_make_no_curves(tmp_path):
    pictures.curves({}, tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()


def test_points_are_where_they_belong():
    """Samples are orange, data gray; the first panel's field has its largest scores, blue, on top."""
    sample, data = np.array([[0.5, 0.5]] * 50), np.array([[-0.5, -0.5]] * 50)
    field = np.linspace(-1, 1, 64)[:, None].repeat(64, axis=1)
    picture = np.asarray(pictures.plane([sample], data, 1.0, field=field)).astype(int)
    height, width = picture.shape[:2]
    at = lambda x, y: picture[round((0.5 - y / 2) * height), round((0.5 + x / 2) * width)]
    near = lambda x, y: picture[
        round((0.5 - y / 2) * height) - 6 : round((0.5 - y / 2) * height) + 7,
        round((0.5 + x / 2) * width) - 6 : round((0.5 + x / 2) * width) + 7,
    ].reshape(-1, 3)
    assert (near(0.5, 0.5)[:, 0] - near(0.5, 0.5)[:, 2]).max() > 150  # orange
    assert near(-0.5, -0.5).max(axis=1).min() < 110  # dark gray
    assert at(0, 0.9)[2] > at(0, 0.9)[0] and at(0, -0.9)[0] > at(0, -0.9)[2]


def test_panels_are_one_a_generator():
    one, seven = (pictures.plane([np.zeros((1, 2))] * n, np.zeros((1, 2)), 1.0) for n in (1, 7))
    assert one.size == (512, 512) and seven.size == (1200, 480)


def test_captioned_images_are_in_their_places():
    """Enlarged by whole pixels; a place left free is white; a row without captions has no line beneath it."""
    images = [*(np.full((8, 8, 1), value) for value in (-1, 0, 1)), None]
    picture = pictures.captioned(images, ["", "", "0.5", ""], columns=2, least_side=20)
    plain = pictures.captioned(images, [""] * 4, columns=2, least_side=20)
    assert picture.mode == "RGB" and plain.size == (2 * 30 + 6, 2 * 30 + 6)  # 8 pixels by a factor of 3, and gaps of 6
    line = picture.height - plain.height
    assert 10 < line < 30
    content = np.asarray(picture.convert("L"))
    for image, (top, left) in zip((0, 128, 255, 255), ((6, 6), (6, 36), (36, 6), (36, 36))):
        assert (content[top : top + 24, left : left + 24] == image).all()
    written = content[60 : 60 + line] < 128
    assert written[:, :36].any() and not written[:, 36:].any()
    titled = pictures.captioned(images, ["", "", "0.5", ""], columns=2, least_side=20, title="a title")
    np.testing.assert_array_equal(np.asarray(titled)[line:, : picture.width], np.asarray(picture)[:, :])


def test_captioned_colours_are_kept():
    image = np.random.default_rng(0).uniform(-1, 1, (8, 8, 3))
    picture = np.asarray(pictures.captioned([image], [""], columns=1, least_side=16))
    np.testing.assert_array_equal(picture[6:22:2, 6:22:2], pictures.to_pixels(image))
