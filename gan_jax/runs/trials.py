"""Runs that differ in their seeds alone, in one program by `jax.vmap`; each leaves what it would leave alone."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from gan_jax.config.options import replace
from gan_jax.data import example_batch
from gan_jax.recipes.contract import Batch, Phase, State
from gan_jax.recipes.trials import all_of, of_each, one, trials
from gan_jax.runs import training, views
from gan_jax.runs.anew import require_unsaved
from gan_jax.runs.data import Data, batches_of, load_images
from gan_jax.runs.experiment import Experiment
from gan_jax.runs.training import Run
from gan_jax.training import loop, parallel
from gan_jax.training.checkpoint import Checkpoints
from gan_jax.training.diagnostics import EarlyWarning
from gan_jax.training.record import Record


def prepare(experiment: Experiment, seeds: Sequence[int], config: object) -> Callable[[], None]:
    """All that comes before training, and what trains.

    Raises ValueError or OSError for what can be known to be wrong, before anything is written.

    Args: config: of all seeds; the last "{seed}" in its workdir becomes each one's own.
    """
    require_default_training(experiment)
    shared = sharing_data(experiment)
    before, after = config.run.workdir.rsplit("{seed}", 1)
    configs = [replace(config, seed=seed, workdir=f"{before}{seed}{after}") for seed in seeds]
    _, _, phases = training.check(shared, configs[0])
    require_one_phase(experiment.name, phases)
    return partial(train, [training.prepare(shared, each) for each in configs])


def require_default_training(experiment: Experiment) -> None:
    """Raises ValueError if an experiment does more than to train a recipe."""
    if experiment.train is not training.train:
        raise ValueError(f"vmap_trials: {experiment.name} has its own way of training, so its seeds train one by one")


def require_one_phase(experiment: str, phases: Sequence[Phase]) -> None:
    """Raises ValueError for networks that grow."""
    if len(phases) > 1:
        raise ValueError(f"vmap_trials: the networks of {experiment} grow, so its seeds train one by one")


def sharing_data(experiment: Experiment) -> Experiment:
    """The experiment, which loads the same images but once for many configurations, if it loads them as most do."""
    if getattr(experiment.load, "func", experiment.load) is not load_images:
        return experiment  # what it loads may depend on all of its configuration
    loaded: dict[object, Data] = {}

    def load(config: object) -> Data:
        if config.data not in loaded:
            loaded[config.data] = experiment.load(config)
        return loaded[config.data]

    return dataclasses.replace(experiment, load=load)


def train(runs: Sequence[Run]) -> None:
    """Trains runs that differ in their seeds alone, from where all of them stand, in one process."""
    first = runs[0]
    config, recipe = first.config.run, trials(first.phases[0].recipe, of_each)
    init_keys, step_keys, _ = jnp.stack([run.keys() for run in runs], axis=1)
    example = example_batch(first.data.spec.example)
    state = jax.jit(recipe.init)(init_keys, _side_by_side([example] * len(runs)))

    def each(act: Callable[[Run, int, State], None], step: int, state: State) -> None:
        for k, run in enumerate(runs):
            act(run, step, one(state, k))

    shown = [views.of(run) for run in runs]
    warnings = [EarlyWarning(warn=partial(_warn, run.config.run.seed)) for run in runs]

    def observe(step: int, metrics: dict[str, float]) -> None:
        for k, warning in enumerate(warnings):
            warning(step, own(metrics, k))

    def open_record(step: int) -> _Record:
        for each_shown in shown:
            each_shown.start(step)
        return _Record([Record(run.workdir, after=step) for run in runs])

    with ExitStack() as stack:
        for each_shown in shown:
            stack.enter_context(each_shown.when_it_stops())
        kept = [stack.enter_context(training.kept(run.workdir)) for run in runs]
        result = loop.fit(
            recipe,
            state,
            lambda step: _batches([batches_of(run.data.source, run.phases, run.config)(step) for run in runs]),
            step_keys,
            steps=config.steps,
            checkpoints=_Checkpoints(kept, before_anew=partial(_require_unsaved, runs)),
            record=open_record,
            checkpoint_every=config.checkpoint_every,
            log_every=config.log_every,
            steps_per_call=config.steps_per_call,
            hooks=(
                *(loop.Hook(every, partial(each, act)) for every, act in training.due(first)),
                *(loop.Hook(config.checkpoint_every, each_shown.checkpoint) for each_shown in shown),
            ),
            observe=observe,
        )
    for k, run in enumerate(runs):
        alone = result._replace(state=one(parallel.local(result.state), k), metrics=own(result.metrics, k))
        training.finish(run, alone)


def own(metrics: dict[str, float], k: int) -> dict[str, float]:
    """The k-th trial's, of metrics as `of_each` names them."""
    return {name.removeprefix(f"{k}/"): value for name, value in metrics.items() if name.startswith(f"{k}/")}


def _require_unsaved(runs: Sequence[Run]) -> None:
    for run in runs:
        require_unsaved(run.workdir, run.config.run.checkpoint_every)


def _warn(seed: int, line: str) -> None:
    tqdm.write(f"seed {seed}: {line}")


def _side_by_side(batches: list[Batch]) -> Batch:
    """[P, B, ...] each -> [P, B, T, ...]."""
    return jax.tree.map(lambda *leaves: np.stack(leaves, axis=2), *batches)


def _batches(each: list[Iterator[Batch]]) -> Iterator[Batch]:
    with ExitStack() as stack:
        for own_batches in each:
            stack.enter_context(closing(own_batches))
        for batches in zip(*each, strict=True):
            yield _side_by_side(list(batches))


class _Record:
    """The records of all seeds, as one."""

    def __init__(self, each: list[Record]):
        self._each = each

    def write(self, step: int, metrics: dict[str, float]) -> None:
        for k, record in enumerate(self._each):
            record.write(step, own(metrics, k))

    def flush(self) -> None:
        for record in self._each:
            record.flush()

    def close(self) -> None:
        for record in self._each:
            record.close()


class _Checkpoints:
    """The checkpoints of all seeds, as one: what is restored is the newest step that all of them have.

    Args: before_anew: called if there is none, before those of single seeds are removed.
    """

    def __init__(self, each: list[Checkpoints], before_anew: Callable[[], None] = lambda: None):
        self._each = each
        self._before_anew = before_anew

    def save(self, step: int, state: State) -> None:
        for k, checkpoints in enumerate(self._each):
            checkpoints.save(step, one(state, k))

    def wait(self) -> None:
        for checkpoints in self._each:
            checkpoints.wait()

    def restore(self, template: Callable[[int], State]) -> State | None:
        alone = lambda step: one(template(step), 0)
        while shared := set.intersection(*(set(checkpoints.steps()) for checkpoints in self._each)):
            newest = max(shared)
            self._forget_after(newest)
            states = [checkpoints.restore(alone) for checkpoints in self._each]
            if all(state is not None and state.step == newest for state in states):
                return all_of(states)
        self._before_anew()
        self._forget_after(-1)
        return None

    def _forget_after(self, newest: int) -> None:
        for checkpoints in self._each:
            for step in checkpoints.steps():
                if step > newest:
                    checkpoints.delete(step)
