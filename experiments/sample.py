"""Samples of a trained run, which needs nothing but its directory.

python -m experiments.sample --workdir=runs/dcgan-digits-non_saturating_gp-seed0 --num=64 --seed=1
python -m experiments.sample --workdir=runs/cgan-digits-non_saturating_gp-seed0 --label=7      # or 0..9, a row of each
"""

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
from absl import app, flags
from PIL import Image
from tqdm import tqdm

from experiments import common, images, run_directory
from gan_jax import pictures
from gan_jax.checkpoint import Checkpoints
from gan_jax.data.classes import class_numbers
from gan_jax.randomness import example_keys
from gan_jax.recipe import Recipe, State

FLAGS = flags.FLAGS
flags.DEFINE_integer("num", None, "How many images; of each of several labels. By default 64, or 10 of each.", 1)
flags.DEFINE_string("label", None, "What to draw, of cgan: a class by name or number; a row each of 1,4 or 0..9.")
flags.DEFINE_string("out", None, "The PNG to write; by default sample-seedN.png in the run directory.")
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


def draw(workdir: str | Path, num: int, seed: int) -> np.ndarray:
    """`num` images [num, H, W, C] in [-1, 1] of the newest checkpoint; image i depends on the seed and i alone.

    Raises ValueError if `workdir` is no run directory or has no checkpoint.
    """
    _, recipe, state = restore_images(workdir)
    chunks = images.draw(recipe, state, jax.random.key(seed), num)
    return np.concatenate(list(tqdm(chunks, total=-(-num // images.CHUNK), disable=num <= images.CHUNK)))


def draw_labels(workdir: str | Path, labels: str, num: int | None, seed: int) -> Image.Image:
    """The picture of `num` images of one label, as in "7"; or of a row of each, as in "1,4" or "0..9".

    Raises ValueError if `workdir` is no directory of a run that knows labels, or has no checkpoint, or no such label.
    """
    content, recipe, state = restore(workdir)
    if recipe.sample_labels is None:
        raise ValueError(
            f"label={labels}: {workdir} is a run of {content['experiment']}, which cannot be asked for a label"
        )
    names = content["class_names"]
    chosen, key = np.array(class_numbers("label", labels, names), np.int32), jax.random.key(seed)
    if len(chosen) > 1:
        return images.rows(chosen, [names[label] for label in chosen], recipe, state, key, num or images.COLUMNS)
    keys = example_keys(key, num or images.GRID)
    return pictures.grid(np.concatenate(list(images.draw_of(recipe, state, keys, np.repeat(chosen, len(keys))))))


def main(_) -> None:
    if FLAGS.workdir is None:
        sys.exit(common.fail("--workdir=RUN is needed: the directory of a run"))
    try:
        if FLAGS.label is None:
            picture = pictures.grid(draw(FLAGS.workdir, FLAGS.num or images.GRID, FLAGS.seed))
        else:
            picture = draw_labels(FLAGS.workdir, FLAGS.label, FLAGS.num, FLAGS.seed)
        of = "" if FLAGS.label is None else "-label" + run_directory.short(FLAGS.label)
        out = FLAGS.out or Path(FLAGS.workdir) / f"sample{of}-seed{FLAGS.seed}.png"
        pictures.save(picture, out)
    except (ValueError, OSError) as error:
        sys.exit(common.fail(error))
    print(out)


if __name__ == "__main__":
    app.run(main, flags_parser=common.parse_flags)
