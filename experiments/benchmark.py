"""How fast a round is: ours against PyTorch's, and the loop against the bare round.

    python -m experiments.benchmark                 # with PyTorch's side where it is installed
    python -m experiments.benchmark --rounds=50 --case=book28

Both sides play the same game from the same weights; the losses of the first round show it. Then they are timed in
turns, so that what slows the machine for a while slows both. PyTorch has a process of its own: in one process the
threads of both would be in each other's way.
"""

import importlib.util
import multiprocessing
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import cache, partial
from importlib.metadata import version
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from absl import app, flags

from experiments import common, images, presets
from experiments.benchmark_cases import CASES, Case
from gan_jax import loop
from gan_jax.checkpoint import Checkpoints
from gan_jax.data import pipeline
from gan_jax.data.source import ArraySource
from gan_jax.randomness import Key, example_keys, latents
from gan_jax.recipe import Batch, Metrics, Recipe
from gan_jax.recipes import gan
from gan_jax.record import Record

FLAGS = flags.FLAGS
LOG_EVERY = 10  # the experiments' default; the loop is timed so many rounds at a time
WARM_UP = 3  # rounds before the first that is timed
OURS, EAGER, COMPILED = "gan_jax", "PyTorch eager", "PyTorch compiled"
LATENT = 100  # numbers in a latent
EXAMPLES = 10_000  # in the random dataset that the loop reads

flags.DEFINE_integer("rounds", 20, "How often each side is timed, in turns with the other.", lower_bound=1)
flags.DEFINE_string("case", "book28", f"What is played: {', '.join(CASES)}.")

Play = Callable[[], tuple[gan.State, Metrics]]  # each call plays the next round


def main(_) -> None:
    sys.exit(run(FLAGS.case, FLAGS.rounds))


def run(name: str, rounds: int) -> int:
    """Prints the report on a case; returns the exit code."""
    try:
        presets.require_known("case", name, CASES)
        if jax.device_count() > 1:
            raise ValueError(f"the benchmark is for one device, and jax sees {jax.device_count()}: show it one")
        report(name, CASES[name], rounds)
    except loop.Interrupted as stop:
        return 128 + stop.signal
    except KeyboardInterrupt:
        return 130
    except (ValueError, OSError, RuntimeError) as error:
        return common.fail(error)
    return 0


def report(name: str, case: Case, rounds: int) -> None:
    """Prints what is compared, times it and prints that."""
    device = jax.devices()[0]
    packages = ["jax", "jaxlib", "flax"] + ["torch"] * has_torch()
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    print(f"{name}: batch {case.batch_size}, float32")
    print(f"on {device.device_kind}, {os.cpu_count()} cores; Python {platform.python_version()}, {versions}")
    if not has_torch():
        _report_alone(case, rounds, "pip install torch (the CPU build is enough)")
    elif device.platform != "cpu":
        _report_alone(case, rounds, "set JAX_PLATFORMS=cpu")
    else:
        _report_both(name, case, rounds)
    bare, looped = loop_times(case, rounds)
    print(f"the loop, median of {rounds} times {LOG_EVERY} rounds, in turns:")
    _print_time("bare round", bare, case)
    _print_time("loop.fit", looped, case)
    print(f"  the loop adds {100 * (_ratio(looped, bare) - 1):.1f} % to a round (median of the turns' ratios)")


def has_torch() -> bool:
    """Whether PyTorch is installed."""
    return importlib.util.find_spec("torch") is not None


def _report_alone(case: Case, rounds: int, how: str) -> None:
    play = bare_round(case)
    seconds(play, WARM_UP)
    print(f"a round, median of {rounds}:")
    _print_time(OURS, [seconds(play, 1) for _ in range(rounds)], case)
    print(f"  to compare it with PyTorch's: {how}")


def _report_both(name: str, case: Case, rounds: int) -> None:
    times, apart, flop = round_times(name, case, rounds)
    print(f"the first round's losses, from the same weights, images and latents: {apart:.0e} apart (relative)")
    rate = matrix_rate()
    arithmetic = f"{flop / 1e9:.1f} GFLOP, and this machine multiplies matrices at {rate / 1e9:.0f} GFLOP/s"
    print(f"a round, median of {rounds}, in turns; {arithmetic}:")
    for side, own in times.items():
        share = flop / np.median(own) / rate
        ahead = "" if side == OURS else f"; gan_jax plays {_ratio(own, times[OURS]):.2f} times as many"
        _print_time(side, own, case, f"{share:.0%} of that rate{ahead}")


def _print_time(what: str, times: list[float], case: Case, more: str = "") -> None:
    middle = np.median(times)
    line = f"  {what:16s} {1e3 * middle:8.1f} ms  {case.batch_size / middle:8.0f} images/s"
    print(line + (f"  ({more})" if more else ""))


def _ratio(times: list[float], others: list[float]) -> float:
    """The median of the ratios within a turn: both had the machine in the same state."""
    return float(np.median(np.divide(times, others)))


def matrix_rate(side: int = 2048) -> float:
    """Floating-point operations a second of the product of two square matrices, float32; the best of several."""
    a = jnp.ones((side, side))
    multiply = jax.jit(jnp.dot)
    play = lambda: multiply(a, a)
    seconds(play, WARM_UP)
    return 2 * side**3 / min(seconds(play, 1) for _ in range(20))


