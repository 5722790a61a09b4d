"""what a generator draws between latents, and between classes: rows, a square, an animation that closes

python -m gan_jax interpolate --workdir=RUN
python -m gan_jax interpolate --workdir=RUN --shape=line --label=3..7  # of a class-conditional run: from class to class
python -m gan_jax interpolate --workdir=RUN my.png another.png         # of a run with an encoder: from image to image
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.commands.options import CUTOFF, TRUNCATION, WORKDIR, required
from gan_jax.commands.sample import file_name
from gan_jax.config.flags import Parsed
from gan_jax.config.options import option
from gan_jax.latents.frames import ROWS, SHAPES, Subject
from gan_jax.latents.interpolation import PATHS, usual_path
from gan_jax.pictures import animations, grids
from gan_jax.randomness import example_keys
from gan_jax.runs import drawing
from gan_jax.runs.classify import read
from gan_jax.runs.directory import short
from gan_jax.runs.encoded import encode
from gan_jax.runs.restore import TrainedRun, restore

SUFFIXES = {"line": ".png", "grid": ".png", "loop": ".gif", "arithmetic": ".png"}  # by the shapes
SPACES = ("z", "w")
CLASSES = 20  # of which there is a row each, at most
MILLISECONDS = 50  # that a frame of an animation stays
TAKES_FILES = True  # beside its flags


@dataclass(frozen=True)
class Options:
    """What is drawn, and where it is written."""

    workdir: str | None = option(None, WORKDIR)
    shape: tuple[str, ...] = option(
        ("line", "grid", "loop"),
        "Rows, each between two latents; a square between four; an animated round trip; or rows a, b, c and a - b + c.",
        choices=SHAPES,
    )
    path: str | None = option(
        None, "An arc or straight; by default slerp, or lerp where latents are uniform, and in w.", choices=PATHS
    )
    space: str | None = option(
        None,
        "Between latents, or what a run with styles maps them to; by default that, if one class is drawn.",
        choices=SPACES,
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
    truncation: float | None = option(None, TRUNCATION, low=0)
    cutoff: int | None = option(None, CUTOFF, low=1)
    out: str | None = option(None, "Folder to write into; by default the run directory.")


def subject_of(run: TrainedRun, options: Options, files: Sequence[str] = ()) -> Subject:
    """What is drawn of a run: between the codes of image files, or else between random latents.

    Raises ValueError if it draws nothing, has no such label, or does not encode the files.
    """
    run, truncation = run.truncated(options.truncation, options.cutoff)
    sampler, classes = run.sampler, run.spec.classes
    if files and options.space == "w":
        raise ValueError("space=w: without image files, which an encoder finds latents of")
    if not files and space_of(run, options) == "w":
        return in_w(run, options)

    def draw(latents: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        condition = None if weights is None else {"label": np.float32(weights)}
        return drawing.render(sampler, run.state, latents, condition)

    def random(count: int) -> np.ndarray:
        return np.asarray(sampler.latents(jax.random.key(options.seed), count, truncation), np.float64)

    path = PATHS[options.path or usual_path(sampler.prior)]
    subject = Subject(draw, random, path, rows=options.rows or ROWS, frames=options.frames, shown=run.kind.pictures)
    if files:
        given = codes(run, options, files)
        return subject._replace(given=given, random=lambda count: np.resize(given, (count, *given.shape[1:])))
    one_hot = np.eye(len(classes))
    if options.label is not None:
        return subject._replace(classes=one_hot[run.class_numbers(options.label)])
    if not sampler.takes("label"):
        return subject
    some = slice(options.rows or CLASSES)
    return subject._replace(classes=one_hot[some], names=classes[some])


def space_of(run: TrainedRun, options: Options) -> str:
    """Where the paths are. Raises ValueError, in one line, if the run has no such space, or draws several classes there."""
    styles, takes = run.sampler.styles, run.sampler.takes("label")
    one = len(run.class_numbers(options.label)) == 1 if options.label is not None else not takes
    if options.space is None:
        return "w" if styles and one else "z"
    if options.space == "w":
        run.require_styles("space=w: ", "; only z")
    if options.space == "w" and not one:
        raise ValueError("space=w: of one class, which --label names; between classes there are ways in z")
    return options.space


def in_w(run: TrainedRun, options: Options) -> Subject:
    """What is drawn between styles w, [n, d], the same for all layers: straight ways, by default."""
    number = None if options.label is None else run.class_numbers(options.label)
    of = lambda count: run.styles(example_keys(jax.random.key(options.seed), count), number)
    layers, _ = run.styles_shape
    repeated = lambda state, w, condition: run.sampler.styles.generate(state, jnp.repeat(w[:, None], layers, axis=1))
    sampler = run.sampler._replace(generate=repeated)
    draw = lambda w, weights: drawing.render(sampler, run.state, w)
    random = lambda count: np.asarray(of(count)[:, 0], np.float64)
    return Subject(draw, random, PATHS[options.path or "lerp"], rows=options.rows or ROWS, frames=options.frames)


def codes(run: TrainedRun, options: Options, files: Sequence[str]) -> np.ndarray:
    """The codes of image files, [n, d]. Raises ValueError if the run does not encode, or the flags do not fit."""
    if run.recipe.encode is None:
        raise ValueError(f"{run.workdir} is a run of {run.experiment}, which has no encoder; `latent` inverts images")
    if len(files) < 2:
        raise ValueError("two or more image files are needed, to go from one to the next")
    for name in ("rows", "label", "truncation", "seed"):
        if getattr(options, name) not in (None, 0):
            raise ValueError(f"{name}={getattr(options, name)}: without image files, through which one path goes")
    images = read(run, files)
    return np.float64(encode(run.recipe, run.state, lambda rows: images[rows], len(images)))


def write(options: Options, files: Sequence[str] = ()) -> Iterator[str]:
    """Writes what is asked for; yields a line of each file. Raises ValueError or OSError."""
    run = restore(required(options.workdir))
    subject = subject_of(run, options, files)
    path = "".join(f"-{each}" for each in (options.space, options.path) if each)
    drawn_of = f"-{short('_'.join(Path(file).stem for file in files))}" if files else f"-seed{options.seed}"
    name = f"{file_name(options.label, options.truncation, options.cutoff)}{path}{drawn_of}"
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
    for line in write(parsed.config, parsed.arguments):
        print(line)
