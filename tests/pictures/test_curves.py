import numpy as np
import pytest
from PIL import Image

from gan_jax.pictures import curves as module
from gan_jax.pictures.curves import curves, robust_range, running_mean


@pytest.mark.parametrize("steps", [1, 200])
def test_curves_are_drawn_for_any_length(tmp_path, steps):
    metrics = {"step": list(range(1, steps + 1)), "d_loss": [0.5] * steps, "g_gradient_norm": [2.0] * steps}
    curves(metrics, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.width > 600 and len(picture.convert("RGB").getcolors(100_000)) > 20


def test_no_metrics_make_no_curves(tmp_path):
    curves({}, tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()


@pytest.fixture
def drawn(monkeypatch):
    """drawn(metrics, ...) is the panels of the figure that would be written, by the labels of their axes."""
    figures = []
    monkeypatch.setattr(module, "save_figure", lambda figure, path: figures.append(figure))

    def drawn(metrics, **told):
        curves(metrics, "", **told)
        return {axes.get_ylabel(): axes for axes in figures[-1].axes}

    return drawn


def test_axes_are_labelled_and_losses_come_first(drawn):
    panels = drawn({"step": [1, 2], "g_loss": [1.0, 2.0], "d_loss": [1.0, 2.0], "accuracy": [0.5, 0.5]})
    assert list(panels) == ["loss", "accuracy"]
    assert panels["accuracy"].get_xlabel() == "round"


def test_a_spike_does_not_flatten_all_else(drawn):
    """It is left outside, and counted; on a logarithmic axis too."""
    values = [1.0 + 0.5 * (i % 2) for i in range(500)]
    values[200] = 1e6
    panels = drawn({"step": list(range(1, 501)), "d_loss": values, "gradient_norm": values})
    for axes in panels.values():
        low, high = axes.get_ylim()
        assert low < 1.0 and 1.5 < high < 3.0
        assert axes.get_title(loc="left") == "1 of 500 values lie outside the picture."


def test_nothing_is_left_outside_without_need(drawn):
    """A curve that falls steadily, as most do, is all there; so is one of which almost all is equal."""
    falling = list(np.exp(-np.linspace(0, 3, 500)))
    axes = drawn({"step": list(range(500)), "d_loss": falling})["loss"]
    assert axes.get_ylim()[0] < falling[-1] and axes.get_ylim()[1] > falling[0]
    assert robust_range(np.array([0.0] * 400 + [7.0])) == (0.0, 7.0)


def test_levels_are_dashed_and_notes_are_said(drawn):
    panels = drawn(
        {"step": [1, 2], "d_loss": [0.0, 0.1]}, levels={"d_loss": 1.386}, notes={"loss": "Healthy: so.", "norm": "-"}
    )
    (level,) = [line for line in panels["loss"].lines if line.get_linestyle() == "--"]
    assert set(level.get_ydata()) == {1.386} and panels["loss"].get_ylim()[1] > 1.386
    assert panels["loss"].get_title(loc="left") == "Healthy: so."


def test_marks_stand_upright_in_every_panel(drawn):
    panels = drawn({"step": [1, 2, 3], "d_loss": [1.0, 2.0, 1.0], "accuracy": [0.5, 0.5, 0.6]}, marks=[2])
    for axes in panels.values():
        (mark,) = [line for line in axes.lines if line.get_linestyle() == ":"]
        assert list(mark.get_xdata()) == [2, 2]


def test_running_means():
    np.testing.assert_allclose(running_mean(np.arange(5.0), 3), [1.0, 2.0, 3.0])


def test_what_is_known_of_some_rounds_only_is_drawn_through_these(drawn):
    values = [3.0 if step % 8 == 1 else np.nan for step in range(1, 33)]
    for line in drawn({"step": list(range(1, 33)), "r1_penalty": values})["penalty"].lines:
        assert list(line.get_xdata()) == [1, 9, 17, 25] and list(line.get_ydata()) == [3.0] * 4
