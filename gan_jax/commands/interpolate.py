"""what a generator draws between latents, and between classes: rows, a square, an animation that closes

python -m gan_jax interpolate --workdir=RUN
python -m gan_jax interpolate --workdir=RUN --shape=line --label=3..7  # of a class-conditional run: from class to class
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np

from gan_jax.commands.options import WORKDIR, required
from gan_jax.commands.sample import file_name
from gan_jax.config.flags import Parsed
from gan_jax.config.options import option
from gan_jax.latents.frames import ROWS, SHAPES, Subject
from gan_jax.latents.interpolation import PATHS
from gan_jax.pictures import animations, grids
from gan_jax.runs import drawing
from gan_jax.runs.restore import TrainedRun, restore

SUFFIXES = {"line": ".png", "grid": ".png", "loop": ".gif"}  # by the shapes
CLASSES = 20  # of which there is a row each, at most
MILLISECONDS = 50  # that a frame of an animation stays


@dataclass(frozen=True)
class Options:
    """What is drawn, and where it is written."""

    workdir: str | None = option(None, WORKDIR)
    shape: tuple[str, ...] = option(
        tuple(SHAPES),
        "Rows, each between two latents; a square between four; an animated round trip.",
        choices=SHAPES,
    )
    path: str | None = option(
        None, "An arc or straight; by default slerp, or lerp where latents are uniform.", choices=PATHS
    )
    rows: int | None = option(
        None,
        f"Rows, and round trips side by side; by default {ROWS}, or one for each class.",
        low=1,
    )
    frames: int | None = option(
        None,
        "Images in a row, by default 12; along a square's side, 10; in a loop, 24 from latent to latent.",
        low=2,
    )
    seed: int = option(0, "Of the latents.", low=0)
    label: str | None = option(
        None, "Classes of a class-conditional run: one by name or number, which is held; or several, as in 3,8 or 3..7."
    )
    truncation: float | None = option(
        None, "Draw latents from within ± this: fewer kinds of images, each more usual. Say 0.7.", above=0
    )
    out: str | None = option(None, "Folder to write into; by default the run directory.")


def subject_of(run: TrainedRun, options: Options) -> Subject:
    """What is drawn of a run. Raises ValueError if it draws nothing, or has no such label."""
    sampler, classes = run.sampler, run.spec.classes

    def draw(latents: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        condition = None if weights is None else {"label": np.float32(weights)}
        return drawing.render(sampler, run.state, latents, condition)

    def random(count: int) -> np.ndarray:
        return np.asarray(sampler.latents(jax.random.key(options.seed), count, options.truncation), np.float64)

    path = PATHS[options.path or ("lerp" if sampler.prior == "uniform" else "slerp")]
    subject = Subject(draw, random, path, rows=options.rows or ROWS, frames=options.frames)
    one_hot = np.eye(len(classes))
    if options.label is not None:
        return subject._replace(classes=one_hot[run.class_numbers(options.label)])
    if not sampler.takes("label"):
        return subject
    some = slice(options.rows or CLASSES)
    return subject._replace(classes=one_hot[some], names=classes[some])


def write(options: Options) -> Iterator[str]:
    """Writes what is asked for; yields a line of each file. Raises ValueError or OSError."""
    run = restore(required(options.workdir))
    subject = subject_of(run, options)
    path = f"-{options.path}" if options.path else ""
    name = f"{file_name(options.label, options.truncation)}{path}-seed{options.seed}"
    for shape in options.shape:
        drawn, uneven = SHAPES[shape](subject)
        out = Path(options.out or run.workdir) / f"interpolation-{shape}{name}{SUFFIXES[shape]}"
        if shape == "loop":
            animations.film(drawn, out, [MILLISECONDS] * len(drawn))
        else:
            grids.save(drawn[0], out)
        yield f"{out}" + ("" if uneven is None else f"  largest step {uneven:.2f} times the mean")


def main(parsed: Parsed) -> None:
    """Writes the pictures; says where."""
    for line in write(parsed.config):
        print(line)
