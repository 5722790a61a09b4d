"""Printed digits: those of the fonts that come with matplotlib, condensed, slanted and in two weights; needs no download.

The split "test" has fonts of its own, so that no letterform is in both.
"""

import functools
import itertools
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gan_jax.data.pixels import Size, both_sides, resize
from gan_jax.data.source import ArraySource

FONTS = {
    "train": (
        *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSansMono-Bold"),
        *("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-BoldItalic", "DejaVuSerif-Italic"),
        *("STIXGeneral", "STIXGeneralItalic", "cmb10", "cmr10", "cmtt10"),
    ),
    "test": ("DejaVuSans-BoldOblique", "DejaVuSansMono-Oblique", "STIXGeneralBol", "cmss10"),
}
HEIGHT = 0.96  # of the digits, as a share of the side, which handwritten ones fill
WIDTHS = (0.7, 0.85, 1.0)  # as a share of the font's: condensed ones, too
SLANTS = (-0.15, 0.0, 0.15)  # how far the top is right of the foot, as a share of the height
STROKES = (0, 4)  # by how many pixels of DRAWN letters are fatter on each side
DRAWN = 128  # pixels a side at first
SIDE = 16
DIGITS = tuple("0123456789")


def printed(*, data_dir: str, split: str, image_size: Size | None) -> ArraySource:
    """White on black, uint8 [N, H, W, 1]: 2,520 to train on and 720 to test on, labelled 0 to 9, all digits of a font in a row."""
    del data_dir
    drawn, labels = [], []
    ways = itertools.product(FONTS[split], WIDTHS, SLANTS, STROKES, range(10))
    for font, width, slant, stroke, digit in ways:
        drawn.append(_draw(font, DIGITS[digit], width, slant, stroke))
        labels.append(digit)
    images = resize(np.stack(drawn)[..., None], both_sides(SIDE if image_size is None else image_size), crop="none")
    return ArraySource({"image": images, "label": np.array(labels, np.int32)}, DIGITS)


@functools.cache
def _letters(font: str, stroke: int) -> ImageFont.FreeTypeFont:
    """A font of the size in which its 0 has HEIGHT."""
    from matplotlib import get_data_path  # Here, since it takes a while and only this dataset needs it.

    path = Path(get_data_path()) / "fonts" / "ttf" / f"{font}.ttf"
    _, top, _, bottom = ImageFont.truetype(path, DRAWN).getbbox("0", stroke_width=stroke)
    return ImageFont.truetype(path, round(DRAWN * HEIGHT * DRAWN / (bottom - top)))


def _draw(font: str, digit: str, width: float, slant: float, stroke: int) -> np.ndarray:
    """One digit in the middle, uint8 [DRAWN, DRAWN]."""
    letters, middle = _letters(font, stroke), DRAWN / 2
    left, top, right, bottom = letters.getbbox(digit, stroke_width=stroke)
    image = Image.new("L", (DRAWN, DRAWN))
    corner = (middle - (left + right) / 2, middle - (top + bottom) / 2)
    ImageDraw.Draw(image).text(corner, digit, fill=255, font=letters, stroke_width=stroke, stroke_fill=255)
    # What is at (x, y) afterwards was at (middle + (x + slant (y - middle) - middle) / width, y).
    sheared = (1 / width, slant / width, middle - (1 + slant) * middle / width, 0, 1, 0)
    return np.asarray(image.transform(image.size, Image.Transform.AFFINE, sheared, Image.Resampling.BICUBIC))
