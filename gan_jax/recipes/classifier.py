"""How a classifier is trained: cross-entropy on labelled images, each shifted a little at random.

Its features and class probabilities measure what generators draw (`gan_jax.evaluation.features`).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn
from flax import struct

from gan_jax import views
from gan_jax.devices import device_mean
from gan_jax.players import Player, PyTree, init_player, update_average, update_player
from gan_jax.randomness import Key, example_keys
from gan_jax.recipe import Batch, Metrics, Recipe
from gan_jax.recipes.gan import to_unit_range
from gan_jax.views import View

Array = jax.Array
Classify = Callable[[Array], Array]  # images [B, H, W, C], uint8 or floats in [-1, 1] -> probabilities [B, K]


class State(struct.PyTreeNode):
    """The classifier, and the number of steps made, int32 []."""

    step: Array
    classifier: Player


class Setup(NamedTuple):
    """What does not change during training.

    Fields:
      network: called as `network.apply(variables, images, train=)` -> (anything, {"class_logits": [B, K]}).
      optimizer: of its parameters.
      view: what it sees of the images in training (`views`).
      label_smoothing: a label is the class with 1 - this probability, else any of the K.
      average: decay of the moving average of the weights, which is what is used in the end.
      axis_name: the mapped axis over which the batch is spread; None without one.
    """

    network: nn.Module
    optimizer: optax.GradientTransformation
    view: View = views.plain
    label_smoothing: float = 0.0
    average: float = 0.999
    axis_name: str | None = None


def classify(network: nn.Module, variables: PyTree, images: Array) -> Array:
    """The probabilities of the classes, [B, K], of images [B, H, W, C]: uint8, or floats in [-1, 1]."""
    _, out = network.apply(variables, to_unit_range(images), train=False)
    return jax.nn.softmax(out["class_logits"])


def make(setup: Setup) -> Recipe:
    """The recipe; a step takes one part of a batch. Nothing is drawn, so its `sample` is None."""

    def init(key: Key, batch: Batch) -> State:
        image = to_unit_range(batch["image"][0, :1])
        return State(jnp.zeros((), jnp.int32), init_player(setup.network, setup.optimizer, key, image, averaged=True))

    def step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        images, labels = to_unit_range(batch["image"][0]), batch["label"][0]
        key = jax.random.fold_in(key, state.step)
        noise_key = jax.random.fold_in(key, 2**32 - 1)  # no example has this index
        images = setup.view(images, example_keys(key, len(images), setup.axis_name), state.step)

        def loss(params):
            variables = {"params": params, **state.classifier.variables}
            (_, out), variables = setup.network.apply(
                variables, images, train=True, mutable=list(state.classifier.variables), rngs={"noise": noise_key}
            )
            logits = out["class_logits"]
            targets = optax.smooth_labels(jax.nn.one_hot(labels, logits.shape[-1]), setup.label_smoothing)
            total = jnp.mean(optax.softmax_cross_entropy(logits, targets))
            return total, (variables, {"classifier_loss": total, "accuracy": jnp.mean(logits.argmax(-1) == labels)})

        gradients, (variables, metrics) = jax.grad(loss, has_aux=True)(state.classifier.params)
        gradients, metrics = device_mean((gradients, metrics), setup.axis_name)
        classifier = update_player(state.classifier, gradients, setup.optimizer, variables)
        classifier = update_average(classifier, setup.average, state.step)
        return State(state.step + 1, classifier), metrics

    return Recipe(init=init, step=step, sample=None, parts=1)
