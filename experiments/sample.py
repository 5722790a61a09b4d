"""Samples of a trained run, which needs nothing but its directory.

python -m experiments.sample --workdir=runs/dcgan-digits-non_saturating_gp-seed0 --num=64 --seed=1
python -m experiments.sample --workdir=runs/cgan-digits-non_saturating_gp-seed0 --label=7      # or 0..9, a row of each
python -m experiments.sample --workdir=RUN --num=50000 --format=npz                            # or png, a folder of files
"""

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from absl import app, flags
from PIL import Image
from tqdm import tqdm

from experiments import common, images, run_directory
from gan_jax import image_files, pictures
from gan_jax.checkpoint import Checkpoints
from gan_jax.data import classes
from gan_jax.randomness import example_keys
from gan_jax.recipe import Recipe, State

FLAGS = flags.FLAGS
SUFFIXES = {"grid": ".png", "png": "", "npz": ".npz"}  # by the formats

flags.DEFINE_integer(
    "num", None, "How many images; of each of several labels. By default 64; of several, in rows, 10.", 1
)
flags.DEFINE_string("label", None, "What to draw, of cgan: a class by name or number; a row each of 1,4 or 0..9.")
flags.DEFINE_float(
    "truncation", None, "Draw latents from within ±this: fewer kinds of images, each more usual. Say 0.7."
)
flags.register_validator("truncation", lambda bound: bound is None or bound > 0, "must be above 0")
flags.DEFINE_enum(
    "format",
    "grid",
    list(SUFFIXES),
    "One picture of all; a folder of numbered PNG files; or an .npz of images and labels.",
)
flags.DEFINE_string(
    "out",
    None,
    "Where to write; by default into the run directory. A file; a folder for --format=png, and of interpolate.",
)
flags.declare_key_flag("workdir")
flags.declare_key_flag("seed")


def restore(workdir: str | Path, folder: str = "checkpoints") -> tuple[dict, Recipe, State]:
    """A run's config.json, its recipe, and the newest state in one of its folders of checkpoints.

    Raises ValueError if `workdir` is no directory of a run on images, or has no checkpoint there.
    """
    content = run_directory.read_config(workdir)
    experiment = importlib.import_module(f"experiments.{content['experiment']}")
    if len(content["image_shape"]) != 3:
        raise ValueError(f"{workdir} is a run of {content['experiment']}, which draws points; see its samples folder")
    try:
        recipe = experiment.make(SimpleNamespace(**content["flags"]), tuple(content["image_shape"]))
    except AttributeError as error:  # a flag that the run did not have
        raise ValueError(f"{workdir} is a run of an older version: {error}") from error
    example = images.example_batch(tuple(content["image_shape"]))
    checkpoints = Checkpoints(Path(workdir) / folder, read_only=True)
    try:
        state = checkpoints.restore(jax.eval_shape(recipe.init, jax.random.key(0), example))
    finally:
        checkpoints.close()
    if state is None:
        raise ValueError(f"{workdir} has no checkpoint yet in {folder}")
    return content, recipe, state


def restore_images(workdir: str | Path, folder: str = "checkpoints") -> tuple[dict, Recipe, State]:
    """As `restore`; raises ValueError if the run draws nothing, too."""
    content, recipe, state = restore(workdir, folder)
    if recipe.sample is None:
        raise ValueError(f"{workdir} is a run of {content['experiment']}, which draws nothing")
    return content, recipe, state


class Samples(NamedTuple):
    """Images [num, H, W, C] in [-1, 1], drawn as they are asked for, some at a time.

    Fields: shape: of all; labels: int32 [num], and names: the classes'; labels is None where there are none.
    """

    images: Iterator[np.ndarray]
    shape: tuple[int, int, int, int]
    labels: np.ndarray | None
    names: Sequence[str]


def stream(
    workdir: str | Path, num: int, seed: int, *, labels: str | None = None, bound: float | None = None
) -> Samples:
    """`num` samples of the newest checkpoint; or of each of the labels, in turn. Image i depends on all but `num`.

    Args:
      labels: as in "7", "1,4" or "0..9"; None draws them by the data's frequencies.
      bound: of the latents (`randomness.latents`).

    Raises ValueError if `workdir` is no directory of a run that draws, or has no checkpoint, or no such label; and, as
    images are asked for, if one is not finite.
    """
    content, recipe, state = restore_images(workdir)
    chosen = None if labels is None else class_numbers(workdir, labels, content, recipe)
    total = num * (1 if chosen is None else len(chosen))
    keys = example_keys(jax.random.key(seed), total)
    if chosen is not None:
        found = np.resize(chosen, total)
    else:
        found = None if recipe.sample_labels is None else np.asarray(recipe.sample_labels(keys, total))
    drawn = images.require_finite(images.draw_of(recipe, state, keys, found, bound))
    return Samples(_with_bar(drawn, total), (total, *content["image_shape"]), found, content["class_names"])


