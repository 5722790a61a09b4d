"""3-D convolutions of `layers.conv3d` beside Flax's, with the same kernels: the layers of a 3D-GAN, forward and backward."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from gan_jax.benchmarks.times import WARM_UP, seconds
from gan_jax.layers.conv3d import Conv3D, ConvTranspose3D
from gan_jax.networks.gan3d import channels

Array = jax.Array


class Pair(NamedTuple):
    """A layer of ours, the one of Flax that computes the same with the same parameters, and their input's shape."""

    name: str
    ours: nn.Module
    flax: nn.Module
    shape: tuple[int, ...]


def report(side: int, width: int, batch_size: int, rounds: int) -> None:
    """Prints milliseconds of each layer, and how many times ours Flax's take: above 1 where ours is faster."""
    print(f"milliseconds, medians of {rounds} in turns; the ratio is above 1 where gan_jax is faster")
    print(f"  {'':34s}{'input':>20s}" + "".join(f"{name:>30s}" for name in ("forward", "with both gradients")))
    for pair in pairs(side, width, batch_size):
        cells = "".join(
            f"{1e3 * ours:9.2f} {1e3 * theirs:9.2f} ({theirs / ours:6.2f})"
            for ours, theirs in (in_turns(plays, rounds) for plays in passes(pair))
        )
        print(f"  {pair.name:34s}{'×'.join(map(str, pair.shape)):>20s}{cells}", flush=True)


def pairs(side: int, width: int, batch_size: int) -> Iterator[Pair]:
    """The convolutions of a `networks.gan3d.Discriminator`, and the transposed ones of a generator."""
    counts, sides = channels(side, width), [side >> i for i in range(len(channels(side, width)) + 1)]
    same = dict(use_bias=False)
    for number, (before, count) in enumerate(zip([1, *counts], counts)):
        shape = (batch_size, *(sides[number],) * 3, before)
        ours, flax = Conv3D(count, 4, 2, **same), nn.Conv(count, (4,) * 3, 2, **same)
        yield Pair(f"convolution to {count} channels", ours, flax, shape)
    for number, (before, count) in reversed(list(enumerate(zip(counts, [1, *counts])))):
        shape = (batch_size, *(sides[number + 1],) * 3, before)
        flax = nn.ConvTranspose(count, (4,) * 3, (2,) * 3, transpose_kernel=True, **same)
        yield Pair(f"transposed, to {count} channels", ConvTranspose3D(count, 4, 2, **same), flax, shape)


def passes(pair: Pair) -> tuple[tuple[Callable, Callable], tuple[Callable, Callable]]:
    """The forward passes of both layers, and those with the gradients to the input and the kernel; they agree."""
    draw = np.random.default_rng(0)
    fill = lambda shape: jnp.asarray(draw.normal(size=shape), jnp.float32)
    x = fill(pair.shape)
    params = jax.tree.map(lambda leaf: fill(leaf.shape), jax.eval_shape(pair.ours.init, jax.random.key(0), x))
    y = fill(jax.eval_shape(pair.ours.apply, params, x).shape)

    def backward(module: nn.Module, params: dict, x: Array, y: Array) -> tuple[Array, tuple]:
        out, pull = jax.vjp(module.apply, params, x)
        return out, pull(y)

    forward = tuple(partial(jax.jit(module.apply), params, x) for module in (pair.ours, pair.flax))
    both = tuple(partial(jax.jit(partial(backward, module)), params, x, y) for module in (pair.ours, pair.flax))
    for ours, theirs in zip(*(jax.tree.leaves(play()) for play in both)):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3 * float(jnp.abs(theirs).max()))
    return forward, both


def in_turns(plays: tuple[Callable, Callable], rounds: int) -> tuple[float, float]:
    """The median of the seconds of each."""
    for play in plays:
        seconds(play, WARM_UP)
    times = [[seconds(play, 1) for play in plays] for _ in range(rounds)]
    return tuple(np.median(times, axis=0))
