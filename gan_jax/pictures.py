"""Pictures of a run: sample grids, their animation, loss curves."""

import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

from gan_jax.record import replace_file

CAPTION_HEIGHT = 24


def to_pixels(images: np.ndarray) -> np.ndarray:
    """Images in [-1, 1] to uint8 pixels, rounded; what lies outside is clipped."""
    return np.clip(np.round((np.asarray(images) + 1) * 127.5), 0, 255).astype(np.uint8)


def grid(images: np.ndarray, *, columns: int | None = None, padding: int = 2, least_side: int = 512) -> Image.Image:
    """Images [N, H, W, C] in [-1, 1], C 1 or 3, as one picture, row by row, on a mid-gray ground.

    Args:
      columns: how many a row; by default as many as make it about square.
      padding: pixels between images, before enlarging.
      least_side: narrower grids are enlarged, by the least whole factor that makes them as wide.
    """
    pixels = to_pixels(images)
    n, height, width, channels = pixels.shape
    columns = columns or math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    canvas = np.full(
        (rows * (height + padding) + padding, columns * (width + padding) + padding, channels), 127, np.uint8
    )
    for i, image in enumerate(pixels):
        top, left = (padding + side * (size + padding) for side, size in zip(divmod(i, columns), (height, width)))
        canvas[top : top + height, left : left + width] = image
    picture = Image.fromarray(canvas[..., 0] if channels == 1 else canvas)
    factor = math.ceil(least_side / picture.width)
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)


def rows(images: np.ndarray, titles: Sequence[str], **options) -> Image.Image:
    """Images [R · columns, H, W, C] in [-1, 1] in one row for each of the R titles, which stand before their rows.

    Args: options: of `grid`. Raises ValueError if the titles do not divide the images.
    """
    if len(images) % len(titles):
        raise ValueError(f"{len(titles)} rows do not divide {len(images)} images")
    picture = grid(images, columns=len(images) // len(titles), **options).convert("RGB")
    height = picture.height / len(titles)
    font = ImageFont.load_default(max(10, min(18, int(height / 2))))
    margin = 12 + max(int(font.getlength(title)) for title in titles)
    canvas = Image.new("RGB", (picture.width + margin, picture.height), "white")
    canvas.paste(picture, (margin, 0))
    draw = ImageDraw.Draw(canvas)
    for number, title in enumerate(titles):
        draw.text((margin - 6, (number + 0.5) * height), title, fill="black", font=font, anchor="rm")
    return canvas


def captioned(
    images: Sequence[np.ndarray | None], captions: Sequence[str], *, columns: int, title: str = "", least_side: int = 84
) -> Image.Image:
    """Images [H, W, C] in [-1, 1], row by row on white, each with a line of text beneath it.

    Args:
      images: None leaves a place free.
      captions: one each; a row of none has no line.
      title: stands above all, if there is one.
      least_side: narrower images are enlarged, by the least whole factor that makes them as wide.
    """
    height, width, _ = next(image.shape for image in images if image is not None)
    factor = math.ceil(least_side / width)
    height, width, gap, line = factor * height, factor * width, 6, 18
    lines = [line * any(captions[first : first + columns]) for first in range(0, len(images), columns)]
    font, above = ImageFont.load_default(13), line * bool(title)
    size = columns * (width + gap) + gap, above + len(lines) * (height + gap) + sum(lines) + gap
    canvas = Image.new("RGB", (max(size[0], 2 * gap + int(font.getlength(title))), size[1]), "white")
    draw = ImageDraw.Draw(canvas)
    draw.text((gap, gap - 2), title, fill="black", font=font)
    for number, (image, caption) in enumerate(zip(images, captions, strict=True)):
        row, column = divmod(number, columns)
        left, top = gap + column * (width + gap), above + gap + row * (height + gap) + sum(lines[:row])
        if image is not None:
            pixels = to_pixels(image).repeat(factor, axis=0).repeat(factor, axis=1)
            canvas.paste(Image.fromarray(pixels[..., 0] if image.shape[-1] == 1 else pixels), (left, top))
        draw.text((left + width / 2, top + height + 2), caption, fill="black", font=font, anchor="ma")
    return canvas


def save(picture: Image.Image, path: str | Path) -> None:
    """Writes a PNG, at once or not at all, making its folder if need be."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    replace_file(path, buffer.getvalue())


def animate(frames: list[Path], path: str | Path, *, seconds: float = 6.0, hold: float = 2.0) -> None:
    """A GIF of PNG files in order, each captioned with its name's number ("000500.png": step 500).

    Args:
      frames: the files, all of one size. With none, nothing is written.
      seconds: how long the whole takes, at least 0.05 s a frame.
      hold: how long the last frame stays, in seconds.
    """
    if not frames:
        return
    pictures = [_captioned(Image.open(frame), f"step {int(frame.stem)}") for frame in frames]
    each = max(50, int(1000 * seconds / len(pictures)))
    film(pictures, path, [each] * (len(pictures) - 1) + [int(1000 * hold)])


def film(frames: Sequence[Image.Image], path: str | Path, durations: Sequence[int]) -> None:
    """Writes a GIF that starts again at its end, at once or not at all, making its folder if need be.

    Args: frames: one or more, all of one size; durations: of each, in milliseconds.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    options = dict(save_all=True, append_images=frames[1:], duration=list(durations), loop=0)
    frames[0].save(buffer, format="GIF", **options)
    replace_file(path, buffer.getvalue())


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


def _captioned(picture: Image.Image, text: str) -> Image.Image:
    canvas = Image.new(picture.mode, (picture.width, picture.height + CAPTION_HEIGHT), "white")
    canvas.paste(picture, (0, 0))
    ImageDraw.Draw(canvas).text((6, picture.height + 4), text, fill="black", font=ImageFont.load_default(14))
    return canvas
