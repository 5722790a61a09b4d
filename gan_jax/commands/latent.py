"""Latents of images, and where one comes to from them: another image, another class, what a classifier is surest of.

python -m experiments.latent --workdir=RUN                              # the check: samples of the run, found again
python -m experiments.latent --workdir=RUN my.png another.jpg           # image files, inverted
python -m experiments.latent --workdir=RUN my.png --towards=another.jpg
python -m experiments.latent --workdir=RUN --seed=3 --direction=3,8     # samples of class 3, towards class 8
python -m experiments.latent --workdir=RUN my.png --maximise=7          # until a classifier is sure that it is a 7

Takes image files, or else samples of --seed; leaves a picture, and the latents as .npz. Files should look as what the
network learnt does: MNIST's digits, say, are light on dark.
"""

import io
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
from absl import app, flags
from PIL import Image

from experiments import classify, common, images, latent_paths, run_directory, sample
from experiments.latent_model import Judge, Model, find_judge, one_class, open_model
from experiments.latent_paths import Begun, Walk
from gan_jax import inversion, pictures
from gan_jax.data.classes import class_numbers
from gan_jax.recipes.gan import to_unit_range
from gan_jax.training.files import replace_file

FLAGS = flags.FLAGS
MOVES = ("towards", "direction", "maximise")
SHOWN = 8  # paths, where --num does not say how many
CLOSE = 0.01  # mean squared error of pixels in [-1, 1] up to which an image counts as found again
COLUMNS = 16  # images side by side, at most

flags.DEFINE_string("towards", None, "An image file: a path leads there.")
flags.DEFINE_string(
    "direction", None, "Two classes, as in 3,8: a path leads along the difference of their mean latents."
)
flags.DEFINE_string("maximise", None, "A class: a path leads to where a classifier is sure of it.")
flags.DEFINE_string("classifier", None, "Run of sgan or classifier to ask; by default what comes with the dataset.")
flags.DEFINE_float("strength", 2.0, "How many times the difference of mean latents --direction goes.")
flags.DEFINE_float("smoothing", 0.5, "--maximise: of latents so far about, on average, too; 0 for a latent alone.", 0)
flags.DEFINE_integer("drawn", 4096, "Latents drawn to start an inversion from, or to know classes by.", 1)
flags.DEFINE_integer("starts", 4, "Of an inversion: the latents, of those drawn, of the nearest images.", 1)
flags.DEFINE_integer("descent_steps", 300, "Of an inversion, and of --maximise.", 1)
flags.DEFINE_float("descent_rate", 0.2, "Adam's rate in an inversion, which falls to 0 along a cosine.", 0)
for name in ("workdir", "seed", "num", "label", "out"):
    flags.declare_key_flag(name)


class Asked(NamedTuple):
    """What the flags ask for, all of it found and read.

    Fields:
      model: the generator.
      move: one of MOVES, or None.
      names: of the image files, [N]; targets: these images [N, H, W, C] in [-1, 1], None where there are none.
      goal: the image [H, W, C] to go towards.
      judge, classes: the classifier, and which of its classes are named; None and [] where none is needed.
    """

    model: Model
    move: str | None
    names: list[str]
    targets: np.ndarray | None
    goal: np.ndarray | None
    judge: Judge | None
    classes: list[int]


def ask(config: SimpleNamespace, paths: list[str]) -> Asked:
    """Looks for all that the flags and the image files name. Raises ValueError or OSError."""
    move = _move(config, paths)
    content, recipe, state = sample.restore_images(config.workdir)
    model = open_model(content, recipe, state, config.label)
    read = lambda paths: np.asarray(to_unit_range(classify.read(paths, content["image_shape"])))
    judge = find_judge(config.classifier, content) if move in ("direction", "maximise") else None
    return Asked(
        model=model,
        move=move,
        names=[Path(path).name for path in paths],
        targets=read(paths) if paths else None,
        goal=read([config.towards])[0] if move == "towards" else None,
        judge=judge,
        classes=_classes(config, judge),
    )


def go(asked: Asked, config: SimpleNamespace) -> tuple[Begun, Walk | None]:
    """Images inverted, or samples; and the paths from there, if any are asked for. Raises ValueError."""
    model, move, judge, classes = asked.model, asked.move, asked.judge, asked.classes
    if asked.targets is not None:
        begun = latent_paths.inverted(model, asked.names, asked.targets, config)
    elif move == "direction":
        begun = latent_paths.samples_of(model, judge, classes[0], config, config.num or SHOWN)
    elif move:
        begun = latent_paths.samples(model, config, config.num or SHOWN)
    else:
        begun = latent_paths.samples(model, config, config.num or images.GRID)
        begun = latent_paths.inverted(model, begun.names, model.render(begun.latents), config)
    if move == "towards":
        return begun, latent_paths.towards(model, begun, Path(config.towards).name, asked.goal, config)
    if move == "direction":
        return begun, latent_paths.along(model, judge, classes, begun, config)
    if move == "maximise":
        return begun, latent_paths.up(model, judge, classes[0], begun, config)
    return begun, None


def write(begun: Begun, walk: Walk | None, model: Model, out: Path) -> None:
    """Writes the picture and, beside it, the latents: `latents` [N, d], `errors` [N], `paths` [N, FRAMES, d]."""
    drawn = model.render(begun.latents if walk is None else walk.latents)
    pictures.save(side_by_side(begun, drawn) if walk is None else frames(begun, walk, drawn), out)
    arrays = {"latents": begun.latents, "errors": begun.errors, "paths": walk and walk.latents}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: array for name, array in arrays.items() if array is not None})
    replace_file(out.with_suffix(".npz"), buffer.getvalue())


