"""Pictures that compare runs: curves with bands over seeds, and samples side by side."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from PIL import Image, ImageDraw

from gan_jax.pictures.curves import save_figure
from gan_jax.pictures.fonts import legible

LETTERS = 13  # pixels of a title's height
MARGIN = 6  # pixels around pictures and titles
Curves = Mapping[str, tuple[np.ndarray, np.ndarray]]


def bands(panels: Mapping[str, Curves], path: str | Path, *, xlabel: str) -> None:
    """A PNG with one panel for each title, above each other, with a curve for each label: the mean of its runs.

    Around it is a band of one standard deviation (n - 1) to each side, if there are several runs. Where there is one place
    alone there are bars instead, each with a line of that length.

    Args: panels: by title, of each label the places x [N] and the runs' values [R, N]. With none, nothing is written.
    """
    if not panels:
        return
    labels = list(dict.fromkeys(label for curves in panels.values() for label in curves))
    shades = colormaps["tab10" if len(labels) <= 10 else "turbo"]
    colors = {label: shades(i if len(labels) <= 10 else i / (len(labels) - 1)) for i, label in enumerate(labels)}
    figure = Figure(figsize=(9, 3.2 * len(panels)), layout="constrained")
    for axes, (title, curves) in zip(np.atleast_1d(figure.subplots(len(panels))), panels.items()):
        draw = _bars if all(len(x) == 1 for x, _ in curves.values()) else _lines
        draw(axes, curves, colors, xlabel)
        axes.set_title(title, parse_math=False)
        axes.grid(alpha=0.3)
    marks = [Patch(color=colors[label]) for label in labels]
    legend = figure.legend(marks, labels, loc="outside upper center", ncols=min(4, len(labels)))
    for text in legend.get_texts():
        text.set_parse_math(False)  # a $ is a $
    save_figure(figure, path)


def _lines(axes: Axes, curves: Curves, colors: Mapping[str, tuple], xlabel: str) -> None:
    for label, (x, values) in curves.items():
        mean, marker = np.mean(values, axis=0), "o" if len(x) < 20 else None
        axes.plot(x, mean, color=colors[label], linewidth=1.8, marker=marker, markersize=4)
        if len(values) > 1:
            deviation = np.std(values, axis=0, ddof=1)
            axes.fill_between(x, mean - deviation, mean + deviation, color=colors[label], alpha=0.18, linewidth=0)
    axes.set_xlabel(xlabel)


def _bars(axes: Axes, curves: Curves, colors: Mapping[str, tuple], xlabel: str) -> None:
    for place, (label, (_, values)) in enumerate(curves.items()):
        deviation = np.std(values, ddof=1) if len(values) > 1 else None
        axes.bar(place, np.mean(values), width=0.7, color=colors[label], yerr=deviation, capsize=5)
    axes.set_xticks([])
    (x, _), *_ = curves.values()
    axes.set_xlabel(f"once, at {xlabel} {x[0]:,g}")


def wall(
    pictures: Sequence[Sequence[Image.Image | None]], rows: Sequence[str], columns: Sequence[str], *, side: int = 256
) -> Image.Image:
    """Pictures in rows and columns with their titles; None leaves a place empty.

    Args: side: the width to which each is made smaller, in pixels; smaller ones stay.
    """
    small = [[picture and _fitted(picture.convert("RGB"), side) for picture in row] for row in pictures]
    there = [picture for row in small for picture in row if picture]
    width, height = (max((getattr(picture, of) for picture in there), default=side) for of in ("width", "height"))
    before = [legible(title, LETTERS) for title in rows]
    left = 2 * MARGIN + max((int(font.getlength(title)) for title, font in before), default=0)
    top = 2 * MARGIN + LETTERS
    size = (left + len(columns) * (width + MARGIN), top + len(rows) * (height + MARGIN))
    canvas = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(canvas)
    for j, (title, font) in enumerate(legible(title, LETTERS) for title in columns):
        draw.text((left + j * (width + MARGIN) + width / 2, top / 2), title, fill="black", font=font, anchor="mm")
    for i, ((title, font), row) in enumerate(zip(before, small, strict=True)):
        y = top + i * (height + MARGIN)
        draw.text((left - MARGIN, y + height / 2), title, fill="black", font=font, anchor="rm")
        for j, picture in enumerate(row):
            if picture:
                canvas.paste(picture, (left + j * (width + MARGIN), y))
    return canvas


def _fitted(picture: Image.Image, side: int) -> Image.Image:
    if picture.width <= side:
        return picture
    return picture.resize((side, round(picture.height * side / picture.width)), Image.Resampling.LANCZOS)
