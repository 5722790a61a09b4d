"""Training on images: what runs of dcgan, cgan and sgan have in common."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import jax
from PIL import Image

from experiments import common, evaluation, images
from gan_jax import loop, pictures
from gan_jax.data.source import Source
from gan_jax.randomness import Key
from gan_jax.recipe import Batch, Recipe, State

Make = Callable[[SimpleNamespace, tuple[int, int, int]], Recipe]
Resolve = Callable[[SimpleNamespace], SimpleNamespace]
Picture = Callable[[Recipe, State, Key], Image.Image]


class Training(NamedTuple):
    """A run that is about to train.

    Fields:
      recipe: made with axis_name=loop.AXIS.
      source: what it learns.
      plan: how it is evaluated in training; None if it is not.
      config: its resolved configuration.
      workdir: its directory, open.
      picture: what is shown of the samples.
      batches: as `loop.fit` takes them; None for those of `source`.
      measure: what result.json is to say of the last state.
    """

    recipe: Recipe
    source: Source
    plan: evaluation.Plan | None
    config: SimpleNamespace
    workdir: Path
    picture: Picture = images.square
    batches: Callable[[int], Iterator[Batch]] | None = None
    measure: Callable[[State], dict] = lambda state: {}


def of(experiment: str, make: Make, resolve: Resolve, config: SimpleNamespace) -> Training:
    """All that comes before training.

    Raises ValueError or OSError for what can be known to be wrong, before anything is written.

    Args:
      experiment: the module's name, which `experiments.sample` finds `make` by.
      make: (configuration, image_shape) -> recipe, made with axis_name=loop.AXIS.
      resolve: fills in what was left to defaults that depend on other flags, and checks names.
    """
    config = resolve(config)
    source = images.load(config)
    recipe = make(config, source.image_shape)
    return start(experiment, recipe, source, config)


def start(experiment: str, recipe: Recipe, source: Source, config: SimpleNamespace, **fields) -> Training:
    """Checks that all fits, plans the evaluation, and opens the run directory. Raises as `of`.

    Args: fields: others of the Training.
    """
    images.check(recipe, source, config)
    plan = common.by_first(lambda: evaluation.prepare(config, source, lambda: images.load_test(config, source)))
    workdir = common.open_workdir(experiment, config, config.dataset, source.image_shape, source.class_names)
    return Training(recipe, source, plan, config, workdir, **fields)


def train(training: Training) -> dict:
    """Trains from where the run stands to config.steps; evaluates as planned.

    Returns what was measured; {} but in the first process.
    """
    init_key, step_key, _ = keys(training)
    state = jax.jit(training.recipe.init)(init_key, images.example_batch(training.source.image_shape))
    result = common.fit(
        training.recipe,
        state,
        batches(training),
        step_key,
        tuple(loop.Hook(every, partial(act, training)) for every, act in due(training.config)),
        training.config,
        training.workdir,
    )
    return finish(training, result) if jax.process_index() == 0 else {}


def keys(training: Training) -> Key:
    """For init, for the steps and for samples, [3]."""
    return jax.random.split(jax.random.key(training.config.seed), 3)


def batches(training: Training) -> Callable[[int], Iterator[Batch]]:
    """As `loop.fit` takes them."""
    return training.batches or images.batches_of(training.source, training.recipe.parts, training.config)


def due(config: SimpleNamespace) -> list[tuple[int, Callable[[Training, int, State], None]]]:
    """What is done every so many rounds: (rounds, what)."""
    return [(config.sample_every, save_grid)] + ([(config.eval_every, evaluate)] if config.eval_every else [])


def save_grid(training: Training, step: int, state: State) -> None:
    """Writes samples/STEP.png, always of the same latents."""
    picture = training.picture(training.recipe, state, keys(training)[2])
    pictures.save(picture, training.workdir / "samples" / f"{step:06d}.png")


def evaluate(training: Training, step: int, state: State) -> None:
    """Scores samples, always of the same latents; keeps the state if it is the best so far."""
    key = jax.random.fold_in(keys(training)[2], 1)
    drawn = images.draw(training.recipe, state, key, training.plan.real.count)
    evaluation.evaluate(training.plan, step, state, drawn, training.workdir)


def finish(training: Training, result: loop.Result) -> dict:
    """Measures the last state, writes result.json and the pictures, tells all. Returns what was measured."""
    workdir, state = training.workdir, loop.local(result.state)
    measured, scored = training.measure(state), {}
    if training.plan:
        evaluate(training, int(state.step), state)  # of a run that was over without it
        scored = evaluation.summary(training.plan, workdir)
    common.finish(result, training.config, workdir, **measured, **scored)
    print("".join(f"{line}\n" for line in (evaluation.told(scored) if scored else ())), end="")
    print(f"sample more:\n  python -m experiments.sample --workdir={workdir} --num=64 --seed=1")
    print(f"all of it on a page:\n  python -m experiments.report --workdir={workdir}")
    return measured
