import numpy as np
import pytest
from PIL import Image

from gan_jax.pictures import panels


def test_bands_are_means_and_deviations(monkeypatch):
    """Drawn at 1 and 3, deviation √2: of two runs, n - 1."""
    drawn = []
    monkeypatch.setattr(panels, "save_figure", lambda figure, path: drawn.append(figure))
    x = np.array([10, 20])
    panels.bands(
        {"loss": {"hinge": (x, np.array([[1.0, 3.0], [3.0, 5.0]])), "one": (x, np.ones((1, 2)))}}, "", xlabel="round"
    )
    (axes,) = drawn[0].axes
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[10, 2], [20, 4]])
    (band,) = axes.collections  # none of a single run
    heights = band.get_paths()[0].vertices[:, 1]
    np.testing.assert_allclose([heights.min(), heights.max()], [2 - np.sqrt(2), 4 + np.sqrt(2)])
    assert axes.get_xlabel() == "round" and axes.get_title() == "loss"


def test_bars_where_there_is_one_place(monkeypatch):
    """Of runs with 1 and 3 a bar of 2, and a line √2 to each side; beside it a panel of curves as ever."""
    drawn, once, often = [], np.array([30]), np.array([10, 20])
    monkeypatch.setattr(panels, "save_figure", lambda figure, path: drawn.append(figure))
    scores = {"hinge": (once, np.array([[1.0], [3.0]])), "one": (once, np.array([[5.0]]))}
    panels.bands({"score": scores, "loss": {"hinge": (often, np.ones((2, 2)))}}, "", xlabel="round")
    bars, curves = drawn[0].axes
    assert [bar.get_height() for bar in bars.patches] == [2.0, 5.0]
    (ends,) = [segment[:, 1] for lines in bars.collections for segment in lines.get_segments()]  # none of a single run
    np.testing.assert_allclose(ends, [2 - np.sqrt(2), 2 + np.sqrt(2)])
    assert bars.get_xlabel() == "once, at round 30" and curves.get_xlabel() == "round"
    assert len(curves.lines) == 1 and not curves.patches


def test_every_label_is_in_the_legend_as_it_is(monkeypatch):
    """Of labels that not all panels have, and of one that would be a formula."""
    drawn = []
    monkeypatch.setattr(panels, "save_figure", lambda figure, path: (figure.canvas.draw(), drawn.append(figure)))
    curve = (np.arange(2), np.ones((1, 2)))
    panels.bands({"one": {"digits": curve}, "two": {r"a$\q$": curve, "digits": curve}}, "", xlabel="round")
    (legend,) = drawn[0].legends
    assert [text.get_text() for text in legend.get_texts()] == ["digits", r"a$\q$"]


def test_nothing_is_drawn_of_nothing(tmp_path):
    panels.bands({}, tmp_path / "curves.png", xlabel="round")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("labels", [3, 24])
def test_curves_have_colours_of_their_own(labels, tmp_path):
    x = np.arange(5)
    panels.bands({"loss": {str(i): (x, np.full((1, 5), i)) for i in range(labels)}}, tmp_path / "a.png", xlabel="round")
    assert Image.open(tmp_path / "a.png").width > 100


def test_a_wall_has_its_pictures_in_their_places():
    colours = [["red", "lime"], [None, "blue"]]
    pictures = [[colour and Image.new("RGB", (40, 20), colour) for colour in row] for row in colours]
    wall = np.asarray(panels.wall(pictures, ["a", "a longer title"], ["seed 0", "seed 1"], side=20))
    places = {}
    for name, colour in {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255)}.items():
        rows, columns = np.nonzero((wall == colour).all(axis=-1))
        assert len(rows) == 20 * 10  # made smaller, as wide as asked for
        places[name] = rows.min(), columns.min()
    assert places["red"][0] == places["lime"][0] < places["blue"][0]
    assert places["red"][1] < places["lime"][1] == places["blue"][1]
