"""The training loop: the one place that knows pmap, signals, hooks and non-finite numbers.

It runs any recipe (`gan_jax.recipe`), on all devices of all processes, and knows nothing of what is trained. What
happens at step t is a function of the configuration, the seed and t alone, so a run that was cut off and restarted
equals one that was not, bit for bit (on one machine with one number of threads).
"""

import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from tqdm import tqdm

from gan_jax.checkpoint import Checkpoints
from gan_jax.randomness import Key
from gan_jax.recipe import Batch, Metrics, Recipe, State
from gan_jax.record import Record

AXIS = "data"


class NonFinite(ArithmeticError):
    """A metric, or the state itself, became NaN or infinite. The message names step and metric."""


class Interrupted(Exception):
    """SIGTERM or Ctrl-C came; the run was saved. Fields: signal (its number), step (the last one saved)."""

    def __init__(self, signal_number: int, step: int):
        super().__init__(f"stopped by {signal.Signals(signal_number).name} after step {step}, which is saved")
        self.signal, self.step = signal_number, step


class Hook(NamedTuple):
    """`run(step, state)` is called before the first step, after every `every`-th and after the last.

    Only by the first process, with the state on its first device.
    """

    every: int
    run: Callable[[int, State], None]


class Result(NamedTuple):
    """The state after the last step, its metrics ({} if there was none to run), the steps since the start, their time."""

    state: State
    metrics: dict[str, float]
    steps: int
    seconds: float
    steps_per_second: float


def fit(
    recipe: Recipe,
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
    progress: bool = True,
) -> Result:
    """Trains until step `steps`, from the newest checkpoint if there is one.

    Args:
      recipe: made with axis_name=AXIS.
      state: what a fresh run starts from.
      batches: step -> iterator over this process's share of the batches from that step on (step 0 first), numpy
        arrays with leading axes [parts, B/processes].
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
      progress: whether to show a bar with the losses.

    Raises:
      NonFinite: nothing of that step or later is saved.
      Interrupted: after saving.
      checkpoint.SaveError: the disk is full, say; older checkpoints are whole.
    """
    state = _newest(state, checkpoints)
    first = int(state.step)
    state = on_all_devices(state)
    lead = jax.process_index() == 0
    play = on_every_share(in_one_call(recipe.step))
    intervals = [log_every, checkpoint_every, *(hook.every for hook in hooks)]
    pending, metrics, clock, rate = [], {}, _Clock(), 0.0
    if lead and first == 0:
        for hook in hooks:
            hook.run(0, local(state))
    with (
        caught_signals() as caught,
        closing(record(first)) if lead else nullcontext() as log,
        closing(batches(first)) as batch,
        tqdm(total=steps, initial=first, unit="step", disable=not (progress and lead), dynamic_ncols=True) as bar,
    ):
        step = first
        while step < steps:
            count = min(steps_per_call, steps - step, *(every - step % every for every in intervals))
            examples = [next(batch) for _ in range(count)]
            state, call_metrics = play(state, [over_devices(each) for each in examples], key)
            step += count
            pending.append(call_metrics)
            clock.tick(call_metrics, count)
            stop = _agree(caught, step % log_every == 0)
            due = [hook for hook in hooks if step % hook.every == 0 or step == steps]
            save = stop or step == steps or step % checkpoint_every == 0
            if due or save or step % log_every == 0:
                metrics = _record(log, step, pending, observe)
                pending = []
                rate = clock.steps_per_second()  # without the hooks and the save of the last step
                losses = {name: f"{value:.3f}" for name, value in metrics.items() if name.endswith("loss")}
                bar.set_postfix(losses | {"images/s": f"{rate * _batch_size(examples[0]):.0f}"}, refresh=False)
                bar.update(step - bar.n)
            if lead:
                for hook in due:
                    hook.run(step, local(state))
            if save:
                require_finite(step, state)
                if lead:
                    checkpoints.save(step, local(state))
            if lead and (stop or step == steps):
                checkpoints.wait()
            if stop and step < steps:
                raise Interrupted(stop, step)
    return Result(state, metrics, steps - first, clock.seconds(), rate)


