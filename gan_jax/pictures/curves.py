"""Curves of a run's metrics."""

import io
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gan_jax.training.files import replace_file


def curves(metrics: dict[str, list[float]], path: str | Path) -> None:
    """A PNG of metrics against steps, one panel per kind ("d_loss" and "g_loss" are of the kind "loss").

    Each is drawn faintly, with its running mean over a fiftieth of the run on top; norms on a logarithmic axis.

    Args: metrics: columns as `record.read` gives them. With none, nothing is written.
    """
    if not metrics:
        return
    steps = metrics["step"]
    kinds: dict[str, list[str]] = {}
    for name in metrics.keys() - {"step"}:
        kinds.setdefault(name.split("_")[-1], []).append(name)
    figure = Figure(figsize=(9, 2.6 * len(kinds)), layout="constrained")
    panels = np.atleast_1d(figure.subplots(len(kinds), sharex=True))
    for axes, (kind, names) in zip(panels, sorted(kinds.items())):
        window = max(1, len(steps) // 50)
        for number, name in enumerate(sorted(names)):
            mean = np.convolve(metrics[name], np.ones(window) / window, mode="valid")
            axes.plot(steps, metrics[name], color=f"C{number}", alpha=0.25, linewidth=0.8)
            axes.plot(steps[window - 1 :], mean, color=f"C{number}", label=name)
        if kind == "norm":
            axes.set_yscale("log")
        axes.legend(loc="upper right")
        axes.grid(alpha=0.3)
    panels[-1].set_xlabel("step")
    save_figure(figure, path)


def save_figure(figure: Figure, path: str | Path) -> None:
    """Writes a figure as PNG, at once or not at all, making its folder if need be."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    replace_file(path, buffer.getvalue())
