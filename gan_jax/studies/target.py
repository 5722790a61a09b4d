"""What an attack is made on: a trained classifier as a function of images in [0, 1], and test images."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.attacks.gradient import predictor
from gan_jax.config.parts import DataConfig
from gan_jax.data import Source
from gan_jax.evaluation import features
from gan_jax.evaluation.features import Extractor
from gan_jax.runs import advice
from gan_jax.runs.data import splits
from gan_jax.runs.monitor import real_order
from gan_jax.runs.restore import restore

Array = jax.Array
LOOKED_AT = 500  # test images, among which those are that are shown


class Target(NamedTuple):
    """A classifier, and what it is shown.

    Fields:
      name: "mnist-cnn", or a run's directory.
      dataset: whose images these are.
      classify: images [B, H, W, C] in [0, 1] -> logits [B, K]; differentiable.
      train, test: labelled images; those of the test are what it is attacked with.
    """

    name: str
    dataset: str
    classify: Callable[[Array], Array]
    train: Source
    test: Source

    def images(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """(`count` test images in [0, 1], or all there are; their labels), always the same, in a random order."""
        found = self.test[real_order(self.test, count)]
        return np.float32(found["image"]) / 255, found["label"]

    def shown(self, count: int) -> tuple[Array, Array]:
        """Of the first test images so many about which it is right, of as many classes as can be; and their labels."""
        images, labels = self.images(LOOKED_AT)
        right = np.asarray(predictor(self.classify)(jnp.asarray(images))) == labels
        places = np.flatnonzero(right if right.any() else ~right)
        earlier = [int((labels[places[:i]] == labels[place]).sum()) for i, place in enumerate(places)]
        chosen = places[np.argsort(earlier, kind="stable")][:count]  # the first of each class, then the second ...
        return jnp.asarray(images[chosen]), jnp.asarray(labels[chosen])

    def said(self, images: Array) -> list[str]:
        """Of each image the class and how sure it is: "7, 98%"."""
        found = jax.nn.softmax(jax.jit(self.classify)(jnp.asarray(images)))
        return [f"{self.test.classes[int(each.argmax())]}, {float(each.max()):.0%}" for each in found]


def open_target(classifier: str | None, data: DataConfig | None) -> Target:
    """The classifier of a run's directory or of an extractor's file, by default the network that comes with the dataset.

    Args: data: whose test images; by default those of the run, or digits.
    Raises ValueError or OSError if there is no such classifier, or it takes other images, or knows other classes.
    """
    if classifier is None:
        data = data or DataConfig()
        found = _of_dataset(data.dataset)
        name, classify = found.name, _from_extractor(found)
    elif Path(classifier).is_file():
        if data is None:
            raise ValueError(
                f"classifier={classifier}: a file does not say whose images it knows: name them by --dataset"
            )
        found = features.load_classifier(classifier)
        name, classify = found.name, _from_extractor(found)
    else:
        run = restore(classifier)
        of_run = partial(run.classifier, run.state)
        name, classify, data = classifier, lambda images: of_run(2 * images - 1), data or run.config.data
    target = Target(name, data.dataset, classify, *splits(data))
    _require_fitting(target)
    return target


def _of_dataset(dataset: str) -> Extractor:
    path = features.EXTRACTORS / f"{dataset}.npz"
    if not path.exists():
        raise ValueError(f"no classifier comes with {dataset}: {advice.train_one(dataset, 'classifier')}")
    return features.load_classifier(path)


def _from_extractor(extractor: Extractor) -> Callable[[Array], Array]:
    return lambda images: extractor.logits(extractor.variables, 255 * images)


def _require_fitting(target: Target) -> None:
    shape, known = target.test.spec["image"].shape, len(target.test.classes)
    try:
        logits = jax.eval_shape(target.classify, jax.ShapeDtypeStruct((1, *shape), np.float32))
    except Exception as error:  # whatever the shapes make a layer raise
        said = str(error).splitlines()[0]
        raise ValueError(f"{target.name} does not take images of {target.dataset}, {list(shape)}: {said}") from error
    if logits.shape[-1] != known:
        raise ValueError(f"{target.name} knows {logits.shape[-1]} classes, {target.dataset} has {known}")
