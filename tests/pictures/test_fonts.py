"""Titles in any script: with letters that a font has, or escaped; never with boxes."""

import numpy as np
import pytest
from PIL import ImageFont

from gan_jax.pictures import fonts, grids
from gan_jax.pictures.fonts import legible

BOX = "\uf8ff"  # a private letter that no ordinary font has: it is drawn as a box


@pytest.fixture
def dejavu_alone(monkeypatch):
    """A machine on which nothing else is installed."""
    monkeypatch.setattr(fonts, "_files", lambda: (fonts.DEJAVU,))
    fonts._font_of.cache_clear()
    yield
    fonts._font_of.cache_clear()


def drawn(letter: str, font: ImageFont.FreeTypeFont) -> bytes:
    return bytes(font.getmask(letter))


@pytest.mark.parametrize("text", ["chêne", "Ångström", "Żółw", "кошка", "γάτα", "7 × ½", "it's"])
def test_letters_of_dejavu_are_drawn_as_they_are(text):
    found, font = legible(text, 14)
    assert found == text
    box = drawn(BOX, font)
    for letter in set(text) - {" "}:
        assert drawn(letter, font) not in (box, b"")
    assert drawn(text[0], font) != drawn(text[1], font)


def test_a_letter_and_its_accent_are_one(dejavu_alone):
    """As macOS names files."""
    assert legible("che\u0302ne", 14)[0] == "chêne"


def test_letters_that_no_font_has_are_escaped(dejavu_alone):
    text, font = legible("猫 cat é", 14)
    assert text == r"\u732b cat é"
    assert drawn(text, font) != drawn(BOX + text[6:], font)


def test_a_font_that_is_installed_is_taken_for_what_dejavu_lacks(monkeypatch):
    """STIX comes with matplotlib, and has a letter of mathematics that DejaVu has not."""
    stix = fonts.DEJAVU.replace("DejaVuSans.ttf", "STIXGeneral.ttf")
    (letter, *_) = map(chr, sorted(fonts._letters(stix) - fonts._letters(fonts.DEJAVU)))
    monkeypatch.setattr(fonts, "_files", lambda: (fonts.DEJAVU, "/nowhere.ttf", stix))
    fonts._font_of.cache_clear()
    text, font = legible(f"a{letter}", 14)
    fonts._font_of.cache_clear()
    assert text == f"a{letter}" and font.path == stix
    assert legible("a", 14)[1].path == fonts.DEJAVU


def test_fonts_of_boxes_are_not_taken():
    assert fonts._files()[0] == fonts.DEJAVU
    assert not any("LastResort" in path for path in fonts._files())
    assert legible(BOX, 14)[0] == r"\uf8ff"


def test_row_titles_and_captions_and_columns():
    """Letters differ from one another: a row of boxes would be the same picture for each."""
    images = np.zeros((2, 8, 8, 1))
    pictures = [np.asarray(grids.rows(images, [word, ""], least_side=64)) for word in ("кит", "лис", "chê")]
    assert len({picture.tobytes() for picture in pictures}) == 3
    captions = [np.asarray(grids.captioned(list(images), [word, ""], columns=2)) for word in ("кит", "лис")]
    assert captions[0].shape == captions[1].shape and (captions[0] != captions[1]).any()