class _Clock:
    """Seconds since its making, and the rate of the steps after the first call, which waits for the compiler."""

    def __init__(self):
        self._began, self._first, self._steps = time.perf_counter(), None, 0

    def tick(self, output, steps: int) -> None:
        if self._first is None:
            jax.block_until_ready(output)
            self._first = time.perf_counter()
        else:
            self._steps += steps

    def seconds(self) -> float:
        return time.perf_counter() - self._began

    def steps_per_second(self) -> float:
        return self._steps / (time.perf_counter() - self._first) if self._steps else 0.0


def _newest(state: State, checkpoints: Checkpoints) -> State:
    """The newest checkpoint, or `state` if there is none. The disk of the first process is the one that counts."""
    restored = checkpoints.restore(state) if jax.process_index() == 0 else None
    if jax.process_count() == 1:
        return state if restored is None else restored
    return multihost_utils.broadcast_one_to_all(jax.tree.map(np.asarray, state if restored is None else restored))


def _record(log: Record | None, step: int, pending: list, observe: Callable) -> dict[str, float]:
    """Fetches, checks and records the metrics of the steps up to `step`, several of a call; returns the last."""
    columns = jax.tree.map(lambda *calls: np.concatenate(calls), *jax.device_get(pending))
    rows = [dict(zip(columns, values)) for values in zip(*columns.values())]
    for number, metrics in enumerate(rows, step - len(rows) + 1):
        metrics = {name: float(value) for name, value in metrics.items()}
        for name, value in metrics.items():
            if not math.isfinite(value):
                raise NonFinite(f"{name} is {value} at step {number}")
        if log:
            log.write(number, metrics)
            observe(number, metrics)
    if log:
        log.flush()
    return metrics


def on_every_share(step: Callable) -> Callable:
    """A recipe's step, compiled for all devices: it takes the state, a batch as `over_devices` gives it, and the key."""
    return jax.pmap(step, axis_name=AXIS, in_axes=(None, 0, None), out_axes=None)


def in_one_call(step: Callable) -> Callable:
    """A recipe's step, made once for each of a list of batches: (state, batches, key) -> (state, metrics [len(batches)])."""

    def steps(state: State, batches: list[Batch], key: Key) -> tuple[State, Metrics]:
        if len(batches) == 1:  # no loop, in which XLA compiles convolutions for a CPU that take many times as long
            state, metrics = step(state, batches[0], key)
            return state, jax.tree.map(lambda value: jnp.reshape(value, 1), metrics)
        return jax.lax.scan(
            lambda state, batch: step(state, batch, key), state, jax.tree.map(lambda *x: jnp.stack(x), *batches)
        )

    return steps


def over_devices(batch: Batch) -> Batch:
    """[parts, B, ...] -> [devices, parts, B/devices, ...]: device d holds the d-th slice of every part."""
    devices = jax.local_device_count()
    split = lambda x: x.reshape(len(x), devices, -1, *x.shape[2:]).swapaxes(0, 1)
    return jax.tree.map(split, batch)


def on_all_devices(state: State) -> State:
    """The state as a step returns it: given another kind, the step would be compiled for that too, and then anew."""
    return jax.device_put(state, NamedSharding(Mesh(np.array(jax.devices()), (AXIS,)), PartitionSpec()))


def _batch_size(batch: Batch) -> int:
    """B, over all processes: the examples in one part."""
    return jax.tree.leaves(batch)[0].shape[1] * jax.process_count()


def local(state: State) -> State:
    """The state on this process's first device; it is the same on all."""
    return jax.tree.map(lambda x: x.addressable_data(0), state)


def require_finite(step: int, state: State) -> None:
    """Raises NonFinite, naming the array, unless all of the state is finite."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(local(state)):
        if not np.isfinite(np.asarray(leaf)).all():
            raise NonFinite(f"the state's {jax.tree_util.keystr(path)} is not finite at step {step}")


@contextmanager
def caught_signals():
    """Collects SIGTERM and the first Ctrl-C in a list; the second Ctrl-C acts as usual."""
    caught: list[int] = []

    def note(number, _):
        caught.append(number)
        signal.signal(number, previous[number])

    previous = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield caught
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _agree(caught: list[int], compare: bool) -> int:
    """The signal to stop for, or 0. Many processes must stop at the same step, so they compare now and then."""
    own = caught[0] if caught else 0
    if jax.process_count() == 1:
        return own
    return int(np.max(multihost_utils.process_allgather(np.int32(own)))) if compare else 0
