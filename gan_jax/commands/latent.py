"""latents of images, and paths from there: to another image, to another class

python -m gan_jax latent --workdir=RUN                              # the check: samples of the run, found again
python -m gan_jax latent --workdir=RUN my.png another.jpg           # image files, inverted
python -m gan_jax latent --workdir=RUN my.png --towards=another.jpg
python -m gan_jax latent --workdir=RUN --seed=3 --direction=3,8     # samples of class 3, towards class 8
python -m gan_jax latent --workdir=RUN my.png --maximise=7          # until a classifier is sure that it is a 7
python -m gan_jax latent --workdir=RUN my.png --space=w+            # of a run with styles: its styles, and its noise

Takes image files, or else samples of --seed; leaves a picture, and the latents as .npz. Files should look as what the
network learnt does: MNIST's digits, say, are light on dark. A run with an encoder inverts images by it first.
"""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_jax.commands.options import WORKDIR, required
from gan_jax.config.flags import Parsed
from gan_jax.config.options import option
from gan_jax.data.classes import class_numbers
from gan_jax.latents import paths as paths_lib
from gan_jax.latents import pictures
from gan_jax.latents.model import Classifier, Model
from gan_jax.latents.paths import Paths, SearchConfig, Start
from gan_jax.pictures import grids
from gan_jax.recipes.batch import to_unit_range
from gan_jax.runs import classify, directory, drawing
from gan_jax.runs.models import SPACES, find_classifier, one_class, open_model
from gan_jax.runs.restore import restore
from gan_jax.training.files import replace_file

TAKES_FILES = True  # beside its flags
MOVES = ("towards", "direction", "maximise")
SHOWN = 8  # paths, where --num does not say how many


@dataclass(frozen=True)
class Options:
    """Which latents are looked for, and where they are written."""

    workdir: str | None = option(None, WORKDIR)
    num: int | None = option(
        None, f"How many samples; by default {drawing.GRID} to find again, or {SHOWN} to start paths from.", low=1
    )
    label: str | None = option(None, "What a class-conditional run draws: a class by name or number.")
    space: str = option(
        "z",
        "Of latents; or, of a run with styles, of one w for all layers, or one for each (w+), and noise.",
        choices=SPACES,
    )
    towards: str | None = option(None, "An image file: a path leads there.")
    direction: str | None = option(
        None, "Two classes, as in 3,8: a path leads along the difference of their mean latents."
    )
    maximise: str | None = option(None, "A class: a path leads to where a classifier is sure of it.")
    classifier: str | None = option(
        None, "Directory of a run that classifies; by default the network that comes with the dataset."
    )
    out: str | None = option(
        None, "The picture's file; by default in the run directory. The latents come beside it, as .npz."
    )
    search: SearchConfig = field(default_factory=SearchConfig)


class Request(NamedTuple):
    """What the flags ask for, all of it found and read.

    Fields:
      model: the generator.
      move: one of MOVES, or None.
      names: of the image files, [N]; targets: these images [N, H, W, C] in [-1, 1], None where there are none.
      goal: the image [H, W, C] to go towards.
      classifier, classes: the classifier, and which of its classes are named; None and [] where none is needed.
    """

    model: Model
    move: str | None
    names: list[str]
    targets: np.ndarray | None
    goal: np.ndarray | None
    classifier: Classifier | None
    classes: list[int]


def read_request(options: Options, files: list[str]) -> Request:
    """Looks for all that the flags and the image files name. Raises ValueError or OSError."""
    workdir, move = required(options.workdir), _move(options, files)
    run = restore(workdir)
    if run.kind.name != "image":
        raise ValueError(f"latent: finds images; a run of {run.experiment} draws {run.kind.name}")
    model = open_model(run, options.label, options.space)
    paths_lib.require_possible(model, options.search)
    if options.search.descent_steps == 0 and move == "maximise":
        raise ValueError("descent_steps=0: must be at least 1, to maximise anything")
    read = lambda files: np.asarray(to_unit_range(classify.read(run, files)))
    classifier = find_classifier(options.classifier, run) if move in ("direction", "maximise") else None
    return Request(
        model=model,
        move=move,
        names=[Path(path).name for path in files],
        targets=read(files) if files else None,
        goal=read([options.towards])[0] if move == "towards" else None,
        classifier=classifier,
        classes=_classes(options, classifier),
    )


