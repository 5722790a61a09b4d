"""Pairs of images, each under its title."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gan_jax.pictures.grids import grid

GAP = 12  # pixels between the columns of pairs
LINE = 22  # pixels of a title


def pairs(
    left: np.ndarray, right: np.ndarray, titles: Sequence[str], *, columns: int = 4, side: int = 64
) -> Image.Image:
    """Images [n, H, W, C] in [-1, 1] beside those that belong to them, in columns under the two titles, on white.

    Args: columns: pairs in a row; side: the least width to which images are enlarged, in pixels.
    """
    columns = min(columns, len(left))
    each = [
        grid(np.stack([left[i::columns], right[i::columns]], axis=1).reshape(-1, *left.shape[1:]), columns=2,
             padding=1, least_side=2 * side)
        for i in range(columns)
    ]  # fmt: skip
    width, height = each[0].width, max(picture.height for picture in each)
    canvas = Image.new("RGB", (columns * (width + GAP) - GAP, LINE + height), "white")
    draw, title, font = ImageDraw.Draw(canvas), " | ".join(titles), ImageFont.load_default(13)
    for number, picture in enumerate(each):
        place = number * (width + GAP)
        draw.text((place + width / 2, LINE / 2), title, fill="black", font=font, anchor="mm")
        canvas.paste(picture.convert("RGB"), (place, LINE))
    return canvas
