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


@pytest.mark.parametrize("channels", [1, 3])
def test_resize(channels):
    halves = np.zeros((2, 8, 8, channels), np.uint8)
    halves[1, :, 4:] = 200
    resized = pixels.resize(halves, 4)
    assert resized.shape == (2, 4, 4, channels) and resized.dtype == np.uint8
    assert not resized[0].any()
    assert resized[1, :, 0].max() <= 1 and resized[1, :, 3].min() >= 199
    assert pixels.resize(halves, 8) is halves


def test_resize_does_not_wrap_around():
    step = np.zeros((1, 8, 8, 1), np.uint8)
    step[:, :, 4:] = 255  # Lanczos overshoots here: it must stop at 0 and 255.
    columns = pixels.resize(step, 32)[0, 0, :, 0].astype(int)
    assert columns[:15].max() < 60 and columns[17:].min() > 195
