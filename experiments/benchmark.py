"""How fast a round is: ours against PyTorch's, and the loop against the bare round.

    python -m experiments.benchmark                 # with PyTorch's side where it is installed
    python -m experiments.benchmark --rounds=50 --case=book28

Both sides play the same game from the same weights, and the losses of the first rounds are compared. Then they are
timed in turns, so that what slows the machine for a while slows both; PyTorch has a process of its own, for the
threads of both would be in each other's way.
"""

import importlib.util
import multiprocessing
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import optax
from absl import app, flags
from flax import linen as nn

from experiments import common, presets
from gan_jax import games, loop
from gan_jax.checkpoint import Checkpoints
from gan_jax.data import pipeline
from gan_jax.data.source import ArraySource
from gan_jax.layers.conv import Conv, ConvTranspose
from gan_jax.layers.norm import norm_layer
from gan_jax.randomness import Key, example_keys, latents
from gan_jax.recipe import Batch
from gan_jax.recipes import gan
from gan_jax.record import Record

Array = jax.Array
FLAGS = flags.FLAGS
LOG_EVERY = 10  # the experiments' default; the loop is timed so many rounds at a time
COMPARED = 3  # rounds whose losses are compared
EXAMPLES = 10_000  # in the random dataset that the loop reads

flags.DEFINE_integer("rounds", 20, "How often each side is timed, in turns with the other.", lower_bound=1)
flags.DEFINE_string("case", "book28", "What is played: book28.")


class Book28Generator(nn.Module):
    """Langr & Bok 2019, GANs in Action, chapter 4: [B, 100] -> [B, 28, 28, 1]. Batch normalisation over axis_name."""

    axis_name: str | None = None

    @nn.compact
    def __call__(self, z: Array, label: Array | None = None, *, train: bool) -> Array:
        norm = norm_layer("batch", train=train, axis_name=self.axis_name)
        x = nn.Dense(7 * 7 * 256)(z).reshape(-1, 7, 7, 256)
        x = nn.leaky_relu(norm()(ConvTranspose(128, 3, 2, use_bias=False)(x)))
        x = nn.leaky_relu(norm()(ConvTranspose(64, 3, 1, use_bias=False)(x)))
        return nn.tanh(ConvTranspose(1, 3, 2)(x))


class Book28Discriminator(nn.Module):
    """The same chapter's: [B, 28, 28, 1] -> raw scores [B]. Batch normalisation over axis_name."""

    axis_name: str | None = None

    @nn.compact
    def __call__(self, image: Array, label: Array | None = None, *, train: bool) -> tuple[Array, dict[str, Array]]:
        norm = norm_layer("batch", train=train, axis_name=self.axis_name)
        x = nn.leaky_relu(Conv(32, 3, 2)(image))
        x = nn.leaky_relu(norm()(Conv(64, 3, 2, use_bias=False)(x)))
        x = nn.leaky_relu(norm()(Conv(128, 3, 2, use_bias=False)(x)))
        return nn.Dense(1)(x.reshape(len(x), -1))[:, 0], {}


def book28(axis_name: str | None) -> gan.Setup:
    adam = optax.adam(2e-4, b1=0.5)
    generator, discriminator = Book28Generator(axis_name), Book28Discriminator(axis_name)
    return gan.Setup(generator, discriminator, games.non_saturating, adam, adam, axis_name=axis_name)


class Case(NamedTuple):
    """Our side of what is timed; PyTorch's is in `benchmark_torch.CASES` by the same name."""

    setup: Callable[[str | None], gan.Setup]  # of axis_name
    image_shape: tuple[int, int, int]
    batch_size: int


CASES = {"book28": Case(book28, (28, 28, 1), 128)}

# Plays the next round at every call, and returns what came out of it.
Play = Callable[[], tuple[gan.State, dict[str, Array]]]


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
    except (ValueError, OSError, RuntimeError) as error:
        return common.fail(error)
    return 0


def report(name: str, case: Case, rounds: int) -> None:
    """Prints what there is to compare with, times it and prints that."""
    device = jax.devices()[0]
    found = importlib.util.find_spec("torch") is not None
    versions = [f"{package} {version(package)}" for package in ("jax", "jaxlib", "flax", *["torch"] * found)]
    print(f"{name}, batch {case.batch_size}, float32, on {device.device_kind}, {os.cpu_count()} cores;", end=" ")
    print(f"Python {platform.python_version()}, {', '.join(versions)}\n")
    if found and device.platform == "cpu":
        compare(name, case, rounds)
    else:
        why = "pip install torch (the CPU build is enough)" if not found else "set JAX_PLATFORMS=cpu"
        print(f"a round, median of {rounds}:")
        _print_round("gan_jax", _times(rounds, _warm(bare_round(case)))[0], case)
        print(f"to compare with PyTorch: {why}")
    looped, bare = loop_times(case, rounds)
    print(f"\nthe loop, median of {rounds} times {LOG_EVERY} rounds, in turns:")
    _print_round("bare round", bare, case)
    _print_round("loop.fit", looped, case)
    print(f"  the loop adds {100 * (_ratio(looped, bare) - 1):.1f} %")


def compare(name: str, case: Case, rounds: int) -> None:
    """Prints how far the losses of both sides are apart, and what a round of each takes."""
    play = bare_round(case)
    ours = [play()[1] for _ in range(COMPARED)]
    with torch_process(name, *first_rounds(case)) as pipe:
        apart = difference([(m["d_loss"], m["g_loss"]) for m in ours], _receive(pipe))
        print(f"the same weights, images and latents: {COMPARED} rounds' losses differ by at most {apart:.0e} of theirs")

        def torch_seconds() -> float:
            pipe.send(1)
            return _receive(pipe)

        jax_times, torch_times = _times(rounds, play, torch_seconds)
    print(f"\na round, median of {rounds}, in turns:")
    _print_round("gan_jax", jax_times, case)
    _print_round("PyTorch eager", torch_times, case)
    print(f"  gan_jax takes {_ratio(jax_times, torch_times):.2f} of PyTorch's time (median of the turns' ratios)")
