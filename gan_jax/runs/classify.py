"""What a trained classifier says of images, and how often it is right."""

from collections.abc import Callable, Sequence

import jax
import numpy as np

from gan_jax.config.parts import DataConfig
from gan_jax.data import Source, pixels
from gan_jax.recipes.contract import Recipe, State
from gan_jax.runs.restore import TrainedRun

SECOND = 0.01  # a second class is named from this probability on
TESTED = 500  # test images classified at once

Classify = Callable[[jax.Array], jax.Array]  # images [B, H, W, C], uint8 or floats in [-1, 1] -> probabilities [B, K]


def classifier(recipe: Recipe, state: State) -> Classify:
    """How a recipe that classifies does it, in probabilities."""
    return jax.jit(lambda images: jax.nn.softmax(recipe.classify(state, images)))


def probabilities(run: TrainedRun, paths: Sequence[str]) -> np.ndarray:
    """The probabilities of the classes of image files, [N, K].

    Raises ValueError if the run does not classify, or an image cannot be read.
    """
    return np.asarray(jax.nn.softmax(run.classify(read(run, paths))))


def read(run: TrainedRun, paths: Sequence[str]) -> np.ndarray:
    """Image files as a run's images, uint8 [N, H, W, C], cropped as those were. ValueError if one cannot be read."""
    height, width, channels = run.spec.image_shape
    own = getattr(run.config, "data", DataConfig())
    decoding = pixels.Decoding((height, width), own.crop, own.white_level, own.max_pixels)
    return np.stack([_decode(path, channels, decoding) for path in paths])


def describe(names: Sequence[str], found: np.ndarray) -> str:
    """Probabilities [K] in words: "7 (98.3 %), then 1 (1.2 %)"."""
    first, second = np.argsort(-found, kind="stable")[:2]
    rest = f", then {names[second]} ({found[second]:.1%})" if found[second] >= SECOND else ""
    return f"{names[first]} ({found[first]:.1%}){rest}"


def accuracy(classify: Classify, test: Source) -> float:
    """The share of test images whose most probable class is theirs."""
    right = 0
    for rows in np.array_split(np.arange(len(test)), -(-len(test) // TESTED)):
        examples = test[rows]
        right += int((classify(examples["image"]).argmax(axis=-1) == examples["label"]).sum())
    return right / len(test)


def _decode(path: str, channels: int, decoding: pixels.Decoding) -> np.ndarray:
    try:
        return pixels.decode(path, channels=channels, decoding=decoding)
    except Exception as error:  # each of Pillow's decoders has exceptions of its own
        raise ValueError(f"{path}: cannot be read as an image ({error})") from error
