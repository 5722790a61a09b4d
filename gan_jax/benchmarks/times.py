"""The times that the benchmark reports: rounds of both sides in turns, and the loop's beside the bare round's.

PyTorch has a process of its own: in one process the threads of both would be in each other's way. In each turn a side
plays one round that is not timed, for its data to be in the caches again, and then some that are.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache, partial
from itertools import islice
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.benchmarks.cases import Case
from gan_jax.benchmarks.processes import asked, process, receive
from gan_jax.data import ArraySource, pipeline
from gan_jax.randomness import Key, example_keys, latents
from gan_jax.recipes.contract import Batch, Metrics, Recipe, State
from gan_jax.training import loop, parallel
from gan_jax.training.checkpoint import Checkpoints
from gan_jax.training.record import Record

LOG_EVERY = 10  # the experiments' default; the loop is timed so many rounds at a time
WARM_UP = 3  # rounds before the first that is timed
A_TURN = 3  # rounds that are timed in a side's turn
OURS, EAGER, COMPILED = "gan_jax", "PyTorch eager", "PyTorch compiled"
EXAMPLES = 10_000  # in the random dataset that the loop reads

Play = Callable[[], tuple[State, Metrics]]  # each call plays the next round


def matrix_rate(dtype: str = "float32") -> float:
    """Floating-point operations a second of the product of two large square matrices; the best of several."""
    side = 2048 if jax.default_backend() == "cpu" else 8192
    a = jnp.ones((side, side), dtype)
    multiply = jax.jit(jnp.dot)
    play = lambda: multiply(a, a)
    seconds(play, WARM_UP)
    return 2 * side**3 / min(seconds(play, 1) for _ in range(20))


def round_times(name: str, case: Case, rounds: int, device: str) -> tuple[dict[str, list[float]], float, float]:
    """Seconds of the rounds of each side; how far apart the first one's losses were, relatively; operations a round.

    Only the first one's: where a gradient is hardly more than rounding, Adam makes a whole step of it. The operations
    are those of products and convolutions, as PyTorch counts them. PyTorch plays on `device`, by its name for it.
    """
    play = bare_round(case)
    _, ours = play()
    first = first_round(case)
    with ExitStack() as stack:
        theirs = lambda side: process(_serve_torch, name, side == COMPILED, device, case.dtype, *first)
        pipes = {side: stack.enter_context(theirs(side)) for side in torch_sides(name)}
        told = {side: receive(pipe) for side, pipe in pipes.items()}
        flop = told[EAGER].pop("flop")
        apart = max(abs(float(ours[key][0]) / loss - 1) for losses in told.values() for key, loss in losses.items())

        sides = {OURS: round_seconds(case, play)}
        sides |= {side: partial(asked, pipe) for side, pipe in pipes.items()}
        return in_turns(sides, rounds), apart, flop


def own_times(case: Case, rounds: int) -> list[float]:
    """Seconds of our rounds, alone."""
    return in_turns({OURS: round_seconds(case, bare_round(case))}, rounds)[OURS]


def in_turns(sides: dict[str, Callable[[int], float]], rounds: int) -> dict[str, list[float]]:
    """What each side takes for a round, `rounds` times, after a warm-up; sides play so many rounds and say how long."""
    for measure in sides.values():
        measure(WARM_UP)
    times = {side: [] for side in sides}
    for _ in range(rounds):
        for side, measure in sides.items():
            measure(1)
            times[side].append(measure(A_TURN))
    return times


def ratio(times: list[float], others: list[float]) -> float:
    """The median of the ratios within a turn: both had the machine in the same state."""
    return float(np.median(np.divide(times, others)))


def torch_sides(name: str) -> list[str]:
    """PyTorch's rows for a case; torch.compile needs a C++ compiler, and takes no derivatives of derivatives."""
    from gan_jax.benchmarks import torch_side  # only here: PyTorch need not be installed

    compiles = torch_side.CASES[name].compiles and any(map(shutil.which, ("g++", "clang++")))
    return [EAGER, COMPILED] if compiles else [EAGER]


def bare_round(case: Case) -> Play:
    """Our jitted rounds, from the weights that seed 0 gives, on the same real images again and again.

    A call plays case.steps_per_call of them; their metrics are [steps_per_call]. It takes the buffers of the state that
    the one before returned, as the loop does.
    """
    recipe, state, key = start(case)
    batch = jax.device_put(example_batch(case, case.batch_size, recipe.batches_per_step))
    step = jax.jit(parallel.scan_steps(recipe.step), donate_argnums=0)
    return repeated(step, jax.tree.map(jnp.copy, state), [batch] * case.steps_per_call, key)


