"""Semi-supervised GAN: D becomes a classifier from few labels (Salimans et al. 2016, arXiv:1606.03498; Odena 2016).

python -m experiments.sgan                                    # digits, no download
python -m experiments.sgan --dataset=mnist --num_labeled=100
python -m experiments.classify --workdir=RUN my_digit.png     # what the trained network says

MNIST, 100 labels, 3 seeds, 2 CPU cores with tests beside: the first 100 images 92.6 ± 1.1 % (67.0 without the others), 10 to 13
minutes; 10 of each class with --d_shift=2 --d_turn=15 --d_zoom=0.15 --steps=16000 98.2 ± 0.1 % (94.3), 18 to 27 minutes.

The same network is also trained on the labelled images alone, in RUN/supervised, to compare with.
"""

import json
import math
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
from absl import flags
from flax import linen as nn

from experiments import common, gan_flags, gan_networks, image_training, images
from experiments.presets import require_known
from gan_jax import loop, pictures
from gan_jax.data.classes import keep
from gan_jax.data.labelled import CHOICES, choose
from gan_jax.data.source import ArraySource, Source, class_counts, in_memory
from gan_jax.networks import semi_supervised
from gan_jax.players import Player
from gan_jax.recipe import Batch, Recipe
from gan_jax.recipes import classifier, gan, sgan
from gan_jax.recipes.classifier import Classify
from gan_jax.record import replace_file

TESTED = 500  # test images classified at once
SHOWN = 100  # labelled images in the picture

DEFAULTS = dict(steps=8000, batch_size=32, game="non_saturating", objective="feature_matching", hidden=["500", "500"])

flags.DEFINE_integer("num_labeled", 100, "How many images keep their labels; the others are used without.", 1)
flags.DEFINE_string("label_choice", "first", f"Which: {', '.join(CHOICES)}.")
flags.DEFINE_float("supervised_weight", 1.0, "Of the labelled images' cross-entropy in D's loss.", lower_bound=0)
flags.DEFINE_float("d_average", 0.999, "Decay of the moving average of D's weights, which classifies.", 0, 0.999999)
flags.adopt_module_key_flags(images)
flags.adopt_module_key_flags(gan_networks)


def resolve(config: SimpleNamespace) -> SimpleNamespace:
    """The configuration with all defaults filled in. Raises ValueError for unknown names and sizes."""
    require_known("label_choice", config.label_choice, CHOICES)
    require_known("network", config.network, gan_networks.NETWORKS)
    brought = dict(g_norm="batch", d_dropout=0.5)
    if config.lr_decay != "none":
        brought |= dict(lr_decay="cosine", decay_rounds=config.steps)
    if config.game == DEFAULTS["game"]:  # others have rates of their own
        brought |= dict(d_lr=6e-3 if config.network == "dcgan" else 3e-3, g_lr=3e-3)
    if config.network == "mlp":
        useless = dict(d_norm=(None, "none"), d_spectral_norm=(False,), d_dropout=(None, 0), minibatch=("none",))
        for name, allowed in useless.items():
            if getattr(config, name) not in allowed:
                raise ValueError(f"{name}={getattr(config, name)}: the mlp of sgan has weight normalisation and noise")
        brought |= dict(d_norm="none", d_dropout=0.0)
    return gan_flags.resolve(config, **brought)


def make_setup(config: SimpleNamespace, image_shape: tuple[int, int, int]) -> gan.Setup:
    """The game of a resolved configuration, with the data's `num_classes`."""
    if config.network == "dcgan":
        generator = gan_networks.make_generator(config, image_shape)
        discriminator = semi_supervised.Convolutional(config.num_classes, config.width, **gan_flags.d_fields(config))
    else:
        generator = gan_networks.make_generator(config, image_shape, activation=nn.softplus)  # as published
        discriminator = semi_supervised.Dense(config.num_classes, axis_name=loop.AXIS)
    return gan.Setup(generator, discriminator, **gan_flags.fields(config))


def make(config: SimpleNamespace, image_shape: tuple[int, int, int]) -> Recipe:
    """The recipe of a resolved configuration, with the data's `num_classes`."""
    weights = dict(supervised_weight=config.supervised_weight, average=config.d_average)
    return sgan.make(make_setup(config, image_shape), **weights)