def told(begun: Begun, walk: Walk | None, model: Model) -> list[str]:
    """The lines that tell of all that was found."""
    lines = [] if begun.errors is None else errors_told(begun)
    return [*lines, *(walk.lines if walk else []), lengths_told(model.prior, begun, walk)]


def _move(config: SimpleNamespace, paths: list[str]) -> str | None:
    """The one of MOVES that is asked for, if any. Raises ValueError for what does not go together."""
    moves = [name for name in MOVES if getattr(config, name) is not None]
    if len(moves) > 1:
        raise ValueError(f"{' and '.join(moves)}: one at a time")
    if paths and config.num is not None:
        raise ValueError(f"num={config.num}: of samples; without image files")
    if config.starts > config.drawn:
        raise ValueError(f"starts={config.starts}: at most as many as are drawn, {config.drawn}")
    if config.out and Path(config.out).suffix == ".npz":
        raise ValueError(f"out={config.out}: name the picture; the latents come beside it")
    return moves[0] if moves else None


def _classes(config: SimpleNamespace, judge: Judge | None) -> list[int]:
    """The numbers of the classes that a path leads to, or from and to."""
    if config.maximise is not None:
        return [one_class("maximise", config.maximise, judge.names)]
    if config.direction is None:
        return []
    numbers = class_numbers("direction", config.direction, judge.names)
    if len(numbers) != 2 or numbers[0] == numbers[1]:
        raise ValueError(f"direction={config.direction}: name two classes, as in {judge.names[0]},{judge.names[1]}")
    return numbers


def side_by_side(begun: Begun, drawn: np.ndarray) -> Image.Image:
    """Rows of images, and beneath each row what is drawn of their latents, with the errors."""
    rows = -(-len(drawn) // COLUMNS)
    columns = -(-len(drawn) // rows)
    shown, captions = [], []
    for row in range(rows):
        own = slice(row * columns, (row + 1) * columns)
        errors = [f"{error:.4f}" for error in begun.errors[own]]
        free = columns - len(errors)
        shown += [*begun.targets[own], *[None] * free, *drawn[own], *[None] * free]
        captions += [""] * columns + errors + [""] * free
    title = "above: images; beneath: what is drawn of the latents found, and the mean squared error"
    return pictures.captioned(shown, captions, columns=columns, title=title)


def frames(begun: Begun, walk: Walk, drawn: np.ndarray) -> Image.Image:
    """A row of frames for each path; before it the image that was inverted, after it the one that the path leads to."""
    shown, captions = [], []
    for number, (path, texts) in enumerate(zip(drawn, walk.captions)):
        before = [] if begun.targets is None else [begun.targets[number]]
        after = [] if walk.goal is None else [walk.goal]
        shown += [*before, *path, *after]
        captions += ["image"] * len(before) + texts + ["image"] * len(after)
    return pictures.captioned(shown, captions, columns=len(shown) // len(drawn), title=walk.title)


def errors_told(begun: Begun) -> list[str]:
    """Each image's error, if they are not too many; and how many were found again."""
    unit, errors = "mean squared error of pixels in [-1, 1]", begun.errors
    each = [f"{name}: {unit} {error:.4f}" for name, error in zip(begun.names, errors)]
    share = f"{np.mean(errors <= CLOSE):.1%} of {len(errors)} at most {CLOSE}"
    return (each if len(each) <= COLUMNS else []) + [
        f"{unit}: median {np.median(errors):.4f}, largest {errors.max():.4f}; {share}"
    ]


def lengths_told(prior: str, begun: Begun, walk: Walk | None) -> str:
    """How long the latents are that were come to, beside those that are drawn."""
    size = begun.latents.shape[-1]
    found = np.linalg.norm(begun.latents if walk is None else walk.latents[:, -1], axis=-1)
    usual = {
        "normal": "99.9 % of those drawn: {:.2f} to {:.2f}".format(*inversion.shell(size)),
        "uniform": f"of those drawn about {np.sqrt(size / 3):.2f}",
    }
    return f"lengths of the latents at last: {found.min():.2f} to {found.max():.2f}; {usual[prior]}"


def _name(config: SimpleNamespace, paths: list[str], move: str | None) -> str:
    """What the files are called after."""
    more = f"_and_{len(paths) - 1}_more" if len(paths) > 1 else ""
    begun = Path(paths[0]).stem + more if paths else f"seed{config.seed}"
    parts = [begun, None if config.label is None else f"label{config.label}"]
    parts += [move, move and (Path(config.towards).stem if move == "towards" else getattr(config, move))]
    return "-".join(run_directory.short(part) for part in parts if part)


def main(argv: list[str]) -> None:
    if FLAGS.workdir is None:
        sys.exit(common.fail("--workdir=RUN is needed: the directory of a run"))
    config, paths = common.config_from_flags(), argv[1:]
    try:
        asked = ask(config, paths)
        begun, walk = go(asked, config)
        out = Path(config.out or Path(config.workdir) / f"latent-{_name(config, paths, asked.move)}.png")
        write(begun, walk, asked.model, out)
    except (ValueError, OSError) as error:
        sys.exit(common.fail(error))
    print("\n".join([*told(begun, walk, asked.model), str(out), str(out.with_suffix(".npz"))]))


if __name__ == "__main__":
    app.run(main, flags_parser=partial(common.parse_flags, takes_more=True))
