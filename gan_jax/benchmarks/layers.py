"""How near each layer comes to the arithmetic's limit: its forward pass and both of its gradients, timed alone.

The limit of a layer is the time of its products and sums at the rate at which the machine multiplies large matrices.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from gan_jax.benchmarks.cases import Case
from gan_jax.benchmarks.times import WARM_UP, example_batch, matrix_rate, seconds, start
from gan_jax.layers.conv import Conv, ConvTranspose

KINDS = (Conv, ConvTranspose, nn.Dense)  # the layers that multiply


class Layer(NamedTuple):
    """A layer as a case's networks have it: its name, itself, and its input's shape."""

    name: str
    module: nn.Module
    shape: tuple[int, ...]


def report(case: Case, rounds: int) -> None:
    """Prints each layer's limit and times."""
    rate = matrix_rate()
    print(f"limits at {rate / 1e9:.0f} GFLOP/s; milliseconds, medians of {rounds}, in brackets the limit's share:")
    columns = "".join(f"{name:>16s}" for name in ("forward", "to the input", "to the kernel"))
    print(f"  {'':34s}{'input':>18s}{'limit':>8s}{columns}")
    for layer in layers(case):
        flop, passes = measured(layer, case.trials)
        times = [timed(run, rounds) for run in passes]
        shares = "".join(f"{1e3 * t:9.2f} ({flop / rate / t:4.0%})" for t in times)
        shape = "×".join(map(str, layer.shape))
        print(f"  {layer.name:34s}{shape:>18s}{1e3 * flop / rate:8.2f}{shares}", flush=True)


def layers(case: Case) -> list[Layer]:
    """The layers that multiply, each once, as a round comes to them."""
    recipe, state, key = start(case)
    met = {}

    def note(call, args, kwargs, context):
        module = context.module
        if isinstance(module, KINDS) and context.method_name == "__call__":
            name = f"{type(module.parent).__name__} {module.name}"
            met.setdefault(name, Layer(name, module.clone(parent=None), args[0].shape))
        return call(*args, **kwargs)

    with nn.intercept_methods(note):
        # A function of its own: one that was traced before is not run again.
        batch = example_batch(case, case.batch_size, recipe.batches_per_step)
        jax.eval_shape(lambda *inputs: recipe.step(*inputs), state, batch, key)
    return list(met.values())


def measured(layer: Layer, trials: int) -> tuple[float, list[Callable[[], jax.Array]]]:
    """A layer's operations, which are those of each of its gradients too; and its forward and both backward passes.

    trials: how many such layers, each with its own kernel and input, work at once.
    """
    draw = np.random.default_rng(0)
    fill = lambda shape: jnp.asarray(draw.normal(size=shape), jnp.float32)
    params = jax.eval_shape(layer.module.init, jax.random.key(0), fill(layer.shape))
    output = jax.eval_shape(layer.module.apply, params, fill(layer.shape)).shape
    params = jax.tree.map(lambda p: fill((trials, *p.shape)), params)
    x, cotangent = fill((trials, *layer.shape)), fill((trials, *output))

    kernel = params["params"]["kernel"]
    # Each place of the smaller of both maps meets the whole kernel once.
    places = min(math.prod(layer.shape[:-1]), math.prod(output[:-1]))
    flop = 2 * kernel.size * places

    apply = layer.module.apply
    passes = (
        lambda p, x, y: apply(p, x),
        lambda p, x, y: jax.vjp(lambda x: apply(p, x), x)[1](y)[0],
        lambda p, x, y: jax.vjp(lambda p: apply(p, x), p)[1](y)[0],
    )
    if trials == 1:
        params, x, cotangent = jax.tree.map(lambda leaf: leaf[0], (params, x, cotangent))
    else:
        passes = map(jax.vmap, passes)
    return flop, [partial(jax.jit(one), params, x, cotangent) for one in passes]


def timed(play: Callable[[], jax.Array], rounds: int) -> float:
    """The median of the seconds of so many calls."""
    seconds(play, WARM_UP)
    return float(np.median([seconds(play, 1) for _ in range(rounds)]))