def round_times(name: str, case: Case, rounds: int) -> tuple[dict[str, list[float]], float, float]:
    """Seconds of the rounds of each side; how far apart the first one's losses were, relatively; operations a round.

    Only the first one's: where a gradient is hardly more than rounding, Adam makes a whole step of it. The operations
    are those of products and convolutions, as PyTorch counts them.
    """
    play = bare_round(case)
    _, ours = play()
    first = first_round(case)
    with ExitStack() as stack:
        pipes = {side: stack.enter_context(torch_process(name, side == COMPILED, *first)) for side in torch_sides(name)}
        told = {side: _receive(pipe) for side, pipe in pipes.items()}
        flop = told[EAGER].pop("flop")
        apart = max(abs(float(ours[key]) / loss - 1) for losses in told.values() for key, loss in losses.items())

        def torch_seconds(pipe, count):
            pipe.send(count)
            return _receive(pipe)

        sides = {OURS: partial(seconds, play)}
        sides |= {side: partial(torch_seconds, pipe) for side, pipe in pipes.items()}
        for measure in sides.values():
            measure(WARM_UP)
        turns = [{side: measure(1) for side, measure in sides.items()} for _ in range(rounds)]
    return {side: [turn[side] for turn in turns] for side in sides}, apart, flop


def torch_sides(name: str) -> list[str]:
    """PyTorch's rows for a case; torch.compile needs a C++ compiler, and takes no derivatives of derivatives."""
    from experiments import benchmark_torch  # only here: PyTorch need not be installed

    compiles = benchmark_torch.CASES[name].compiles and any(map(shutil.which, ("g++", "clang++")))
    return [EAGER, COMPILED] if compiles else [EAGER]


def bare_round(case: Case) -> Play:
    """Our jitted round, from the weights that seed 0 gives, on the same real images again and again."""
    recipe, state, key = _start(case)
    batch = jax.device_put({"image": real_images(case)})
    step = jax.jit(recipe.step)

    def play():
        nonlocal state
        state, metrics = step(state, batch, key)
        return state, metrics

    return play


def seconds(play: Play, count: int) -> float:
    """Plays `count` rounds; returns how long one took."""
    began = time.perf_counter()
    for _ in range(count):
        output = play()
    jax.block_until_ready(output)
    return (time.perf_counter() - began) / count


def real_images(case: Case) -> np.ndarray:
    """The noise that `bare_round` takes for real: uint8 [parts, B, H, W, C]."""
    return np.random.default_rng(0).integers(
        0, 256, (case.recipe(None).parts, case.batch_size, *case.image_shape), np.uint8
    )


def first_round(case: Case) -> tuple[tuple[dict, dict], np.ndarray, np.ndarray, np.ndarray]:
    """What another program needs to play `bare_round`'s first round.

    Returns:
      G's and D's parameters; the real images, uint8 [parts, B, H, W, C]; the latents, [parts, B, LATENT]; and how the
      gradient penalty of the first step, if it has one, mixes real and fake images, ε [B].
    """
    recipe, state, key = _start(case)
    # As the recipe's step draws them, and `gan.judge` the keys of its terms.
    step_keys = jax.random.split(jax.random.fold_in(key, 0), recipe.parts)
    z = [latents(example_keys(jax.random.split(key)[0], case.batch_size), LATENT) for key in step_keys]
    judge_key = jax.random.split(step_keys[0], 3)[1]
    keys = example_keys(jax.random.split(judge_key, 5)[4], case.batch_size)
    ε = jax.vmap(lambda key: jax.random.uniform(jax.random.fold_in(key, 0)))(keys)
    params = jax.device_get((state.generator.params, state.discriminator.params))
    return params, real_images(case), np.array(z), np.array(ε)


@cache
def _start(case: Case) -> tuple[Recipe, gan.State, Key]:
    """The recipe for one device, its first state and the key of its steps; cached, to be compiled once."""
    recipe = case.recipe(None)
    init_key, step_key = jax.random.split(jax.random.key(0))
    return recipe, jax.jit(recipe.init)(init_key, images.example_batch(case.image_shape)), step_key


@contextmanager
def torch_process(*arguments) -> Iterator[Connection]:
    """The pipe to a process that runs `benchmark_torch.serve(pipe, *arguments)`; closed at the end, which ends it."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, *arguments), daemon=True)
    process.start()
    there.close()
    try:
        with closing(here):
            yield here
    finally:
        process.join()


def _serve(*arguments) -> None:
    from experiments import benchmark_torch  # only here: PyTorch need not be installed

    benchmark_torch.serve(*arguments)


def _receive(pipe: Connection):
    try:
        return pipe.recv()
    except EOFError:
        raise RuntimeError("PyTorch's process has ended; above is why") from None


def loop_times(case: Case, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of a round, bare and in `loop.fit`, `rounds` times in turns.

    The loop asks for the next batch when it has done and recorded LOG_EVERY steps, so what gives it the batches can
    time it, and play bare rounds meanwhile.
    """
    _, state, key = _start(case)
    recipe = case.recipe(loop.AXIS)
    images = np.random.default_rng(0).integers(0, 256, (EXAMPLES, *case.image_shape), np.uint8)
    source = ArraySource(images, np.zeros(EXAMPLES, np.int32), ())
    play, bare, looped = bare_round(case), [], []

    def batches(step: int) -> Iterator[Batch]:
        stream = pipeline.batches(source, seed=0, batch_size=case.batch_size, parts=recipe.parts, start_step=step)
        yield from islice(stream, LOG_EVERY)
        seconds(play, WARM_UP)
        for _ in range(rounds):
            bare.append(seconds(play, LOG_EVERY))
            began = time.perf_counter()
            yield from islice(stream, LOG_EVERY)
            looped.append((time.perf_counter() - began) / LOG_EVERY)
        yield from stream

    steps = (1 + rounds) * LOG_EVERY + 1
    with tempfile.TemporaryDirectory() as workdir, closing(Checkpoints(Path(workdir) / "checkpoints")) as checkpoints:
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
        )
    return bare, looped


if __name__ == "__main__":
    app.run(main, flags_parser=common.parse_flags)
