"""One image file becomes one array: 8 bits, gray or RGB, upright, cropped and resized if a size is asked for."""

import contextlib
import io
import os
import re
import warnings
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

SIXTEEN_BIT_WHITE = 65535
# Pillow opens files of more than 8 bits as one of these, if they are gray: integers of 16 or 32 bits, and floats.
DEEP_MODES = ("I", "I;16", "I;16L", "I;16B", "I;16N", "F")
GRAY_MODES = ("1", "L", "LA", *DEEP_MODES)
CROPS = ("center", "none")

Size = int | tuple[int, int]  # a side, or (H, W)


class TooManyPixels(ValueError):
    """A file has more pixels than are allowed, and was not decoded."""


class Decoding(NamedTuple):
    """How the pixels of a file become those of an array.

    Fields:
      size: (H, W) of the array; None keeps the image as large as it is.
      crop: "center" cuts the largest part of these proportions from the centre, and resizes that; "none" resizes the
        whole, which squeezes what has other proportions.
      white_level: what becomes 255 in gray of more than 8 bits, 4095 for 12-bit data say; None is 65,535, of floats 255.
      max_pixels: how many a file may have; None is Pillow's own limit, twice `PIL.Image.MAX_IMAGE_PIXELS`.
      formats: the names of Pillow's formats that are tried; None is all, of which some start other programs.
    """

    size: tuple[int, int] | None = None
    crop: str = "center"
    white_level: float | None = None
    max_pixels: int | None = None
    formats: tuple[str, ...] | None = None


AS_IT_IS = Decoding()

# Pillow warns from half its limit on, of what it then decodes.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def parse_size(text: str, option: str = "image_size") -> Size:
    """The size of "64", a side, or of "48x96", height x width. Raises ValueError, naming the option, for other texts."""
    found = re.fullmatch(r"(\d+)(?:[xX](\d+))?", text.strip())
    if not found:
        raise ValueError(f"{option}={text}: must be a side, as in 64, or height x width, as in 48x96")
    size = tuple(int(side) for side in found.groups() if side is not None)
    if min(size) < 1:
        raise ValueError(f"{option}={text}: must be at least 1")
    return size if len(set(size)) == 2 else size[0]


def both_sides(size: Size) -> tuple[int, int]:
    """(H, W) of a size."""
    return (size, size) if isinstance(size, int | np.integer) else size


def decode(file: str | os.PathLike | io.BytesIO, *, channels: int, decoding: Decoding = AS_IT_IS) -> np.ndarray:
    """Reads an image file.

    The EXIF orientation is applied. What is transparent shows white. Gray of more than 8 bits is scaled to 8. Of an
    animation the first frame is taken.

    Args:
      file: a path, or the bytes of a file.
      channels: 1 for gray, 3 for RGB.
      decoding: what else is done.

    Returns:
      uint8 [H,W,channels].

    Raises:
      TooManyPixels: for more than decoding.max_pixels.
      Exception: each of Pillow's decoders has its own.
    """
    with opened(file, decoding.max_pixels, decoding.formats) as image:
        ImageOps.exif_transpose(image, in_place=True)
        image = _to_eight_bits(image, mode="L" if channels == 1 else "RGB", white_level=decoding.white_level)
    if decoding.size is not None:
        image = fitted(image, decoding.size, decoding.crop)
    return np.asarray(image).reshape(image.height, image.width, channels)


@contextlib.contextmanager
def opened(
    file: str | os.PathLike | io.BytesIO, max_pixels: int | None = None, formats: tuple[str, ...] | None = None
) -> Iterator[Image.Image]:
    """An image file, not yet decoded. Raises TooManyPixels; what Pillow raises for what is no image."""
    if max_pixels is not None and Image.MAX_IMAGE_PIXELS is not None:
        # Pillow has but one limit for all of the process. It only ever gives way, since threads share it.
        Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, max_pixels)
    try:
        image = Image.open(file, formats=formats)
    except Image.DecompressionBombError as error:
        raise TooManyPixels(str(error).partition(",")[0]) from error
    with image:
        if max_pixels is not None and image.width * image.height > max_pixels:
            raise TooManyPixels(
                f"Image size ({image.width * image.height} pixels) exceeds limit of {max_pixels} pixels"
            )
        yield image


def fitted(
    image: Image.Image, size: Size, crop: str = "center", by: Image.Resampling = Image.Resampling.LANCZOS
) -> Image.Image:
    """An 8-bit image resized to a size: the largest centred part of its proportions, or with crop "none" all."""
    height, width = both_sides(size)
    if crop == "center":
        # The whole height or the whole width, and of the other side as much as has the proportions of the size.
        wide = max(1, min(image.width, round(image.height * width / height)))
        high = max(1, min(image.height, round(image.width * height / width)))
        left, top = (image.width - wide) // 2, (image.height - high) // 2
        image = image.crop((left, top, left + wide, top + high))
    return image.resize((width, height), by)


def resize(
    images: np.ndarray, size: Size, crop: str = "center", by: Image.Resampling = Image.Resampling.LANCZOS
) -> np.ndarray:
    """Applies `fitted` to every image: uint8 [N,H,W,C] becomes uint8 [N,*size,C], C being 1 or 3."""
    if images.shape[1:3] == both_sides(size):
        return images
    resized = np.empty((len(images), *both_sides(size), images.shape[-1]), np.uint8)
    for image, out in zip(images, resized, strict=True):
        pixels = image[..., 0] if image.shape[-1] == 1 else image  # Pillow's gray images are [H,W].
        out[:] = np.asarray(fitted(Image.fromarray(pixels), size, crop, by)).reshape(out.shape)
    return resized


def in_channels(images: np.ndarray, channels: int) -> np.ndarray:
    """uint8 [N, H, W, C] in so many channels: gray in all of them; colours, in one, by their mean."""
    if images.shape[-1] > channels:
        images = np.round(images.mean(axis=-1, keepdims=True)).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(images, (*images.shape[:-1], channels)))


def _to_eight_bits(image: Image.Image, mode: str, white_level: float | None) -> Image.Image:
    if image.mode in DEEP_MODES:
        # Pillow's own conversion would clip at 255.
        white = white_level or (255 if image.mode == "F" else SIXTEEN_BIT_WHITE)
        values = np.nan_to_num(np.asarray(image)) / (white / 255)
        image = Image.fromarray(np.clip(np.round(values), 0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert(mode)
