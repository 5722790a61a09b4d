"""A small classifier, whose features and class probabilities measure what GANs draw of the same kind of images.

python -m experiments.classifier --dataset=mnist
python -m experiments.evaluate --workdir=RUN --extractor=runs/classifier-mnist-seed0/extractor.npz
"""

import math
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import optax
from absl import flags

from experiments import common, images, run_directory
from gan_jax import loop, pictures, views
from gan_jax.data.source import Source
from gan_jax.evaluation import features
from gan_jax.networks.cnn import Classifier
from gan_jax.recipe import Recipe
from gan_jax.recipes import classifier

EPOCHS, LEAST_STEPS = 6, 300  # unless --steps says otherwise

DEFAULTS = dict(batch_size=128, steps=None)

flags.DEFINE_integer("channels", 64, "Of the classifier's largest map; it has twice as many features.", lower_bound=1)
flags.DEFINE_float("classifier_lr", 3e-3, "Adam's rate, which falls to 0 along a cosine.", lower_bound=0)
flags.DEFINE_float("label_smoothing", 0.0, "How much of a label is spread over all classes.", 0, 1)
flags.DEFINE_integer("shift", 1, "Pixels by which images are moved at random in training.", lower_bound=0)
flags.adopt_module_key_flags(images)


def make(config: SimpleNamespace, image_shape: tuple[int, int, int]) -> Recipe:
    """The recipe of a configuration, with the data's `num_classes`, for images of any shape."""
    rate = optax.cosine_decay_schedule(config.classifier_lr, config.decay_rounds)
    return classifier.make(
        classifier.Setup(
            make_network(config),
            optax.adam(rate),
            view=views.shift(config.shift),
            label_smoothing=config.label_smoothing,
            axis_name=loop.AXIS,
        )
    )


def make_network(config: SimpleNamespace) -> Classifier:
    """The network of a configuration."""
    return Classifier(config.num_classes, config.channels, axis_name=loop.AXIS)


def classify(
    config: SimpleNamespace, image_shape: tuple[int, int, int], state: classifier.State
) -> classifier.Classify:
    """How a trained network classifies: images [B, H, W, C], uint8 or floats in [-1, 1] -> probabilities [B, K]."""
    return jax.jit(partial(classifier.classify, make_network(config), state.classifier.average))


def prepare(config: SimpleNamespace) -> common.Train:
    """All that comes before training, and what trains. Raises ValueError or OSError."""
    train_source, test_source = images.splits(config)
    if train_source.num_classes < 2:
        raise ValueError(f"{config.dataset} has no classes to tell apart")
    config.steps = config.steps or max(LEAST_STEPS, math.ceil(EPOCHS * len(train_source) / config.batch_size))
    config.decay_rounds = config.steps  # recorded: with more --steps it is another run
    config.num_classes = train_source.num_classes
    recipe = make(config, train_source.image_shape)
    images.check(recipe, train_source, config)
    shape, names = train_source.image_shape, train_source.class_names
    workdir = common.open_workdir("classifier", config, config.dataset, shape, names)
    return partial(train, recipe, train_source, test_source, config, workdir)


def train(recipe: Recipe, source: Source, test: Source, config: SimpleNamespace, workdir: Path) -> None:
    """Trains in `workdir` from where it stands to config.steps; writes the extractor; tells its accuracy."""
    init_key, step_key = jax.random.split(jax.random.key(config.seed))
    state = jax.jit(recipe.init)(init_key, images.example_batch(source.image_shape))
    result = common.fit(recipe, state, images.batches_of(source, 1, config), step_key, (), config, workdir)
    if jax.process_index() > 0:
        return
    path = workdir / "extractor.npz"
    features.save_classifier(
        path,
        loop.local(result.state).classifier.average,
        name="-".join(run_directory.short(part) for part in (config.dataset, config.classes) if part) + "-cnn",
        image_shape=source.image_shape,
        num_classes=source.num_classes,
        width=config.channels,
    )
    examples = test[np.arange(len(test))]
    found = features.extract(features.load_classifier(path), [examples["image"]], total=len(test), told="test images")
    mistaken = found.probabilities.argmax(axis=1) != examples["label"]
    if mistaken.any():
        shown = examples["image"][mistaken][: images.GRID]
        pictures.save(pictures.grid(shown / 127.5 - 1), workdir / "mistaken.png")
    common.finish(result, config, workdir, test_accuracy=float(1 - mistaken.mean()), test_images=len(test))
    print(f"accuracy on {len(test)} test images: {1 - mistaken.mean():.2%}; {path} is the extractor")


if __name__ == "__main__":
    common.launch(prepare, DEFAULTS)