def repeated(step: Callable, state: State, batches: list[Batch], key: Key) -> Play:
    """Calls `step` again and again, each time from the state that it came to, on the same batches."""

    def play():
        nonlocal state
        state, metrics = step(state, batches, key)
        return state, metrics

    return play


def seconds(play: Play, count: int) -> float:
    """Calls play `count` times; returns how long one call took."""
    began = time.perf_counter()
    for _ in range(count):
        output = play()
    jax.block_until_ready(output)
    return (time.perf_counter() - began) / count


def round_seconds(case: Case, play: Play) -> Callable[[int], float]:
    """How long a round takes when play is called so many times."""
    return lambda count: seconds(play, count) / case.steps_per_call


def example_batch(case: Case, size: int, batches: int) -> Batch:
    """Noise that is taken for real images: uint8 [batches, size, H, W, C]."""
    return {"image": np.random.default_rng(0).integers(0, 256, (batches, size, *case.image_shape), np.uint8)}


def first_round(case: Case) -> tuple[tuple[dict, dict], np.ndarray, np.ndarray, np.ndarray]:
    """What another program needs to play `bare_round`'s first round.

    Returns:
      G's and D's parameters; the real images, uint8 [P, B, H, W, C], P batches in a round; the latents, [P, B,
      latent_size]; and how the gradient penalty of the first step, if it has one, mixes real and fake images, ε [B]. Of
      many trials the parameters and latents have a leading axis of trials.
    """
    recipe, state, key = start(case)

    def draws(key: Key):
        # As the recipe's step draws them, and `gan.discriminate` the keys of its terms.
        step_keys = jax.random.split(jax.random.fold_in(key, 0), recipe.batches_per_step)
        own = [example_keys(jax.random.split(key)[0], case.batch_size) for key in step_keys]
        z = jnp.stack([latents(keys, case.latent_size) for keys in own])
        discriminate_key = jax.random.split(step_keys[0], 3)[1]
        keys = example_keys(jax.random.split(discriminate_key, 5)[4], case.batch_size)
        return z, jax.vmap(lambda key: jax.random.uniform(jax.random.fold_in(key, 0)))(keys)

    z, ε = (draws if case.trials == 1 else jax.vmap(draws))(key)
    params = jax.device_get(tuple(state.players[name].params for name in ("generator", "discriminator")))
    return params, example_batch(case, case.batch_size, recipe.batches_per_step)["image"], np.array(z), np.array(ε)


@cache
def start(case: Case) -> tuple[Recipe, State, Key]:
    """The recipe for one device, its first state and the key of its steps; cached, to be compiled once."""
    recipe, keys = case.recipe(None), jax.random.split(jax.random.key(0))
    init_key, step_key = keys if case.trials == 1 else jax.vmap(lambda key: jax.random.split(key, case.trials))(keys)
    return recipe, jax.jit(recipe.init)(init_key, example_batch(case, 1, 1)), step_key


def _serve_torch(*arguments) -> None:
    from gan_jax.benchmarks import torch_side  # only here: PyTorch need not be installed

    torch_side.serve(*arguments)


def loop_times(case: Case, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of a round, bare and in `loop.fit`, `rounds` times in turns.

    The loop asks for the next batch when it has done and recorded LOG_EVERY steps, so what gives it the batches can
    time it, and play bare rounds meanwhile.
    """
    _, state, key = start(case)
    recipe = case.recipe(parallel.AXIS)
    images = np.random.default_rng(0).integers(0, 256, (EXAMPLES, *case.image_shape), np.uint8)
    source = ArraySource({"image": images})
    bare_seconds, bare, looped = round_seconds(case, bare_round(case)), [], []

    def batches(step: int) -> Iterator[Batch]:
        sizes = {"batch_size": case.batch_size, "batches_per_step": recipe.batches_per_step}
        stream = pipeline.batches(source, seed=0, start_step=step, **sizes)
        yield from islice(stream, LOG_EVERY)
        bare_seconds(WARM_UP)
        for _ in range(rounds):
            bare.append(bare_seconds(-(-LOG_EVERY // case.steps_per_call)))
            began = time.perf_counter()
            yield from islice(stream, LOG_EVERY)
            looped.append((time.perf_counter() - began) / LOG_EVERY)
        yield from stream

    steps = (1 + rounds) * LOG_EVERY + 1
    with tempfile.TemporaryDirectory() as workdir, Checkpoints(Path(workdir) / "checkpoints") as checkpoints:
        loop.fit(
            recipe,
            state,
            batches,
            key,
            steps=steps,
            checkpoints=checkpoints,
            record=lambda step: Record(workdir, after=step),
            checkpoint_every=steps,
            log_every=LOG_EVERY,
            steps_per_call=case.steps_per_call,
        )
    return bare, looped
