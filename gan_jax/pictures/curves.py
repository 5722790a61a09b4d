"""Curves of a run's metrics."""

import io
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gan_jax.training.files import replace_file

POINTS = 2000  # of a curve that are drawn, at most
MIDDLE = (1, 99)  # percentiles: beyond them by more than half of what is between, values are left outside the picture
FEW = 20  # values that have a mark each
Columns = Mapping[str, Sequence[float]]


def curves(
    metrics: Columns,
    path: str | Path,
    *,
    levels: Mapping[str, float] | None = None,
    notes: Mapping[str, str] | None = None,
    marks: Sequence[float] = (),
) -> None:
    """A PNG of metrics against rounds, one panel per kind ("d_loss" and "g_loss" are of the kind "loss").

    Each is drawn faintly, with its running mean over a fiftieth of the run on top; norms on a logarithmic axis. A few
    values far from all others are left outside, and counted.

    Args:
      metrics: columns as `record.read` gives them. With none, nothing is written.
      levels: of some metrics, a value that is drawn dashed, to compare with.
      notes: of some kinds, what a reader is to know, said above the panel.
      marks: rounds at which something changed, drawn as upright lines.
    """
    if not metrics:
        return
    steps = np.asarray(metrics["step"])
    kinds: dict[str, list[str]] = {}
    for name in metrics.keys() - {"step"}:
        kinds.setdefault(name.split("_")[-1], []).append(name)
    figure, panels = _panels(len(kinds), max(map(len, metrics)))
    for axes, (kind, names) in zip(panels, sorted(kinds.items(), key=lambda each: (each[0] != "loss", each[0]))):
        drawn = []
        for number, name in enumerate(sorted(names)):
            drawn += _draw(axes, steps, np.asarray(metrics[name], float), name, f"C{number}")
            if levels and name in levels:
                axes.axhline(levels[name], color=f"C{number}", linestyle="--", linewidth=1, alpha=0.7)
                drawn.append(np.array([levels[name]]))
        outside = _limit(axes, np.concatenate(drawn), logarithmic=kind == "norm")
        said = [notes[kind]] if notes and kind in notes else []
        said += [f"{outside} of {len(steps) * len(names):,} values lie outside the picture."] if outside else []
        axes.set_title("\n".join(textwrap.wrap(" ".join(said), 112)), loc="left", fontsize=8.5, color="0.35")
        axes.set_ylabel(kind.partition("[")[0])
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=9, frameon=False)
        axes.grid(alpha=0.3)
        for mark in marks:
            axes.axvline(mark, color="0.4", linestyle=":", linewidth=1.2)
    panels[-1].set_xlabel("round")
    save_figure(figure, path)


def running_mean(values: np.ndarray, window: int) -> np.ndarray:
    """The means of all `window` values in a row; [N] -> [N - window + 1]."""
    sums = np.cumsum(np.concatenate([[0.0], values]))
    return (sums[window:] - sums[:-window]) / window


def robust_range(values: np.ndarray) -> tuple[float, float]:
    """(low, high) that show all values; or, if some are far from all others, those that are not."""
    low, high = values.min(), values.max()
    first, last = np.percentile(values, MIDDLE)
    reach = (last - first) / 2
    if not reach:  # all but a few are equal; those few are all that there is to see
        return float(low), float(high)
    return float(max(low, first - reach)), float(min(high, last + reach))


def save_figure(figure: Figure, path: str | Path) -> None:
    """Writes a figure as PNG, at once or not at all, making its folder if need be."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    replace_file(path, buffer.getvalue())


def _panels(count: int, letters: int) -> tuple[Figure, np.ndarray]:
    """Panels above each other, with room for legends of so many letters at their right.

    Placed by hand: matplotlib's own layout draws all twice, and this is drawn again and again in a training.
    """
    left, right, top, bottom, gap, each, width = 0.8, 0.5 + 0.075 * letters, 0.45, 0.5, 0.55, 2.1, 10.0  # inches
    height = top + bottom + count * each + (count - 1) * gap
    figure = Figure(figsize=(width, height))
    places = dict(left=left / width, right=1 - right / width, top=1 - top / height, bottom=bottom / height)
    figure.subplots_adjust(**places, hspace=gap / each)
    return figure, np.atleast_1d(figure.subplots(count, sharex=True))


def _draw(axes: Axes, steps: np.ndarray, values: np.ndarray, name: str, color: str) -> list[np.ndarray]:
    """Draws a metric where it is known; returns all its values that are numbers."""
    known = np.isfinite(values)  # a lazy penalty in every k-th round, what a phase brings from then on
    steps, values = steps[known], values[known]
    window, every = max(1, len(steps) // 50), -(-len(steps) // POINTS)
    mark = dict(marker="o", markersize=4) if len(steps) <= FEW else {}
    axes.plot(steps[::every], values[::every], color=color, alpha=0.25, linewidth=0.8)
    mean = running_mean(values, window)
    axes.plot(steps[window - 1 :][::every], mean[::every], color=color, label=name, **mark)
    return [values]


def _limit(axes: Axes, values: np.ndarray, *, logarithmic: bool) -> int:
    """Gives the axis a robust range; returns how many values lie outside."""
    if logarithmic:
        axes.set_yscale("log")
        axes.minorticks_off()
        values = np.log10(values[values > 0])
    if not len(values):
        return 0
    low, high = robust_range(values)
    margin = 0.06 * (high - low) or (0.1 if logarithmic else 0.05 * abs(high) or 1.0)
    ends = low - margin, high + margin
    axes.set_ylim(*(10**end for end in ends) if logarithmic else ends)
    return int(np.sum((values < ends[0]) | (values > ends[1])))
