"""The contract between a way of training and the loop that runs it.

A recipe is four things, and two more where images of a class can be asked for. The loop (`gan_jax.loop.fit`) knows nothing
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
        None where nothing is drawn, as by a classifier.
        Of labelled images, the labels are `sample_labels(key, n)`.
      parts: how many batches of fresh examples one round takes. The `batch` of a step is a dict of arrays with the
        leading axes [parts, B, ...]: {"image": uint8 [parts, B, H, W, C], "label": int32 [parts, B]}.
      sample_labels: (key, n) -> int32 [n], by the data's frequencies; None where labels cannot be asked for.
      sample_of: (state, key, labels [n]) -> images [n, H, W, C] of these classes; image i depends on `key`, i and its
        label alone. None likewise.
    """

    init: Callable[[Key, Batch], State]
    step: Callable[[State, Batch, Key], tuple[State, Metrics]]
    sample: Callable[[State, Key, int], Array] | None
    parts: int
    sample_labels: Callable[[Key, int], Array] | None = None
    sample_of: Callable[[State, Key, Array], Array] | None = None
