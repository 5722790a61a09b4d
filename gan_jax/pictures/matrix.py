"""A matrix of shares as a picture: the number in each cell, and its colour."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gan_jax.pictures.curves import save_figure

DARK = 0.45  # shares below it have light letters


def matrix(shares: Mapping[str, Mapping[str, float]], path: str | Path, *, rows: str, columns: str) -> None:
    """A PNG of shares in [0, 1], by row and by column; written in percent.

    Args: rows, columns: what the names of the rows and of the columns are.
    """
    values = np.array([list(row.values()) for row in shares.values()])
    names = list(next(iter(shares.values())))
    figure = Figure(figsize=(2.4 + 1.15 * len(names), 1.6 + 0.55 * len(shares)), layout="constrained")
    axes = figure.subplots()
    axes.imshow(values, cmap="viridis", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(names)), names, rotation=20, ha="right", parse_math=False)
    axes.set_yticks(range(len(shares)), list(shares), parse_math=False)
    axes.set_xlabel(columns)
    axes.set_ylabel(rows)
    for (row, column), value in np.ndenumerate(values):
        color = "white" if value < DARK else "black"
        axes.text(column, row, f"{100 * value:.1f}", ha="center", va="center", color=color)
    save_figure(figure, path)
