"""What a trained classifier says of images: class and probability.

python -m experiments.classify --workdir=runs/sgan-mnist-non_saturating-seed0 my_digit.png another.jpg

Takes runs of sgan and of classifier. An image is cut to its centre square and resized to the side of those that the network
learnt; it should look as they do: MNIST's digits, say, are light on dark.
"""

import importlib
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from absl import app, flags

from experiments import common, sample
from gan_jax.data import images
from gan_jax.recipes.classifier import Classify

FLAGS = flags.FLAGS
SECOND = 0.01  # a second class is told from this probability on

flags.declare_key_flag("workdir")


def probabilities(workdir: str | Path, paths: list[str]) -> tuple[list[str], np.ndarray]:
    """The names of the classes and their probabilities, [N, K], by the newest checkpoint.

    Raises ValueError or OSError if the run does not classify, or an image cannot be read.
    """
    names, shape, classify = load(workdir)
    return names, np.asarray(classify(read(paths, shape)))


def load(workdir: str | Path) -> tuple[list[str], tuple[int, int, int], Classify]:
    """A run's class names, the shape of the images that it takes, and how it classifies by its newest checkpoint.

    Raises ValueError if it does not.
    """
    content, _, state = sample.restore(workdir)
    experiment = importlib.import_module(f"experiments.{content['experiment']}")
    if not hasattr(experiment, "classify"):
        raise ValueError(f"{workdir} is a run of {content['experiment']}, which does not classify")
    shape = tuple(content["image_shape"])
    return content["class_names"], shape, experiment.classify(SimpleNamespace(**content["flags"]), shape, state)


def read(paths: Sequence[str], image_shape: tuple[int, int, int]) -> np.ndarray:
    """Image files as a run's images: uint8 [N, H, W, C]. Raises ValueError if one cannot be read, or these are oblong."""
    side, width, channels = image_shape
    if side != width:
        raise ValueError(f"the run's images are oblong, {side}×{width}; files are only cut to square ones")
    return np.stack([_decode(path, channels, side) for path in paths])


def _decode(path: str, channels: int, side: int) -> np.ndarray:
    try:
        return images.decode(path, channels=channels, size=side)
    except Exception as error:  # each of Pillow's decoders has exceptions of its own
        raise ValueError(f"{path}: cannot be read as an image ({error})") from error


def told(names: Sequence[str], found: np.ndarray) -> str:
    """Probabilities [K] in words: "7 (98.3 %), then 1 (1.2 %)"."""
    first, second = np.argsort(-found, kind="stable")[:2]
    rest = f", then {names[second]} ({found[second]:.1%})" if found[second] >= SECOND else ""
    return f"{names[first]} ({found[first]:.1%}){rest}"


def main(argv: list[str]) -> None:
    paths = argv[1:]
    if FLAGS.workdir is None or not paths:
        sys.exit(common.fail("--workdir=RUN and one or more images are needed"))
    try:
        names, found = probabilities(FLAGS.workdir, paths)
    except (ValueError, OSError) as error:
        sys.exit(common.fail(error))
    print("\n".join(f"{path}: class {told(names, each)}" for path, each in zip(paths, found)))


if __name__ == "__main__":
    app.run(main, flags_parser=partial(common.parse_flags, takes_more=True))
