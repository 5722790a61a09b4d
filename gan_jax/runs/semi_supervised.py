"""Training from few labelled and many unlabelled images, beside the same network trained on the labelled ones alone."""

import json
import math
from pathlib import Path

import jax
import numpy as np

from gan_jax.config.options import replace
from gan_jax.data import ArraySource, DataSpec, Domains, Source, describe, in_memory
from gan_jax.data.classes import keep
from gan_jax.data.labelled import choose
from gan_jax.data.source import class_counts, select
from gan_jax.pictures import grids
from gan_jax.recipes.contract import Phase, Recipe, State
from gan_jax.runs import training
from gan_jax.runs.classify import accuracy, classifier
from gan_jax.runs.data import Data, splits
from gan_jax.runs.first import by_first
from gan_jax.runs.training import Run
from gan_jax.training import parallel
from gan_jax.training.files import replace_file

SHOWN = 100  # labelled images in the picture


def load(config: object) -> Data:
    """Two domains: "labelled", the images that keep their labels, and "unlabelled", all others.

    Raises ValueError or OSError if the data cannot be read, or has too few labels or classes.
    """
    source, test = splits(config.data)
    if len(class_counts(source)) < 2:
        raise ValueError(f"{config.data.dataset} has one class, so there is nothing to tell apart")
    chosen = choose(source.labels, source.classes, config.num_labeled, config.label_choice, config.run.seed)
    labelled = in_memory(keep(source, chosen))
    unlabelled = keep(source, np.setdiff1d(np.arange(len(source)), chosen))
    if not len(unlabelled):
        raise ValueError(f"num_labeled={config.num_labeled}: that is all there are; some must be left without labels")
    domains = Domains({"unlabelled": select(unlabelled, ("image",)), "labelled": labelled})
    spec = DataSpec(domains.spec, source.classes)
    return Data(spec, domains, unlabelled, lambda: test, {"labelled": chosen})


def train(run: Run, supervised: Recipe) -> None:
    """Trains on the labelled images alone, then the semi-supervised GAN; says both accuracies.

    Args: supervised: how the same network learns from the labelled images alone.
    """
    labelled, test = run.data.source.sources["labelled"], run.data.test()
    by_first(lambda: record_split(run))
    alone = train_alone(run, supervised, labelled, test)

    def measure(state: State) -> dict:
        classify = classifier(run.phases[-1].recipe, state)
        return {
            "test_accuracy": accuracy(classify, test),
            "supervised_test_accuracy": alone,
            "test_images": len(test),
        }

    measured = training.train(run, measure=measure)
    if measured:
        print(f"accuracy on {len(test)} test images: {measured['test_accuracy']:.2%} of the semi-supervised GAN,")
        print(f"{alone:.2%} of the same network by its {len(labelled)} labelled images alone")


def record_split(run: Run) -> None:
    """Writes which images keep their labels, and a picture of some of each class.

    The indices are of the images to train on, that is after --classes and, without a test split, after holding some out.
    """
    labelled = run.data.source.sources["labelled"]
    content = {"indices": run.data.found["labelled"].tolist(), "labels": labelled.labels.tolist()}
    replace_file(run.workdir / "labelled.json", (json.dumps(content) + "\n").encode())
    order = np.argsort(labelled.labels, kind="stable")[:: -(-len(labelled) // SHOWN)]
    grids.save(grids.grid(labelled[order]["image"] / 127.5 - 1), run.workdir / "labelled.png")


def train_alone(run: Run, recipe: Recipe, labelled: ArraySource, test: Source) -> float:
    """The test accuracy of D's network when it is trained on the labelled images alone, for as many of D's steps.

    NaN but in the first process.
    """
    config = replace(run.config, steps=run.config.run.steps * run.config.gan.n_critic)
    workdir = run.workdir / "supervised"
    if jax.process_index() == 0:
        print(f"first on the {len(labelled)} labelled images alone, in {workdir}")
    phases = [Phase(recipe, None, config.run.batch_size)]
    result = training.fit(Run(run.experiment, config, Data(describe(labelled), labelled), phases, Path(workdir)))
    if jax.process_index() > 0:
        return math.nan  # the first process says it
    return accuracy(classifier(recipe, parallel.local(result.state)), test)
