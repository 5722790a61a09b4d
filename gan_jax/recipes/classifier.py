"""How a classifier is trained: cross-entropy on labelled images, each augmented at random, and maybe changed by an adversary.

Its features and class probabilities measure what generators draw (`gan_jax.evaluation.features`).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

from gan_jax import augment
from gan_jax.attacks.training import Adversary
from gan_jax.augment import Augment
from gan_jax.randomness import Key, example_keys, other_keys
from gan_jax.recipes.batch import part, to_unit_range
from gan_jax.recipes.contract import Batch, Metrics, Recipe, State
from gan_jax.recipes.players import PyTree, descend, init_player, update_ema, with_player

Array = jax.Array
CHECKED_EVERY = 100  # steps


class Setup(NamedTuple):
    """What does not change during training.

    Fields:
      network: called as `network.apply(variables, images, train=)` -> (anything, {"class_logits": [B, K]}).
      optimizer: of its parameters.
      augment: what is done to the images in training (`augment`).
      label_smoothing: a label is the class with 1 - this probability, else any of the K.
      attack: what an adversary then does to them; None: nothing.
      check: a stronger one, under whose attack the accuracy is looked at every CHECKED_EVERY steps; None: it is not.
      share: by the step, which share of what they change images are changed by: at first all of it may be too much to learn from.
      ema: decay of the moving average of the weights, which is what is used in the end.
      axis_name: the mapped axis over which the batch is spread; None without one.
    """

    network: nn.Module
    optimizer: optax.GradientTransformation
    augment: Augment = augment.identity
    label_smoothing: float = 0.0
    attack: Adversary | None = None
    check: Adversary | None = None
    share: optax.Schedule = optax.constant_schedule(1.0)
    ema: float = 0.999
    axis_name: str | None = None


def class_logits(network: nn.Module, variables: PyTree, images: Array) -> Array:
    """Logits [B, K] of the classes of images [B, H, W, C]: uint8, or floats in [-1, 1]."""
    _, out = network.apply(variables, to_unit_range(images), train=False)
    return out["class_logits"]


def make(setup: Setup) -> Recipe:
    """The recipe; a step takes one batch. Nothing is drawn, so there is no sampler."""

    def init(key: Key, batch: Batch) -> State:
        image = part(batch, 0)["image"][:1]
        player = init_player(setup.network, setup.optimizer, key, image, ema=True)
        return State(step=jnp.zeros((), jnp.int32), players={"classifier": player})

    def step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        examples = part(batch, 0)
        labels, player = examples["label"], state.players["classifier"]
        key = jax.random.fold_in(key, state.step)
        noise_key = jax.random.fold_in(key, 2**32 - 1)  # no example has this index
        keys = example_keys(key, len(labels), setup.axis_name)
        images = setup.augment(examples["image"], keys, state.step)

        def logits_of(params: PyTree, images: Array) -> tuple[Array, PyTree]:
            variables, options = {"params": params, **player.variables}, dict(mutable=list(player.variables))
            (_, out), changed = setup.network.apply(variables, images, train=True, rngs={"noise": noise_key}, **options)
            return out["class_logits"], changed

        classify = lambda images: logits_of(player.params, images)[0]

        def attacked(adversary: Adversary, number: int) -> Array:
            found = adversary(classify, images, labels, other_keys(keys, number))
            return images + setup.share(state.step) * (found - images)

        measured, shown = {}, images
        if setup.check is not None:
            right = lambda: jnp.mean(classify(attacked(setup.check, 1)).argmax(-1) == labels)
            due = state.step % CHECKED_EVERY == 0
            measured["robust_accuracy"] = jax.lax.cond(due, right, lambda: jnp.zeros(()))
        if setup.attack is not None:
            shown = attacked(setup.attack, 2)

        def loss(params: PyTree):
            logits, changed = logits_of(params, shown)
            targets = optax.smooth_labels(jax.nn.one_hot(labels, logits.shape[-1]), setup.label_smoothing)
            total = jnp.mean(optax.softmax_cross_entropy(logits, targets))
            right = jnp.mean(logits.argmax(-1) == labels)
            return total, (changed, {"classifier_loss": total, "accuracy": right, **measured})

        state, metrics = descend(state, "classifier", loss, setup.optimizer, setup.axis_name)
        classifier = update_ema(state.players["classifier"], setup.ema, state.step)
        return with_player(state, "classifier", classifier).replace(step=state.step + 1), metrics

    return Recipe(
        init=init,
        step=step,
        batches_per_step=1,
        classify=lambda state, images: class_logits(setup.network, state.players["classifier"].ema, images),
        augment=setup.augment,
        every={"robust_accuracy": CHECKED_EVERY} if setup.check is not None else {},
    )
