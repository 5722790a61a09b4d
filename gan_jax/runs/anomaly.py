"""How unlike all that a run learnt images are, by one number each; and how well these tell other classes apart.

A run with a likelihood says minus its ELBO, in nats. One that draws is inverted: the score is what remains between an image
and the nearest that is drawn, in pixels and in D's features (AnoGAN: Schlegl et al. 2017, arXiv:1703.05921; with the weights
of f-AnoGAN: Schlegl et al. 2019, equation 5, κ = 1).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

from gan_jax.config.options import replace
from gan_jax.data import Source
from gan_jax.latents import paths
from gan_jax.latents.paths import SearchConfig
from gan_jax.randomness import example_keys
from gan_jax.recipes.batch import to_unit_range
from gan_jax.runs import data, drawing, monitor
from gan_jax.runs.models import open_model
from gan_jax.runs.restore import TrainedRun

TESTED = 2000  # images of the test split, at most
DIRECTIONS = 64  # that the PCA keeps
FITTED = 10000  # training images that it is made of, at most
PIXELS = 2**26  # of all these together, at most


class Detection(NamedTuple):
    """How well scores tell classes that a run did not learn from those that it did: AUROC of each, 0.5 is chance."""

    count: int
    learnt: tuple[str, ...]
    by_class: dict[str, float]
    pca: dict[str, float]


def unit(run: TrainedRun) -> str:
    """What the scores are measured in."""
    return "nats" if run.recipe.likelihood is not None else "mean squared pixels and features"


def require_able(run: TrainedRun) -> None:
    """Raises ValueError if the run has no scores."""
    recipe = run.recipe
    if recipe.likelihood is None and (recipe.sampler is None or recipe.features is None):
        raise ValueError(f"{run.workdir} is a run of {run.experiment}, which cannot say how strange an image is")


def scores(run: TrainedRun, images: np.ndarray, config: SearchConfig) -> np.ndarray:
    """A number for each uint8 image [N, H, W, C], the larger the stranger. Raises ValueError if the run has none."""
    require_able(run)
    key, recipe, state = jax.random.key(config.seed), run.recipe, run.state
    if recipe.likelihood is not None:
        keys, elbo = example_keys(key, len(images)), jax.jit(recipe.likelihood.elbo)
        parts = drawing.chunks(len(images), lambda rows: elbo(state, images[rows], keys[rows]))
        return -np.concatenate(list(parts))
    targets, model = np.asarray(to_unit_range(images)), open_model(run, None)
    found = paths.inverted(model, [str(number) for number in range(len(images))], targets, config)
    features = jax.jit(recipe.features)
    see = lambda images: np.concatenate(
        list(drawing.chunks(len(images), lambda rows: features(state, jnp.asarray(images[rows]))))
    ).reshape(len(images), -1)
    return found.errors + np.mean((see(targets) - see(model.render(found.latents))) ** 2, axis=1)


def detect(run: TrainedRun, config: SearchConfig, count: int = TESTED) -> Detection:
    """Scores test images of the run's dataset, of all its classes.

    Raises ValueError if the run learnt all classes, or the dataset has no test split.
    """
    require_able(run)
    own, every = run.config.data, replace(run.config.data, classes=None)
    others = [name for name in data.all_classes(own) if name not in run.spec.classes]
    if not others:
        raise ValueError(
            f"{run.workdir} learnt all classes of {own.dataset}; name image files, or train with --classes"
        )
    test = data.load_test(every, data.find(every))
    if test is None:
        raise ValueError(f"{own.dataset} has no test split; name image files")
    chosen = np.sort(monitor.real_order(test, count))
    examples = test[chosen]
    labels = np.array(test.classes)[examples["label"]]
    found, pca = scores(run, examples["image"], config), pca_errors(data.load(own), examples["image"])
    usual = np.isin(labels, run.spec.classes)

    def auroc(scores: np.ndarray) -> dict[str, float]:
        chosen = {name: usual | (labels == name) for name in others if (labels == name).any()}
        return {name: float(roc_auc_score(labels[rows] == name, scores[rows])) for name, rows in chosen.items()}

    return Detection(len(chosen), run.spec.classes, auroc(found), auroc(pca))


def pca_errors(source: Source, images: np.ndarray) -> np.ndarray:
    """The squared error of each image's projection on the main directions of the training images."""
    count = min(FITTED, len(source), max(DIRECTIONS, PIXELS // images[0].size))
    learnt = source[np.sort(monitor.real_order(source, count))]["image"]
    flat = lambda images: np.float32(images.reshape(len(images), -1)) / 255
    size = min(DIRECTIONS, count, images[0].size)
    found = PCA(size, svd_solver="randomized", random_state=0).fit(flat(learnt))
    return np.sum((flat(images) - found.inverse_transform(found.transform(flat(images)))) ** 2, axis=1)
