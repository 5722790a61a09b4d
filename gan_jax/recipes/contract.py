"""The contract between a system and all that works with it.

A recipe says how to start, how to make one round, and what the trained networks can do: draw samples, translate, encode,
classify. The loop (`gan_jax.training.loop.fit`) runs every recipe, and the commands (sample, evaluate, classify, ...) ask
a recipe what it can do. None of them asks which experiment it is, so a GAN with two players, a CycleGAN with four and a
VAE with one need no branch anywhere.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import jax
from flax import struct

from gan_jax.augment import Augment
from gan_jax.randomness import Key
from gan_jax.recipes.players import Metrics, Player, PyTree

Array = jax.Array
Batch = dict  # of arrays, by the names of an example's fields; of several domains, of such dicts
EARLY = 50  # rounds; running averages of batch statistics, with decay 0.9, have forgotten their start by then
Condition = dict  # of arrays with a leading axis [n], by the names of an example's fields, such as {"label": int32 [n]}


class State(struct.PyTreeNode):
    """All that training remembers; an immutable pytree, and all of it is in a checkpoint.

    Fields:
      step: the number of rounds made, int32 [].
      players: the networks by name, such as {"generator": ..., "discriminator": ...}.
      memory: what else is remembered: a pool of images, a mean of path lengths; {} if there is nothing.
    """

    step: Array
    players: dict[str, Player]
    memory: dict = struct.field(default_factory=dict)


class Styles(NamedTuple):
    """A generator in two: the latents' mapping to intermediate ones, w, of each layer its own; and the images of those.

    Fields:
      of: (state, latents [n, ...], condition=None) -> ws [n, L, d], the same w for all L layers, the coarse ones first.
      generate: (state, ws [n, L, d]) -> images [n, H, W, C] in [-1, 1]. Differentiable in ws.
      truncated: (state, psi, cutoff=None) -> the state whose images are those of w̄ + psi (w - w̄), w̄ the mean of w, in the first
        `cutoff` layers, or all.
      noise: state -> the constant noise that its images have, a pytree of maps [H, W, 1].
      with_noise: (state, noise) -> the state with another; maps may be [n, H, W, 1], an image's own.
    """

    of: Callable[..., Array]
    generate: Callable[[State, Array], Array]
    truncated: Callable[..., State]
    noise: Callable[[State], PyTree]
    with_noise: Callable[[State, PyTree], State]


class Sampler(NamedTuple):
    """How images are drawn from noise. Image i depends on its key, and on nothing else.

    Fields:
      prior: what latents are drawn from, a name in `randomness.PRIORS`.
      latents: (key, n, truncation=None) -> latents [n, ...], of the prior; with a truncation, within ± it. `key` is one
        key, or one for each image, [n] (`randomness.example_keys`), so that many can be drawn piece by piece.
      conditions: (key, n) -> what images are drawn for, by the data's frequencies, as {"label": int32 [n]}; None where
        nothing can be asked for. The same key gives latents and conditions that are independent.
      generate: (state, latents [n, ...], condition=None) -> images [n, H, W, C] in [-1, 1]. A label may also be weights of
        the classes, float [n, K]. Differentiable in the latents.
      early: as `generate`, but by the networks as they are in training, with the statistics of these very images: what
        is to be seen of the first EARLY rounds, in which running averages of all kinds know too little. None where
        there is no difference.
      styles: the same in two, by way of styles; None where there are none.
      draws: the field of an example that it draws: "image"; "voxels", [n, D, H, W] in [-1, 1], solid above 0; or "video", [n, T, H,
        W, C] in [-1, 1].
      longer: of videos, frames -> the sampler of videos of so many; None where they are as long as those learnt.
      standing: (state, key, batches, n, truncation=None) -> the state with the generator's batch statistics measured anew, over
        so many batches of n samples; it raises ValueError if the generator has none. None where it cannot.
    """

    prior: str
    latents: Callable[..., Array]
    conditions: Callable[[Key, int], Condition | None]
    generate: Callable[..., Array]
    early: Callable[..., Array] | None = None
    standing: Callable[..., State] | None = None
    styles: Styles | None = None
    draws: str = "image"
    longer: Callable[[int], "Sampler"] | None = None

    def seen(self, step: int) -> "Sampler":
        """The sampler of what is seen of a run after so many rounds; its numbers are always those of `generate`."""
        return self._replace(generate=self.early) if self.early and step < EARLY else self

    def sample(self, state: State, key: Key, n: int) -> Array:
        """Images [n, H, W, C] in [-1, 1]."""
        return self.generate(state, self.latents(key, n), self.conditions(key, n))

    def takes(self, name: str) -> bool:
        """Whether images can be asked for by a condition of this name."""
        condition = jax.eval_shape(lambda: self.conditions(jax.random.key(0), 1))
        return condition is not None and name in condition


class Translator(NamedTuple):
    """How an image is made of others.

    Fields:
      inputs: the fields of an example that it takes.
      translate: (state, example [n, ...], key) -> images [n, H, W, C] in [-1, 1]; key is for those with noise of their own.
      noisy: whether it has noise of its own.
      otherwise: as `translate`, with noise of its own if that has none, and else without; None if there is no such way.
      multiple: of how many pixels the sides of what it takes are a multiple.
      fixed: whether it takes no sides but those of the examples that it learnt.
      domain: where the data have several domains, that whose examples it takes.
      into: and that whose images it makes.
      back: (state, example [n, ...], what it made of it) -> the images of the example made anew of that, [n, H, W, C] in [-1, 1];
        None if there is no way back.
    """

    inputs: tuple[str, ...]
    translate: Callable[[State, Batch, Key], Array]
    noisy: bool = False
    otherwise: Callable[[State, Batch, Key], Array] | None = None
    multiple: int = 1
    fixed: bool = False
    domain: str | None = None
    into: str | None = None
    back: Callable[[State, Batch, Array], Array] | None = None

    def example(self, of_all: Mapping) -> Mapping:
        """Of what there is of each domain, such as specs of examples, that of its own; all of it where there are no domains."""
        return of_all if self.domain is None else of_all[self.domain]


class Likelihood(NamedTuple):
    """Lower bounds on log p(x), in nats per image, [B]; images [B, H, W, C] are uint8, or floats in [-1, 1].

    Fields:
      elbo: (state, images, keys [B]) -> the evidence lower bound, by one latent of each image.
      importance_weighted: (state, images, keys [B], samples) -> the tighter one by so many latents (Burda et al. 2016,
        arXiv:1509.00519, equation 8).
    """

    elbo: Callable[[State, Array, Key], Array]
    importance_weighted: Callable[[State, Array, Key, int], Array]


class Recipe(NamedTuple):
    """How to start, how to make one round, and what the trained networks can do.

    Fields:
      init: (key, batch) -> the state before the first round, `step` 0. Only the batch's shapes need be right.
      step: (state, batch, key) -> (the state after one round, metrics). Pure. `key` is the run's key, the same at
        every step: the step derives its own from it and `state.step`. Metrics are float scalars, equal on all devices.
      batches_per_step: how many batches of fresh examples one round takes: the `batch` of a step has the leading axes
        [batches_per_step, B, ...], as {"image": uint8 [batches_per_step, B, H, W, C], "label": int32 [batches_per_step,
        B]}. Of data with several domains it may be a number for each, {"a": 1, "b": 2}.
      sampler: None where nothing is drawn from noise.
      translators: by name, as {"a_to_b": ..., "b_to_a": ...}.
      encode: (state, images [B, H, W, C] in [-1, 1]) -> latents [B, ...]; None if it cannot.
      likelihood: what it can say of an image's likelihood; None if nothing.
      classify: (state, images [B, H, W, C], uint8 or floats in [-1, 1]) -> logits [B, K]; None if it cannot.
        Differentiable in floats.
      features: (state, images [B, H, W, C] in [-1, 1]) -> what D sees in them, [B, ...]; None if it has no D of this kind.
      augment: (images [B, H, W, C] in [-1, 1], keys [B], step) -> what the networks are shown of them in training
        (`gan_jax.augment`); None if that is the images themselves. Where it changes over rounds, as it may become.
      every: of metrics that only every k-th step computes, the first one included, that k; the others do not record them.
    """

    init: Callable[[Key, Batch], State]
    step: Callable[[State, Batch, Key], tuple[State, Metrics]]
    batches_per_step: int | Mapping[str, int]
    sampler: Sampler | None = None
    translators: Mapping[str, Translator] = MappingProxyType({})
    encode: Callable[[State, Array], Array] | None = None
    likelihood: Likelihood | None = None
    classify: Callable[[State, Array], Array] | None = None
    features: Callable[[State, Array], Array] | None = None
    augment: Augment | None = None
    every: Mapping[str, int] = MappingProxyType({})


class Phase(NamedTuple):
    """A stretch of the rounds of a network that grows: a recipe of its own, until the next phase takes over.

    Fields:
      recipe: of these rounds; its state's tree and shapes may differ from those of the phase before.
      until_step: the last round of the phase; None for the last phase, which has no end.
      batch_size: examples in a batch, over all devices.
      grow: (the last phase's state, key) -> this phase's first state, with the same `step`; None in the first phase.
    """

    recipe: Recipe
    until_step: int | None
    batch_size: int
    grow: Callable[[State, Key], State] | None = None


def phase_at(phases: list[Phase], step: int) -> int:
    """The number of the phase that a state after `step` rounds is of: at a border, of the phase that ends there."""
    return next(i for i, phase in enumerate(phases) if phase.until_step is None or step <= phase.until_step)
