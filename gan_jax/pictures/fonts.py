"""Fonts that have the letters of what is to be written: matplotlib's DejaVu, or else one that is installed."""

import functools
import unicodedata

from matplotlib import font_manager, get_data_path
from matplotlib.ft2font import FT2Font
from PIL import ImageFont

DEJAVU = f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf"  # Latin, Greek, Cyrillic, Arabic, Hebrew, Georgian, Armenian
BOXES = ("LastResort", "AdobeBlank", "Adobe-Blank")  # fonts that claim to have every letter, and draw boxes


def legible(text: str, size: float) -> tuple[str, ImageFont.FreeTypeFont]:
    """A line of text as it can be drawn, and the font of `size` pixels that does.

    Letters that no font on this machine has are escaped, as \\u732b: a name that can be looked up is better than boxes.
    """
    text = unicodedata.normalize("NFC", " ".join(text.split()))  # a letter and its accent as one
    path = _font_of(frozenset(text))
    if path is None:
        known = _letters(DEJAVU)
        text = "".join(
            each if ord(each) in known else each.encode("ascii", "backslashreplace").decode() for each in text
        )
    return text, _opened(path or DEJAVU, size)


@functools.cache
def _font_of(letters: frozenset[str]) -> str | None:
    """The file of a font that has them all; None if there is none."""
    needed = set(map(ord, letters))
    return next((path for path in _files() if needed <= _letters(path)), None)


@functools.cache
def _files() -> tuple[str, ...]:
    """Files of fonts: DejaVu, then what is installed, upright ones of usual weight first."""
    installed = [each for each in font_manager.fontManager.ttflist if not any(box in each.fname for box in BOXES)]
    plain = lambda each: (
        each.style != "normal",
        str(each.weight) not in ("400", "normal", "regular", "book"),
        each.fname,
    )
    return (DEJAVU, *dict.fromkeys(each.fname for each in sorted(installed, key=plain)))


@functools.cache
def _letters(path: str) -> frozenset[int]:
    """The letters of a font; none of one that cannot be drawn at any size, as those of emoji in pixels."""
    try:
        _opened(path, 12)
        return frozenset(FT2Font(path).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()


@functools.lru_cache(maxsize=64)
def _opened(path: str, size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)
