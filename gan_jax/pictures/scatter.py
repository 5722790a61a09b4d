"""Points in a plane, coloured by their classes."""

import io
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from PIL import Image

LISTED = 20  # classes in the legend, at most


def scatter(
    points: np.ndarray,
    labels: np.ndarray | None = None,
    classes: Sequence[str] = (),
    *,
    axes: Sequence[str],
    equal: bool = True,
) -> Image.Image:
    """Points [N, 2] as a picture.

    Args: labels: int [N], by which they are coloured; classes: the names of 0, 1, ...; axes: what the two axes are; equal:
      whether both have one scale.
    """
    figure = Figure(figsize=(8, 7), dpi=100, layout="constrained")
    drawn = figure.add_subplot()
    if labels is None or not classes:
        drawn.scatter(*points.T, s=5, c="0.3", alpha=0.6, linewidths=0)
    else:
        shades = colormaps["tab10" if len(classes) <= 10 else "turbo"].resampled(max(len(classes), 2))
        for number, name in enumerate(classes):
            own = points[labels == number]
            shown = name if number < LISTED else None
            drawn.scatter(*own.T, s=5, color=shades(number), alpha=0.7, linewidths=0, label=shown)
        legend = drawn.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, markerscale=3)
        for text in legend.get_texts():
            text.set_parse_math(False)  # a $ is a $
    drawn.set(xlabel=axes[0], ylabel=axes[1], aspect="equal" if equal else "auto")
    drawn.grid(alpha=0.3)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return Image.open(buffer).convert("RGB")