def make_supervised(config: SimpleNamespace, image_shape: tuple[int, int, int]) -> Recipe:
    """How the same network learns from the labelled images alone: with D's optimizer, view and average."""
    setup = make_setup(config, image_shape)
    view = lambda images, keys, step: setup.view(images, keys, step // config.n_critic)  # views count rounds
    return classifier.make(
        classifier.Setup(
            setup.discriminator, gan_flags.d_optimizer(config), view, average=config.d_average, axis_name=loop.AXIS
        )
    )


def prepare(config: SimpleNamespace) -> common.Train:
    """All that comes before training, and what trains. Raises ValueError or OSError."""
    config = resolve(config)
    source, test = images.splits(config)
    if len(class_counts(source)) < 2:
        raise ValueError(f"{config.dataset} has one class, so there is nothing to tell apart")
    config.num_classes = source.num_classes
    chosen = choose(source.labels, source.class_names, config.num_labeled, config.label_choice, config.seed)
    labelled = in_memory(keep(source, chosen))
    unlabelled = keep(source, np.setdiff1d(np.arange(len(source)), chosen))
    if not len(unlabelled):
        raise ValueError(f"num_labeled={config.num_labeled}: that is all there are; some must be left without labels")
    recipe = make(config, source.image_shape)
    training = image_training.start("sgan", recipe, unlabelled, config)
    common.by_first(lambda: record_split(chosen, labelled, training.workdir))
    return partial(train, training, labelled, test)


def record_split(chosen: np.ndarray, labelled: ArraySource, workdir: Path) -> None:
    """Writes which images keep their labels, and a picture of some of each class.

    The indices are of the images to train on, that is after --classes and, without a test split, after holding some out.
    """
    content = {"indices": chosen.tolist(), "labels": labelled.labels.tolist()}
    replace_file(workdir / "labelled.json", (json.dumps(content) + "\n").encode())
    order = np.argsort(labelled.labels, kind="stable")[:: -(-len(chosen) // SHOWN)]
    pictures.save(pictures.grid(labelled.images[order] / 127.5 - 1), workdir / "labelled.png")


def train(training: image_training.Training, labelled: Source, test: Source) -> None:
    """Trains from where the run stands to config.steps, and the same network alone; tells both accuracies."""
    config, unlabelled = training.config, training.source

    def batches(step: int) -> Iterator[Batch]:
        parts = ((unlabelled, training.recipe.parts), (labelled, config.n_critic))
        some, few = (images.batches_of(*of, config)(step) for of in parts)
        with closing(some), closing(few):
            for batch, own in zip(some, few):
                yield {"image": batch["image"], "labelled_image": own["image"], "labelled_label": own["label"]}

    def measure(state: gan.State) -> dict:
        return {
            "test_accuracy": accuracy(classify(config, unlabelled.image_shape, state), test),
            "supervised_test_accuracy": alone,
            "test_images": len(test),
        }

    alone = train_alone(labelled, test, config, training.workdir / "supervised")
    measured = image_training.train(training._replace(batches=batches, measure=measure))
    if measured:
        print(f"accuracy on {len(test)} test images: {measured['test_accuracy']:.2%} of the semi-supervised GAN,")
        print(f"{alone:.2%} of the same network by its {len(labelled)} labelled images alone")


def train_alone(labelled: Source, test: Source, config: SimpleNamespace, workdir: Path) -> float:
    """The test accuracy of D's network when it is trained on the labelled images alone, for as many of D's steps."""
    config = SimpleNamespace(**vars(config) | {"steps": config.steps * config.n_critic})
    recipe = make_supervised(config, labelled.image_shape)
    init_key, step_key = jax.random.split(jax.random.key(config.seed))
    state = jax.jit(recipe.init)(init_key, images.example_batch(labelled.image_shape))
    lead = jax.process_index() == 0
    if lead:
        print(f"first on the {len(labelled)} labelled images alone, in {workdir}")
    result = common.fit(recipe, state, images.batches_of(labelled, 1, config), step_key, (), config, workdir)
    if not lead:
        return math.nan  # the first process tells it
    return accuracy(_by(config, labelled.image_shape, loop.local(result.state).classifier), test)


def classify(config: SimpleNamespace, image_shape: tuple[int, int, int], state: gan.State) -> Classify:
    """How a trained network classifies: images [B, H, W, C], uint8 or floats in [-1, 1] -> probabilities [B, K]."""
    return _by(config, image_shape, state.discriminator)


def _by(config: SimpleNamespace, image_shape: tuple[int, int, int], player: Player) -> Classify:
    network = make_setup(config, image_shape).discriminator
    return jax.jit(partial(classifier.classify, network, player.average))


def accuracy(classify: Classify, test: Source) -> float:
    """The share of test images whose most probable class is theirs."""
    right = 0
    for rows in np.array_split(np.arange(len(test)), -(-len(test) // TESTED)):
        examples = test[rows]
        right += int((classify(examples["image"]).argmax(axis=-1) == examples["label"]).sum())
    return right / len(test)


if __name__ == "__main__":
    common.launch(prepare, DEFAULTS)
