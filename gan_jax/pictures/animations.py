"""Animated pictures."""

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from gan_jax.pictures.fonts import legible
from gan_jax.training.files import replace_file

CAPTION_HEIGHT = 24
FRAMES = 60  # of an animation at most; a long run has more pictures than anyone looks at


def animate(frames: list[Path], path: str | Path, *, seconds: float = 6.0, hold: float = 2.0) -> None:
    """A GIF of PNG files in order, each captioned with its name's number ("000500.png": step 500).

    Args:
      frames: the files, all of one size. With none, nothing is written; of more than FRAMES the first, the last and as many
        between, evenly spaced.
      seconds: how long the whole takes, at least 0.05 s a frame.
      hold: how long the last frame stays, in seconds.
    """
    if not frames:
        return
    if len(frames) > FRAMES:
        frames = [frames[round(i * (len(frames) - 1) / (FRAMES - 1))] for i in range(FRAMES)]
    pictures = [_captioned(Image.open(frame), f"step {int(frame.stem)}") for frame in frames]
    each = max(50, int(1000 * seconds / len(pictures)))
    film(pictures, path, [each] * (len(pictures) - 1) + [int(1000 * hold)])


def film(frames: Sequence[Image.Image], path: str | Path, durations: Sequence[int]) -> None:
    """Writes a GIF that starts again at its end, at once or not at all, making its folder if need be.

    Args: frames: one or more, all of one size; durations: of each, in milliseconds.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, gif(frames, durations))


def gif(frames: Sequence[Image.Image], durations: Sequence[int]) -> bytes:
    """What `film` writes."""
    buffer = io.BytesIO()
    options = dict(save_all=True, append_images=frames[1:], duration=list(durations), loop=0)
    frames[0].save(buffer, format="GIF", **options)
    return buffer.getvalue()


def _captioned(picture: Image.Image, text: str) -> Image.Image:
    canvas = Image.new(picture.mode, (picture.width, picture.height + CAPTION_HEIGHT), "white")
    canvas.paste(picture, (0, 0))
    text, font = legible(text, 13)
    ImageDraw.Draw(canvas).text((6, picture.height + 4), text, fill="black", font=font)
    return canvas
