"""One image file becomes one array: 8 bits, gray or RGB, upright, square if a size is asked for."""

import io
import os

import numpy as np
from PIL import Image, ImageOps

GRAY_MODES = ("1", "L", "LA", "I", "I;16", "I;16L", "I;16B")
SIXTEEN_BIT_MODES = ("I", "I;16", "I;16L", "I;16B")  # Pillow opens a 16-bit gray file as one of these


def decode(file: str | os.PathLike | io.BytesIO, *, channels: int, size: int | None) -> np.ndarray:
    """Reads an image file.

    The EXIF orientation is applied. What is transparent shows white. 16-bit gray is scaled to 8 bits. Of an animation
    the first frame is taken.

    Args:
      file: a path, or the bytes of a file.
      channels: 1 for gray, 3 for RGB.
      size: side of the result, cut from the centre and resized; None keeps the image as large as it is.

    Returns:
      uint8 [H,W,channels].
    """
    with Image.open(file) as opened:
        ImageOps.exif_transpose(opened, in_place=True)
        image = _to_eight_bits(opened, mode="L" if channels == 1 else "RGB")
    if size is not None:
        image = square(image, size)
    return np.asarray(image).reshape(image.height, image.width, channels)


def square(image: Image.Image, size: int) -> Image.Image:
    """The largest centred square of an 8-bit image, resized to size x size (Lanczos)."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side)).resize((size, size), Image.Resampling.LANCZOS)


def resize(images: np.ndarray, size: int) -> np.ndarray:
    """Applies `square` to every image: uint8 [N,H,W,C] becomes uint8 [N,size,size,C], C being 1 or 3."""
    if images.shape[1:3] == (size, size):
        return images
    resized = np.empty((len(images), size, size, images.shape[-1]), np.uint8)
    for image, out in zip(images, resized, strict=True):
        pixels = image[..., 0] if image.shape[-1] == 1 else image  # Pillow's gray images are [H,W].
        out[:] = np.asarray(square(Image.fromarray(pixels), size)).reshape(out.shape)
    return resized


def _to_eight_bits(image: Image.Image, mode: str) -> Image.Image:
    if image.mode in SIXTEEN_BIT_MODES:
        # Pillow's own conversion would clip at 255.
        image = Image.fromarray(np.round(np.asarray(image) / 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert(mode)
