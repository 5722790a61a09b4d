"""Points in the plane: what generators draw of a mixture of Gaussians."""

import io
import math

import numpy as np
from matplotlib.figure import Figure
from PIL import Image


def plane(
    samples: list[np.ndarray], data: np.ndarray, extent: float, *, field: np.ndarray | None = None, columns: int = 5
) -> Image.Image:
    """Points of generators over points of data, one panel per generator.

    Args:
      samples: of each generator, [N, 2].
      data: real points, [M, 2].
      extent: the panels show [-extent, extent]².
      field: the critic's raw scores on a grid [S, S] over the first panel, rows from the smallest y up; drawn behind.
    """
    columns = min(columns, len(samples))
    rows = math.ceil(len(samples) / columns)
    side = 5.12 if len(samples) == 1 else 2.4
    figure = Figure(figsize=(side * columns, side * rows), dpi=100, layout="constrained")
    for i, points in enumerate(samples):
        axes = figure.add_subplot(rows, columns, i + 1)
        axes.set(xlim=(-extent, extent), ylim=(-extent, extent), aspect="equal", xticks=[], yticks=[])
        if field is not None and i == 0:
            sides = (-extent, extent, -extent, extent)
            axes.imshow(field, origin="lower", extent=sides, cmap="RdBu", interpolation="bilinear", alpha=0.7)
        axes.scatter(*data.T, s=6, c="0.25", alpha=0.35, linewidths=0)
        axes.scatter(*points.T, s=6, c="tab:orange", alpha=0.5, linewidths=0)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return Image.open(buffer).convert("RGB")
