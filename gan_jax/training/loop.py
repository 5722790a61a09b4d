"""The training loop: the one place that knows signals, hooks and non-finite numbers.

It runs any recipe (`recipes.contract`), or the phases of a network that grows, on all devices of all processes, and
knows nothing of what is trained. What happens at step t is a function of the configuration, the seed and t alone, so a
run that was cut off and restarted equals one that was not, bit for bit (on one machine with one number of threads).
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jax.experimental import multihost_utils
from tqdm import tqdm

from gan_jax.randomness import Key
from gan_jax.recipes.contract import Batch, Phase, Recipe, State, phase_at
from gan_jax.training.checkpoint import Checkpoints
from gan_jax.training.parallel import compile_step, local, operations, replicate, scan_steps, shard_batch
from gan_jax.training.phases import grown, template_at
from gan_jax.training.record import Record
from gan_jax.training.signals import Interrupted, agreed, caught_signals


class NonFinite(ArithmeticError):
    """A metric, or the state itself, became NaN or infinite. The message names step and metric."""


class Hook(NamedTuple):
    """`run(step, state)` is called before the first step, after every `every`-th and after the last of a phase.

    Only by the first process, with the state on its first device.
    """

    every: int
    run: Callable[[int, State], None]


class Result(NamedTuple):
    """The state after the last step, its metrics ({} if there was none to run), the steps since the start, their time.

    steps_per_second: of the last phase, without its first call.
    """

    state: State
    metrics: dict[str, float]
    steps: int
    seconds: float
    steps_per_second: float


def fit(
    recipe: Recipe | Sequence[Phase],
    state: State,
    batches: Callable[[int], Iterator[Batch]],
    key: Key,
    *,
    steps: int,
    checkpoints: Checkpoints,
    record: Callable[[int], Record],
    checkpoint_every: int,
    log_every: int = 10,
    steps_per_call: int = 1,
    hooks: tuple[Hook, ...] = (),
    observe: Callable[[int, dict[str, float]], None] = lambda step, metrics: None,
    costs: Callable[[int, int, float], None] | None = None,
    pace: Callable[[int, float], None] = lambda step, rate: None,
    progress: bool = True,
) -> Result:
    """Trains until step `steps`, from the newest checkpoint if there is one.

    Args:
      recipe: made with axis_name=parallel.AXIS; or the phases of a network that grows.
      state: what a fresh run starts from.
      batches: step -> iterator over this process's share of the batches from that step on (step 0 first), numpy
        arrays with leading axes [batches_per_step, B/processes]. It is asked anew where a phase begins.
      key: all randomness of step t is derived from it and t.
      steps: how many steps the run has in all, those of earlier starts included.
      checkpoints, record: where the run is kept; record is called with the step that is gone on from. Both are used
        by the first process alone.
      checkpoint_every: steps between checkpoints; the last step is saved too.
      log_every: steps between looks at the metrics. All steps are recorded; between looks the devices run freely.
      steps_per_call: how many steps the devices make in one call, at most; none goes beyond one after which something
        is due. The results are equal up to rounding. It saves the time between calls.
      hooks: called when due.
      observe: called with every step's metrics, in order, when they are looked at; by the first process.
      costs: called before the first step, and the first of each phase, with how many were made before, the last one of
        the phase, and a step's floating-point operations on each device; by the first process.
      pace: called at each look with the step and the steps a second in this phase so far, 0 before the second call; by the
        first process.
      progress: whether to show a bar with the losses.

    Raises:
      NonFinite: nothing of that step or later is saved.
      Interrupted: after saving.
      checkpoint.SaveError: the disk is full, say; older checkpoints are whole.
      ValueError: the checkpoints are of other networks.
    """
    phases = [Phase(recipe, until_step=None, batch_size=0)] if isinstance(recipe, Recipe) else list(recipe)
    state = _newest(phases, state, key, checkpoints)
    first, began = int(state.step), time.perf_counter()
    lead = jax.process_index() == 0
    with (
        caught_signals() as caught,
        closing(record(first)) if lead else nullcontext() as log,
        tqdm(total=steps, initial=first, unit="step", disable=not (progress and lead), dynamic_ncols=True) as bar,
    ):
        if lead and first == 0:
            for hook in hooks:
                hook.run(0, state)
        training = _Training(
            key,
            steps,
            checkpoint_every,
            log_every,
            steps_per_call,
            hooks,
            observe,
            costs,
            pace,
            checkpoints,
            log,
            bar,
            caught,
        )
        # A copy: the first call donates its buffers, and these may be the caller's. No other reference is left here.
        state = replicate(state)
        while int(state.step) < steps:
            number = phase_at(phases, int(state.step) + 1)
            if number > phase_at(phases, int(state.step)):
                state = replicate(grown(phases[number], local(state), key))
            with closing(batches(int(state.step))) as stream:
                until = phases[number].until_step
                state = training.run(
                    phases[number].recipe, state, stream, steps if until is None else min(until, steps)
                )
    return Result(state, training.metrics, int(state.step) - first, time.perf_counter() - began, training.rate)


@dataclass
class _Training:
    """What all phases of a run share: where it is kept, what is due when, and its metrics so far. Fields: as of `fit`."""

    key: Key
    steps: int
    checkpoint_every: int
    log_every: int
    steps_per_call: int
    hooks: tuple[Hook, ...]
    observe: Callable[[int, dict[str, float]], None]
    costs: Callable[[int, int, float], None] | None
    pace: Callable[[int, float], None]
    checkpoints: Checkpoints
    log: Record | None
    bar: tqdm
    caught: list[int]
    metrics: dict[str, float] = field(default_factory=dict)
    rate: float = 0.0

    def run(self, recipe: Recipe, state: State, stream: Iterator[Batch], end: int) -> State:
        """Steps until step `end`, or raises Interrupted."""
        call, log = compile_step(scan_steps(recipe.step)), partial(self._log, recipe.every)
        self.clock, step, pending = _Clock(), int(state.step), []
        intervals = [self.log_every, self.checkpoint_every, *(hook.every for hook in self.hooks)]
        while step < end:
            count = min(self.steps_per_call, end - step, *(every - step % every for every in intervals))
            examples = [next(stream) for _ in range(count)]
            batches = [shard_batch(each) for each in examples]
            if self.log and self.costs and not self.clock.ticks:
                self.costs(step, end, operations(call, state, batches[:1], self.key))
            state, call_metrics = call(state, batches, self.key)
            step += count
            pending.append(call_metrics)
            self.clock.tick(call_metrics, count)
            stop = agreed(self.caught, step % self.log_every == 0)
            due = [hook for hook in self.hooks if step % hook.every == 0 or step == end]
            save = stop or step == self.steps or step % self.checkpoint_every == 0
            if due or save or step == end or step % self.log_every == 0:
                log(step, pending, _batch_size(examples[0]))
                pending = []
            if self.log:
                for hook in due:
                    hook.run(step, local(state))
            if save:
                self._save(step, state, wait=stop or step == self.steps)
            if stop and step < self.steps:
                raise Interrupted(stop, step)
        return state

    def _log(self, every: Mapping[str, int], step: int, pending: list, batch_size: int) -> None:
        self.metrics = _record(self.log, every, step, pending, self.observe)
        self.rate = self.clock.steps_per_second()  # without the hooks and the save of the last step
        shown = [name for name in self.metrics if name.endswith("loss")] or list(self.metrics)[:1]
        losses = {name: f"{self.metrics[name]:.3f}" for name in shown}
        self.bar.set_postfix(losses | {"images/s": f"{self.rate * batch_size:.0f}"}, refresh=False)
        self.bar.update(step - self.bar.n)
        if self.log:
            self.pace(step, self.rate)

    def _save(self, step: int, state: State, *, wait: bool) -> None:
        require_finite(step, state)
        if self.log:
            self.checkpoints.save(step, local(state))
            if wait:
                self.checkpoints.wait()


class _Clock:
    """The rate of a phase's steps after the first call, which waits for the compiler."""

    def __init__(self):
        self._first, self._steps = None, 0

    @property
    def ticks(self) -> bool:
        """Whether the first call is over."""
        return self._first is not None

    def tick(self, output, steps: int) -> None:
        if self._first is None:
            jax.block_until_ready(output)
            self._first = time.perf_counter()
        else:
            self._steps += steps

    def steps_per_second(self) -> float:
        return self._steps / (time.perf_counter() - self._first) if self._steps else 0.0


