"""Seeds of one configuration, trained in one program by `jax.vmap`: each leaves the run directory that it would leave alone."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from experiments import common, image_training, images
from experiments.image_training import Training
from gan_jax import loop
from gan_jax.checkpoint import Checkpoints
from gan_jax.early_warning import EarlyWarning
from gan_jax.recipe import Batch, State
from gan_jax.record import Record
from gan_jax.trials import all_of, of_each, one, trials


def prepare(training: Callable[[SimpleNamespace], Training], seeds: list[int], config: SimpleNamespace) -> common.Train:
    """All that comes before training, and what trains. Raises ValueError or OSError.

    Args:
      training: an experiment's.
      config: of all seeds; the last "{seed}" in its workdir becomes each one's own.
    """
    before, after = config.workdir.rsplit("{seed}", 1)
    configs = [vars(config) | dict(seed=seed, workdir=f"{before}{seed}{after}") for seed in seeds]
    return partial(train, [training(SimpleNamespace(**each)) for each in configs])


def train(trainings: list[Training]) -> None:
    """Trains runs that differ in their seeds alone, from where all of them stand, in one process."""
    first = trainings[0]
    config, recipe = first.config, trials(first.recipe, of_each)
    init_keys, step_keys, _ = jnp.stack([image_training.keys(training) for training in trainings], axis=1)
    example = images.example_batch(first.source.image_shape)
    state = jax.jit(recipe.init)(init_keys, _side_by_side([example] * len(trainings)))

    def each(act: Callable[[Training, int, State], None], step: int, state: State) -> None:
        for k, training in enumerate(trainings):
            act(training, step, one(state, k))

    warnings = [EarlyWarning(tell=partial(_tell, training.config.seed)) for training in trainings]

    def observe(step: int, metrics: dict[str, float]) -> None:
        for k, warning in enumerate(warnings):
            warning(step, own(metrics, k))

    with ExitStack() as stack:
        kept = [stack.enter_context(closing(Checkpoints(training.workdir / "checkpoints"))) for training in trainings]
        result = loop.fit(
            recipe,
            state,
            lambda step: _batches([image_training.batches(training)(step) for training in trainings]),
            step_keys,
            steps=config.steps,
            checkpoints=_Checkpoints(kept),
            record=lambda step: _Record([Record(training.workdir, after=step) for training in trainings]),
            checkpoint_every=config.checkpoint_every,
            log_every=config.log_every,
            steps_per_call=config.steps_per_call,
            hooks=tuple(loop.Hook(every, partial(each, act)) for every, act in image_training.due(config)),
            observe=observe,
        )
    for k, training in enumerate(trainings):
        alone = result._replace(state=one(result.state, k), metrics=own(result.metrics, k))
        image_training.finish(training, alone)


def own(metrics: dict[str, float], k: int) -> dict[str, float]:
    """The k-th trial's, of metrics as `of_each` names them."""
    return {name.removeprefix(f"{k}/"): value for name, value in metrics.items() if name.startswith(f"{k}/")}


def _tell(seed: int, line: str) -> None:
    tqdm.write(f"seed {seed}: {line}")


def _side_by_side(batches: list[Batch]) -> Batch:
    """[parts, B, ...] each -> [parts, B, T, ...]."""
    return jax.tree.map(lambda *leaves: np.stack(leaves, axis=2), *batches)


def _batches(each: list[Iterator[Batch]]) -> Iterator[Batch]:
    with ExitStack() as stack:
        for own_batches in each:
            stack.enter_context(closing(own_batches))
        for batches in zip(*each):
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
    """The checkpoints of all seeds, as one: what is restored is the newest step that all of them have."""

    def __init__(self, each: list[Checkpoints]):
        self._each = each

    def save(self, step: int, state: State) -> None:
        for k, checkpoints in enumerate(self._each):
            checkpoints.save(step, one(state, k))

    def wait(self) -> None:
        for checkpoints in self._each:
            checkpoints.wait()

    def restore(self, template: State) -> State | None:
        alone = one(jax.eval_shape(lambda: template), 0)
        while common_steps := set.intersection(*(set(checkpoints.steps()) for checkpoints in self._each)):
            newest = max(common_steps)
            self._forget_after(newest)
            states = [checkpoints.restore(alone) for checkpoints in self._each]
            if all(state is not None and state.step == newest for state in states):
                return all_of(states)
        self._forget_after(-1)
        return None

    def _forget_after(self, newest: int) -> None:
        for checkpoints in self._each:
            for step in checkpoints.steps():
                if step > newest:
                    checkpoints.delete(step)
