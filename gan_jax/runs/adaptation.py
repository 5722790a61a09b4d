"""What translation is worth to a classifier that is given no labels of domain b (CyCADA: Hoffman et al. 2018, arXiv:1711.03213).

While the generators learn, a classifier of domain a says what images show (`recipes.cyclegan.task`). In the end three of one kind
are tested on domain b: one that learnt from images of a as they are, one from the same translated, and one from images of b with
their labels, which only this one is shown.
"""

import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
import optax
from tqdm import tqdm

from gan_jax.config.options import replace
from gan_jax.config.parts import ScoringConfig
from gan_jax.data import ArraySource, Source, describe
from gan_jax.data.pixels import in_channels
from gan_jax.evaluation.features import Extractor
from gan_jax.networks.cnn import Classifier
from gan_jax.pictures.grids import to_pixels
from gan_jax.recipes import classifier as recipe_of
from gan_jax.recipes.contract import Phase, State
from gan_jax.recipes.cyclegan import Classify
from gan_jax.runs import advice, monitor, training, translated
from gan_jax.runs.classify import accuracy, classifier
from gan_jax.runs.data import Data
from gan_jax.runs.training import Run
from gan_jax.training import parallel

WIDTH, RATE, BATCH = 32, 3e-3, 128  # of the three
EPOCHS, LEAST_STEPS = 3, 300
SOURCES = {
    "source_only": "images of domain a",
    "adapted": "the same, translated",
    "target": "images of domain b, labelled",
}
READ = 256  # images translated at once


def task_of(config: object, shapes: Mapping[str, tuple[int, int, int]]) -> Classify | None:
    """The classifier that config.task names, of images of both domains; None if there is no task.

    Raises ValueError or OSError if there is none that knows what images of domain a show.
    """
    own, name = config.task, config.data.dataset or config.data.domain_a
    if not own.task_loss:
        if own.task_classifier is not None:
            raise ValueError(f"task_classifier={own.task_classifier}: of --task_loss")
        return None
    found = monitor.find_extractor(ScoringConfig(extractor=own.task_classifier), name, shapes["a"])
    if found is None or not found.knows_classes:
        raise ValueError(f"task_loss: no classifier comes with {name}: {advice.train_one(name, 'task_classifier')}")
    return log_probabilities(found)


def log_probabilities(extractor: Extractor) -> Classify:
    """What an extractor's classifier says of images in [-1, 1], [B, K]; one of gray images sees the mean of colours."""

    def classify(images: jax.Array) -> jax.Array:
        if images.shape[-1] not in extractor.channels:
            images = jnp.mean(images, axis=-1, keepdims=True)
        _, probabilities = extractor.apply(extractor.variables, (images + 1) * 127.5)
        return jnp.log(jnp.maximum(probabilities, 1e-12))

    return classify


def train(run: Run) -> None:
    """Trains; of a run with a task, says in the end what its translations are worth, if both domains have the same classes."""
    test, labelled = run.data.test().sources["b"], run.data.found
    if not (run.config.task.task_loss and labelled["a"].classes and labelled["a"].classes == test.classes):
        training.train(run)
        return
    result = training.fit(run, training.hooks_of(run))
    measured = measure(run, parallel.local(result.state), labelled, test)  # by all processes
    if jax.process_index() == 0:
        training.finish(run, result, lambda state: measured)
        print(f"right about {len(test):,} images of domain b was a classifier that learnt from")
        for name, source in SOURCES.items():
            print(f"  {source:28} {measured[f'{name}_accuracy']:.2%}")


def measure(run: Run, state: State, labelled: Mapping[str, Source], test: Source) -> dict[str, float]:
    """The accuracies of the three; NaN but in the first process."""
    found = {
        "source_only": as_it_is(labelled["a"], test.spec["image"].shape[-1]),
        "adapted": as_translated(run, state, labelled["a"]),
        "target": labelled["b"],
    }
    return {f"{name}_accuracy": trained_on(found[name], run, name, test) for name in SOURCES}


def as_it_is(source: Source, channels: int) -> ArraySource:
    """A source's images in so many channels."""
    images = in_channels(source[np.arange(len(source))]["image"], channels)
    return ArraySource({"image": images, "label": source.labels}, source.classes)


def as_translated(run: Run, state: State, source: Source) -> ArraySource:
    """A source's images, translated from domain a to domain b."""
    translator, key, made = run.phases[-1].recipe.translators["a_to_b"], jax.random.key(run.config.run.seed), []
    for start in tqdm(range(0, len(source), READ), desc="translating", leave=False, dynamic_ncols=True):
        rows = np.arange(start, start + READ) % len(source)  # filled up, so that one is compiled
        examples = {"image": source[rows]["image"]}
        found = translated.translate(translator, state, examples, jax.random.fold_in(key, start))
        made.append(to_pixels(found[: len(source) - start]))
    return ArraySource({"image": np.concatenate(made), "label": source.labels}, source.classes)


def trained_on(source: Source, run: Run, name: str, test: Source) -> float:
    """The test accuracy of a classifier that learnt from a source, in a folder of the run's of this name."""
    steps = max(LEAST_STEPS, math.ceil(EPOCHS * len(source) / BATCH))
    network = Classifier(len(source.classes), WIDTH, axis_name=parallel.AXIS)
    optimizer = optax.adam(optax.cosine_decay_schedule(RATE, steps))
    recipe = recipe_of.make(recipe_of.Setup(network, optimizer, axis_name=parallel.AXIS))
    config = replace(run.config, steps=steps, batch_size=BATCH)
    own = Run(run.experiment, config, Data(describe(source), source), [Phase(recipe, None, BATCH)], run.workdir / name)
    print(f"a classifier by {len(source):,} images, in {own.workdir}")
    result = training.fit(own)
    if jax.process_index() > 0:
        return math.nan
    return accuracy(classifier(recipe, parallel.local(result.state)), test)
