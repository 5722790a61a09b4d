import io

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import pixels
from gan_jax.data.pixels import Decoding


def as_file(image: Image.Image, format: str = "PNG", **options) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, format, **options)
    return io.BytesIO(file.getvalue())


def constant(mode: str, value, **info) -> Image.Image:
    image = Image.new(mode, (2, 2), value)
    image.info.update(info)
    return image


def palette(alpha: bytes | None) -> io.BytesIO:
    image = Image.new("P", (2, 2), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    return as_file(image, **({} if alpha is None else {"transparency": alpha}))


SIXTEEN_BITS = Image.fromarray(np.full((2, 2), 257 * 77, np.uint16))
# Of each kind of file: the value of its pixels once decoded, gray or RGB.
MODES = {
    "1 bit": (as_file(constant("1", 1)), 255),
    "gray": (as_file(constant("L", 77)), 77),
    "gray with alpha": (as_file(constant("LA", (100, 51))), 224),  # 100 * 0.2 + 255 * 0.8
    "16-bit gray": (as_file(SIXTEEN_BITS), 77),
    "rgb": (as_file(constant("RGB", (10, 20, 30))), (10, 20, 30)),
    "rgba": (as_file(constant("RGBA", (10, 20, 30, 51))), (206, 208, 210)),
    "rgba, transparent": (as_file(constant("RGBA", (10, 20, 30, 0))), (255, 255, 255)),
    "rgb with a transparent colour": (as_file(constant("RGB", (1, 2, 3)), transparency=(1, 2, 3)), (255, 255, 255)),
    "palette": (palette(None), (10, 20, 30)),
    "palette with alpha": (palette(b"\xff\x33"), (206, 208, 210)),
    "jpeg gray": (as_file(constant("L", 77), "JPEG", quality=100), 77),
    "jpeg cmyk": (as_file(constant("CMYK", (255, 255, 255, 0)), "JPEG", quality=100), (0, 0, 0)),
    "webp": (as_file(constant("RGB", (10, 20, 30)), "WEBP", lossless=True), (10, 20, 30)),
    "bmp": (as_file(constant("RGB", (10, 20, 30)), "BMP"), (10, 20, 30)),
    "gif": (as_file(constant("L", 77), "GIF"), 77),
    "gif, first frame": (as_file(constant("L", 9), "GIF", save_all=True, append_images=[constant("L", 200)]), 9),
}


@pytest.mark.parametrize("case", MODES)
@pytest.mark.parametrize("size", [None, 5])
def test_modes(case, size):
    file, value = MODES[case]
    channels = np.size(value)
    decoded = pixels.decode(
        io.BytesIO(file.getvalue()), channels=channels, decoding=Decoding(None if size is None else (size, size))
    )
    assert decoded.dtype == np.uint8 and decoded.shape == ((2, 2) if size is None else (size, size)) + (channels,)
    np.testing.assert_array_equal(decoded, np.broadcast_to(value, decoded.shape))


def test_gray_file_as_rgb():
    decoded = pixels.decode(as_file(constant("L", 77)), channels=3)
    np.testing.assert_array_equal(decoded, np.full((2, 2, 3), 77))


def test_sixteen_bits_span_all_eight():
    file = as_file(Image.fromarray(np.array([[0, 257, 32768, 65535]], np.uint16)))
    assert pixels.decode(file, channels=1).ravel().tolist() == [0, 1, 128, 255]


@pytest.mark.parametrize(
    "values, white_level, expected",
    [
        (np.array([0, 2048, 4095, 9999], np.uint16), 4095, [0, 128, 255, 255]),
        (np.array([0, 65535, 70000, -5], np.int32), None, [0, 255, 255, 0]),  # 32 bits do not wrap around
        (np.array([-1, 0.4, 254.6, 300], np.float32), None, [0, 0, 255, 255]),
        (np.array([0, 0.25, 1, np.nan], np.float32), 1, [0, 64, 255, 0]),
    ],
)
def test_white_level(values, white_level, expected):
    file = as_file(Image.fromarray(values[None]), "TIFF")
    found = pixels.decode(file, channels=1, decoding=Decoding(white_level=white_level))
    assert found.ravel().tolist() == expected


def test_orientation():
    upright = np.arange(6, dtype=np.uint8).reshape(2, 3)
    exif = Image.Exif()
    exif[0x0112] = 6  # To be seen, it must be turned by a quarter clockwise.
    file = as_file(Image.fromarray(np.rot90(upright)), exif=exif)
    np.testing.assert_array_equal(pixels.decode(file, channels=1)[..., 0], upright)


@pytest.mark.parametrize("shape", [(4, 8), (8, 4), (4, 9)])
def test_square_keeps_the_centre(shape):
    content = np.random.RandomState(0).randint(0, 256, shape).astype(np.uint8)
    top, left = (shape[0] - 4) // 2, (shape[1] - 4) // 2
    np.testing.assert_array_equal(pixels.fitted(Image.fromarray(content), 4), content[top : top + 4, left : left + 4])


@pytest.mark.parametrize("size", [(2, 4), (4, 2), (3, 3), (4, 8), (2, 9)])
@pytest.mark.parametrize("shape", [(4, 8), (8, 4), (5, 7)])
def test_the_largest_centred_part_of_the_proportions_is_kept(shape, size):
    """By the largest scale at which the size fits into the image."""
    content = np.random.RandomState(0).randint(0, 256, shape).astype(np.uint8)
    found = np.asarray(pixels.fitted(Image.fromarray(content), size))
    scale = min(shape[0] / size[0], shape[1] / size[1])
    high, wide = round(size[0] * scale), round(size[1] * scale)
    top, left = (shape[0] - high) // 2, (shape[1] - wide) // 2
    cut = Image.fromarray(content[top : top + high, left : left + wide])
    np.testing.assert_array_equal(found, np.asarray(cut.resize(size[::-1], Image.Resampling.LANCZOS)))


def test_without_a_crop_nothing_is_lost():
    """A black strip at the left is there, squeezed; the centre alone would not show it."""
    content = np.zeros((8, 32), np.uint8)
    content[:, 4:] = 255
    whole = np.asarray(pixels.fitted(Image.fromarray(content), (8, 8), "none"))
    assert (whole[:, 0] < 30).all() and (whole[:, 3:] > 240).all()
    assert (np.asarray(pixels.fitted(Image.fromarray(content), (8, 8))) == 255).all()


@pytest.mark.parametrize("text, size", [("64", 64), ("48x96", (48, 96)), ("64X64", 64), (" 7x8 ", (7, 8))])
def test_sizes_in_words(text, size):
    assert pixels.parse_size(text) == size


@pytest.mark.parametrize(
    "text, said", [("64x", "height x width"), ("a", "height x width"), ("0", "at least 1"), ("8x0", "at least 1")]
)
def test_what_is_no_size(text, said):
    with pytest.raises(ValueError, match=f"^image_size={text}: must be .*{said}"):
        pixels.parse_size(text)


@pytest.mark.parametrize("channels", [1, 3])
def test_resize(channels):
    halves = np.zeros((2, 8, 8, channels), np.uint8)
    halves[1, :, 4:] = 200
    resized = pixels.resize(halves, 4)
    assert resized.shape == (2, 4, 4, channels) and resized.dtype == np.uint8
    assert not resized[0].any()
    assert resized[1, :, 0].max() <= 1 and resized[1, :, 3].min() >= 199
    assert pixels.resize(halves, 8) is halves and pixels.resize(halves, (8, 8)) is halves


def test_resize_does_not_wrap_around():
    step = np.zeros((1, 8, 8, 1), np.uint8)
    step[:, :, 4:] = 255  # Lanczos overshoots here: it must stop at 0 and 255.
    columns = pixels.resize(step, 32)[0, 0, :, 0].astype(int)
    assert columns[:15].max() < 60 and columns[17:].min() > 195
