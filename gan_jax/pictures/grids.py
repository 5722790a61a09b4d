"""Images side by side: grids, rows with titles, images with captions."""

import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from gan_jax.pictures.fonts import legible
from gan_jax.training.files import replace_file


def to_pixels(images: np.ndarray) -> np.ndarray:
    """Images in [-1, 1] to uint8 pixels, rounded; what lies outside is clipped."""
    return np.clip(np.round((np.asarray(images) + 1) * 127.5), 0, 255).astype(np.uint8)


def to_picture(pixels: np.ndarray) -> Image.Image:
    """Pixels uint8 [H, W, C], C 1 or 3, as a picture."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def grid(images: np.ndarray, *, columns: int | None = None, padding: int = 2, least_side: int = 512) -> Image.Image:
    """Images [N, H, W, C] in [-1, 1], C 1 or 3, as one picture, row by row, on a mid-gray ground.

    Args:
      columns: how many a row; by default as many as make it about square.
      padding: pixels between images, before enlarging.
      least_side: narrower grids are enlarged, by the least whole factor that makes them as wide.
    """
    pixels = to_pixels(images)
    n, height, width, channels = pixels.shape
    columns = columns or math.ceil(math.sqrt(n * height / width))
    rows = math.ceil(n / columns)
    canvas = np.full(
        (rows * (height + padding) + padding, columns * (width + padding) + padding, channels), 127, np.uint8
    )
    for i, image in enumerate(pixels):
        top, left = (padding + side * (size + padding) for side, size in zip(divmod(i, columns), (height, width)))
        canvas[top : top + height, left : left + width] = image
    picture = to_picture(canvas)
    factor = math.ceil(least_side / picture.width)
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)


def rows(images: np.ndarray, titles: Sequence[str], **options) -> Image.Image:
    """Images [R · columns, H, W, C] in [-1, 1] in one row for each of the R titles, which stand before their rows.

    Args: options: of `grid`. Raises ValueError if the titles do not divide the images.
    """
    if len(images) % len(titles):
        raise ValueError(f"{len(titles)} rows do not divide {len(images)} images")
    picture = grid(images, columns=len(images) // len(titles), **options).convert("RGB")
    height = picture.height / len(titles)
    written = [legible(title, max(10, min(18, int(height / 2)))) for title in titles]
    margin = 12 + max(int(font.getlength(title)) for title, font in written)
    canvas = Image.new("RGB", (picture.width + margin, picture.height), "white")
    canvas.paste(picture, (margin, 0))
    draw = ImageDraw.Draw(canvas)
    for number, (title, font) in enumerate(written):
        draw.text((margin - 6, (number + 0.5) * height), title, fill="black", font=font, anchor="rm")
    return canvas


def captioned(
    images: Sequence[np.ndarray | None], captions: Sequence[str], *, columns: int, title: str = "", least_side: int = 84
) -> Image.Image:
    """Images [H, W, C] in [-1, 1], row by row on white, each with a line of text beneath it.

    Args:
      images: None leaves a place free.
      captions: one each; a row of none has no line.
      title: stands above all, if there is one.
      least_side: narrower images are enlarged, by the least whole factor that makes them as wide.
    """
    height, width, _ = next(image.shape for image in images if image is not None)
    factor = math.ceil(least_side / width)
    height, width, gap, line = factor * height, factor * width, 6, 18
    lines = [line * any(captions[first : first + columns]) for first in range(0, len(images), columns)]
    (title, font), above = legible(title, 12), line * bool(title)
    size = columns * (width + gap) + gap, above + len(lines) * (height + gap) + sum(lines) + gap
    canvas = Image.new("RGB", (max(size[0], 2 * gap + int(font.getlength(title))), size[1]), "white")
    draw = ImageDraw.Draw(canvas)
    draw.text((gap, gap - 2), title, fill="black", font=font)
    for number, (image, caption) in enumerate(zip(images, captions, strict=True)):
        row, column = divmod(number, columns)
        left, top = gap + column * (width + gap), above + gap + row * (height + gap) + sum(lines[:row])
        if image is not None:
            pixels = to_pixels(image).repeat(factor, axis=0).repeat(factor, axis=1)
            canvas.paste(to_picture(pixels), (left, top))
        caption, font = legible(caption, 12)
        draw.text((left + width / 2, top + height + 2), caption, fill="black", font=font, anchor="ma")
    return canvas


def save(picture: Image.Image, path: str | Path) -> None:
    """Writes a PNG, at once or not at all, making its folder if need be."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, png(picture))


def png(picture: Image.Image) -> bytes:
    """A picture as a PNG file."""
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()
