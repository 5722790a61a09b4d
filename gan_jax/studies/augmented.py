"""What images are worth as training data: classifiers that learn equally long from real ones, from drawn ones, and from both."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
import optax

from gan_jax import augment
from gan_jax.data import ArraySource, Source
from gan_jax.data.pipeline import indices
from gan_jax.networks.cnn import Classifier
from gan_jax.recipes import classifier as recipe_of
from gan_jax.recipes.contract import State
from gan_jax.runs.classify import accuracy

WIDTH, RATE, BATCH = 32, 3e-3, 64
CLASSIC = ("rotate:15", "scale:0.15", "translate:2")  # what images are usually changed by
FILL = "black"  # what comes in where a changed image ends
DRAWN_ALONE = "GAN alone"  # the classification accuracy score (Ravuri & Vinyals 2019, arXiv:1905.10887)


class Way(NamedTuple):
    """What a classifier learns from.

    Fields: name; real: whether from real images; times: from how many drawn ones for each of these; classic: whether all are
    changed at random.
    """

    name: str
    real: bool
    times: int
    classic: bool


def ways(times: Sequence[int]) -> list[Way]:
    """All that are compared: (a) real images, (b) changed, (c) with drawn ones, (d) both; and the most drawn ones alone."""
    found = [Way("real", True, 0, False), Way("classic", True, 0, True)]
    found += [Way(f"GAN ×{each}", True, each, False) for each in times]
    found += [Way(f"classic + GAN ×{each}", True, each, True) for each in times]
    return [*found, Way(DRAWN_ALONE, False, max(times), False)]


# How good images are that nothing real stands beside.
ALONE = [
    Way("real", True, 0, False),
    Way("classic", True, 0, True),
    Way(DRAWN_ALONE, False, 1, False),
    Way(f"classic, {DRAWN_ALONE}", False, 1, True),
]


class Part(NamedTuple):
    """Of what a batch is put together: so many examples of a source."""

    source: Source
    count: int


class Learner(NamedTuple):
    """How a classifier learns. Fields: init, step, classify: those of its recipe, jitted; steps: how many it makes."""

    init: Callable
    step: Callable
    classify: Callable
    steps: int


def learner(classes: int, steps: int, *, classic: bool) -> Learner:
    """One that changes its images or not. All that it is used for, of images of one shape, is compiled once."""
    changed = augment.make(augment.parse(CLASSIC), fill=FILL) if classic else augment.identity
    rate = optax.cosine_decay_schedule(RATE, steps)
    recipe = recipe_of.make(recipe_of.Setup(Classifier(classes, WIDTH), optax.adam(rate), changed))
    return Learner(jax.jit(recipe.init), jax.jit(recipe.step, donate_argnums=0), jax.jit(recipe.classify), steps)


def learn(learner: Learner, parts: Sequence[Part], seed: int) -> State:
    """What it has learnt from batches that are put together of parts, each in an order of its own, `pipeline`'s."""
    init_key, key = jax.random.split(jax.random.key(seed))
    state = None
    for step in range(learner.steps):
        taken = [
            source[indices(len(source), seed, step * count, count, order)]
            for order, (source, count) in enumerate(parts)
        ]
        batch = {name: np.concatenate([each[name] for each in taken])[None] for name in ("image", "label")}
        state = learner.init(init_key, batch) if state is None else state
        state, _ = learner.step(state, batch, key)
    return state


def tested(learner: Learner, parts: Sequence[Part], test: Source, seed: int) -> float:
    """The share of test images about which it is right after it has learnt from parts."""
    return accuracy(partial(learner.classify, learn(learner, parts, seed)), test)


def parts_of(way: Way, real: ArraySource, drawn: ArraySource, share: float) -> list[Part]:
    """What a way has a classifier learn from.

    Args: drawn: of each real image as many as the most of all ways, in any order; share: of a batch, from 0 to 1, that is drawn
    where real images are learnt too, however many different ones there are.
    """
    own = ArraySource({name: each[: way.times * len(real)] for name, each in drawn.arrays.items()}, drawn.classes)
    count = round((share if way.real else 1) * BATCH) if way.times else 0
    return [part for part in (Part(real, BATCH - count), Part(own, count)) if part.count]