def _newest(phases: Sequence[Phase], state: State, key: Key, checkpoints: Checkpoints) -> State:
    """The newest checkpoint, or `state` if there is none. The disk of the first process is the one that counts."""
    template = lambda step: template_at(phases, state, key, step)
    restored = checkpoints.restore(template) if jax.process_index() == 0 else None
    own = state if restored is None else restored
    if jax.process_count() == 1:
        return own
    step = int(multihost_utils.broadcast_one_to_all(np.int32(own.step)))
    if jax.process_index() > 0 and step > 0:
        own = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), template(step))
    return multihost_utils.broadcast_one_to_all(jax.tree.map(np.asarray, own))


def _record(
    log: Record | None, every: Mapping[str, int], step: int, pending: list, observe: Callable
) -> dict[str, float]:
    """Fetches, checks and records the metrics of the steps up to `step`, several of a call; returns the last.

    Args: every: as `Recipe` has it.
    """
    computed = lambda name, number: (number - 1) % every.get(name.rpartition("/")[2], 1) == 0  # "1/d_loss" is a trial's
    columns = jax.tree.map(lambda *calls: np.concatenate(calls), *jax.device_get(pending))
    rows = [dict(zip(columns, values)) for values in zip(*columns.values())]
    for number, metrics in enumerate(rows, step - len(rows) + 1):
        metrics = {name: float(value) for name, value in metrics.items() if computed(name, number)}
        for name, value in metrics.items():
            if not math.isfinite(value):
                raise NonFinite(f"{name} is {value} at step {number}")
        if log:
            log.write(number, metrics)
            observe(number, metrics)
    if log:
        log.flush()
    return metrics


def _batch_size(batch: Batch) -> int:
    """B, over all processes: the examples in one batch."""
    return jax.tree.leaves(batch)[0].shape[1] * jax.process_count()


def require_finite(step: int, state: State) -> None:
    """Raises NonFinite, naming the array, unless all of the state is finite."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(local(state)):
        if not np.isfinite(np.asarray(leaf)).all():
            raise NonFinite(f"the state's {jax.tree_util.keystr(path)} is not finite at step {step}")