def carry_out(request: Request, options: Options) -> tuple[Start, Paths | None]:
    """Images inverted, or samples; and the paths from there, if any are asked for. Raises ValueError."""
    model, move, classifier, classes = request.model, request.move, request.classifier, request.classes
    search, num = options.search, options.num
    if request.targets is not None:
        start = paths_lib.inverted(model, request.names, request.targets, search)
    elif move == "direction":
        start = paths_lib.samples_of(model, classifier, classes[0], num or SHOWN, search)
    elif move:
        start = paths_lib.samples(model, num or SHOWN, search)
    else:
        start = paths_lib.samples(model, num or drawing.GRID, search)
        start = paths_lib.inverted(model, start.names, model.render(start.latents), search)
    if move == "towards":
        return start, paths_lib.towards(model, start, Path(options.towards).name, request.goal, search)
    if move == "direction":
        return start, paths_lib.along(model, classifier, classes, start, search)
    if move == "maximise":
        return start, paths_lib.up(model, classifier, classes[0], start, search)
    return start, None


def write(start: Start, paths: Paths | None, model: Model, out: Path) -> None:
    """Writes the picture and, beside it, the latents: `latents` [N, d], `errors` [N], `paths` [N, FRAMES, d].

    Of styles `latents` and `paths` are ws [..., L, d], and `noise_...` [N, H, W, 1] is each layer's, of the latents.
    """
    images = model.render(start.latents if paths is None else paths.latents)
    picture = pictures.side_by_side(start, images) if paths is None else pictures.frames(start, paths, images)
    grids.save(picture, out)
    ways = paths and model.parts(paths.latents)["latents"]
    arrays = {**model.parts(start.latents), "errors": start.errors, "paths": ways}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: array for name, array in arrays.items() if array is not None})
    replace_file(out.with_suffix(".npz"), buffer.getvalue())


def main(parsed: Parsed) -> None:
    """Writes the picture and the latents; says what was found, and where it is."""
    options, files = parsed.config, parsed.arguments
    request = read_request(options, files)
    start, paths = carry_out(request, options)
    out = Path(options.out or Path(options.workdir) / f"latent-{_file_name(options, files, request.move)}.png")
    write(start, paths, request.model, out)
    print("\n".join([*pictures.describe(request.model.prior, start, paths), str(out), str(out.with_suffix(".npz"))]))


def _move(options: Options, files: list[str]) -> str | None:
    """The one of MOVES that is asked for, if any. Raises ValueError for what does not go together."""
    moves = [name for name in MOVES if getattr(options, name) is not None]
    if len(moves) > 1:
        raise ValueError(f"{' and '.join(moves)}: one at a time")
    if files and options.num is not None:
        raise ValueError(f"num={options.num}: of samples; without image files")
    if options.out and Path(options.out).suffix == ".npz":
        raise ValueError(f"out={options.out}: name the picture; the latents come beside it")
    return moves[0] if moves else None


def _classes(options: Options, classifier: Classifier | None) -> list[int]:
    """The numbers of the classes that a path leads to, or from and to."""
    if options.maximise is not None:
        return [one_class("maximise", options.maximise, classifier.classes)]
    if options.direction is None:
        return []
    numbers = class_numbers("direction", options.direction, classifier.classes)
    if len(numbers) != 2 or numbers[0] == numbers[1]:
        names = f"{classifier.classes[0]},{classifier.classes[1]}"
        raise ValueError(f"direction={options.direction}: name two classes, as in {names}")
    return numbers


def _file_name(options: Options, files: list[str], move: str | None) -> str:
    """What the files are called after."""
    more = f"_and_{len(files) - 1}_more" if len(files) > 1 else ""
    start = Path(files[0]).stem + more if files else f"seed{options.search.seed}"
    parts = [
        start,
        None if options.label is None else f"label{options.label}",
        options.space.replace("z", "").replace("+", "plus"),
    ]
    parts += [move, move and (Path(options.towards).stem if move == "towards" else getattr(options, move))]
    return "-".join(directory.short(part) for part in parts if part)