def draw(workdir: str | Path, num: int, seed: int, *, bound: float | None = None) -> np.ndarray:
    """`num` images [num, H, W, C] in [-1, 1] of the newest checkpoint; image i depends on the seed and i alone.

    Raises as `stream`.
    """
    return np.concatenate(list(stream(workdir, num, seed, bound=bound).images))


def draw_labels(
    workdir: str | Path, labels: str, num: int | None, seed: int, *, bound: float | None = None
) -> Image.Image:
    """The picture of `num` images of one label, as in "7"; or of a row of each, as in "1,4" or "0..9".

    The images of a column have the same latent. Raises as `stream`.
    """
    content, recipe, state = restore(workdir)
    chosen = class_numbers(workdir, labels, content, recipe)
    columns = num or (images.GRID if len(chosen) == 1 else images.COLUMNS)
    keys = jnp.tile(example_keys(jax.random.key(seed), columns), len(chosen))
    drawn = images.draw_of(recipe, state, keys, np.repeat(chosen, columns), bound)
    drawn = np.concatenate(list(_with_bar(images.require_finite(drawn), len(keys))))
    if len(chosen) == 1:
        return pictures.grid(drawn)
    return pictures.rows(drawn, [content["class_names"][label] for label in chosen])


def class_numbers(workdir: str | Path, labels: str, content: dict, recipe: Recipe) -> np.ndarray:
    """The labels by their numbers, int32 [n]. Raises ValueError if the run has no such, or knows none."""
    if recipe.sample_labels is None:
        raise ValueError(
            f"label={labels}: {workdir} is a run of {content['experiment']}, which cannot be asked for a label"
        )
    return np.array(classes.class_numbers("label", labels, content["class_names"]), np.int32)


def _with_bar(chunks: Iterator[np.ndarray], total: int) -> Iterator[np.ndarray]:
    """The images, as they are, with a bar on stderr if there are many."""
    with tqdm(total=total, unit="image", disable=total <= images.CHUNK, leave=False, dynamic_ncols=True) as bar:
        for some in chunks:
            yield some
            bar.update(len(some))


def asked() -> str:
    """What the flags ask for of the latents and labels, for the names of files; "" by default."""
    label = "" if FLAGS.label is None else "-label" + run_directory.short(FLAGS.label)
    return label + ("" if FLAGS.truncation is None else f"-truncation{FLAGS.truncation:g}")


def write() -> Path:
    """Writes what the flags ask for; returns where. Raises ValueError or OSError."""
    out = Path(FLAGS.out or Path(FLAGS.workdir) / f"sample{asked()}-seed{FLAGS.seed}{SUFFIXES[FLAGS.format]}")
    if FLAGS.format == "grid" and FLAGS.label is not None:
        picture = draw_labels(FLAGS.workdir, FLAGS.label, FLAGS.num, FLAGS.seed, bound=FLAGS.truncation)
        pictures.save(picture, out)
        return out
    samples = stream(FLAGS.workdir, FLAGS.num or images.GRID, FLAGS.seed, labels=FLAGS.label, bound=FLAGS.truncation)
    with closing(samples.images) as drawn:  # which wipes the bar before an error is told
        if FLAGS.format == "grid":
            pictures.save(pictures.grid(np.concatenate(list(drawn))), out)
        elif FLAGS.format == "npz":
            image_files.write_npz(out, map(pictures.to_pixels, drawn), samples.shape, samples.labels)
        else:
            names = None if samples.labels is None else [samples.names[label] for label in samples.labels]
            image_files.write_pngs(out, map(pictures.to_pixels, drawn), names)
    return out


def main(_) -> None:
    if FLAGS.workdir is None:
        sys.exit(common.fail("--workdir=RUN is needed: the directory of a run"))
    try:
        print(write())
    except (ValueError, OSError) as error:
        sys.exit(common.fail(error))


if __name__ == "__main__":
    app.run(main, flags_parser=common.parse_flags)
