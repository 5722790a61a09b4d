"""The contract between a way of training and the loop that runs it.

A recipe is how to start and how to play a round; and, where something is drawn, how to draw it. The loop (`gan_jax.loop.fit`) knows nothing
else of what it trains, so a GAN with two players, a CycleGAN with four and a VAE with one all run in the same loop.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import jax

from gan_jax.randomness import Key

Array = jax.Array
Batch = dict[str, Array]
Metrics = dict[str, Array]


class State(Protocol):
    """An immutable pytree of arrays with `step`, the number of rounds played, int32 []."""

    step: Array


class Recipe(NamedTuple):
    """How to start, how to play one round, how to draw.

    Fields:
      init: (key, batch) -> the state before the first round, `step` 0. Only the batch's shapes need be right.
      step: (state, batch, key) -> (the state after one round, metrics). Pure. `key` is the run's key, the same at
        every step: the step derives its own from it and `state.step`. Metrics are float scalars, equal on all devices.
      sample: (state, key, n) -> images [n, H, W, C] in [-1, 1]; image i depends on `key` and i alone, not on n.
        `key` may also be one key per image, [n] (`randomness.example_keys`), so that many can be drawn piece by piece.
        None where nothing is drawn, as by a classifier. It is
        `generate(state, latents(key, n), sample_labels(key, n))`, or without labels `generate(state, latents(key, n))`.
      parts: how many batches of fresh examples one round takes. The `batch` of a step is a dict of arrays with the
        leading axes [parts, B, ...]: {"image": uint8 [parts, B, H, W, C], "label": int32 [parts, B]}.
      sample_labels: (key, n) -> int32 [n], by the data's frequencies; None where labels cannot be asked for.
      latents: (key, n, bound=None) -> what images are generated from, [n, ...], of the distribution that they have in
        training; with a bound, truncated (`randomness.latents`). None where nothing is drawn.
      generate: (state, latents [n, ...], labels=None) -> images [n, H, W, C] in [-1, 1]; labels int32 [n] where they can be
        asked for, or weights of the classes, float [n, K]. Differentiable in the latents. None where nothing is drawn.
    """

    init: Callable[[Key, Batch], State]
    step: Callable[[State, Batch, Key], tuple[State, Metrics]]
    sample: Callable[[State, Key, int], Array] | None
    parts: int
    sample_labels: Callable[[Key, int], Array] | None = None
    latents: Callable[..., Array] | None = None
    generate: Callable[..., Array] | None = None
