"""Samples of a trained run, which needs nothing but its directory.

python -m experiments.sample --workdir=runs/dcgan-digits-non_saturating-seed0 --num=64 --seed=1
"""

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
from absl import app, flags
from tqdm import tqdm

from experiments import common, images, run_directory
from gan_jax import pictures
from gan_jax.checkpoint import Checkpoints
from gan_jax.recipe import Recipe, State

FLAGS = flags.FLAGS
flags.DEFINE_integer("num", 64, "How many images.", lower_bound=1)
flags.DEFINE_string("out", None, "The PNG to write; by default sample-seedN.png in the run directory.")
flags.declare_key_flag("workdir")
flags.declare_key_flag("seed")


def restore(workdir: str | Path, folder: str = "checkpoints") -> tuple[dict, Recipe, State]:
    """A run's config.json, its recipe, and the newest state in one of its folders of checkpoints.

    Raises ValueError if `workdir` is no directory of a run that draws images, or has no checkpoint there.
    """
    content = run_directory.read_config(workdir)
    experiment = importlib.import_module(f"experiments.{content['experiment']}")
    if content["experiment"] == "classifier":
        raise ValueError(f"{workdir} is a run of classifier, which draws nothing")
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


def draw(workdir: str | Path, num: int, seed: int) -> np.ndarray:
    """`num` images [num, H, W, C] in [-1, 1] of the newest checkpoint; image i depends on the seed and i alone.

    Raises ValueError if `workdir` is no run directory or has no checkpoint.
    """
    _, recipe, state = restore(workdir)
    chunks = images.draw(recipe, state, jax.random.key(seed), num)
    return np.concatenate(list(tqdm(chunks, total=-(-num // images.CHUNK), disable=num <= images.CHUNK)))


def main(_) -> None:
    if FLAGS.workdir is None:
        sys.exit(common.fail("--workdir=RUN is needed: the directory of a run"))
    try:
        drawn = draw(FLAGS.workdir, FLAGS.num, FLAGS.seed)
        out = FLAGS.out or Path(FLAGS.workdir) / f"sample-seed{FLAGS.seed}.png"
        pictures.save(pictures.grid(drawn), out)
    except (ValueError, OSError) as error:
        sys.exit(common.fail(error))
    print(out)


if __name__ == "__main__":
    app.run(main, flags_parser=common.parse_flags)
