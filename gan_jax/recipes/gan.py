"""How a GAN is trained: n_critic steps of the discriminator, then one of the generator, round after round.

Goodfellow et al. 2014 (arXiv:1406.2661), algorithm 1. The game, what is added to its losses, what D sees, the networks
and the optimizers are arguments, so this one file also plays DCGAN, LSGAN, WGAN, WGAN-GP, PacGAN and many more. The
steps hand labels on to the networks where there are any: `recipes.cgan`. `recipes.sgan` has a D-step of its own.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn
from flax import struct

from gan_jax import early_warning, precision, views
from gan_jax.devices import device_mean
from gan_jax.games import Game, swap_labels
from gan_jax.players import Player, PyTree, init_player, update_average, update_player
from gan_jax.randomness import Key, example_keys, latents, normal
from gan_jax.recipe import Batch, Metrics, Recipe
from gan_jax.terms import Play, Term
from gan_jax.views import View

Array = jax.Array


class State(struct.PyTreeNode):
    """Both players, and the number of rounds played, int32 []."""

    step: Array
    generator: Player
    discriminator: Player


class Setup(NamedTuple):
    """What does not change during training.

    Fields:
      generator, discriminator: modules, called as `generator.apply(variables, z, label, train=)` -> images [B, H, W, C]
        in [-1, 1], and `discriminator.apply(variables, images, label, train=)` -> (raw scores [B, ...], dict). label is
        None, or int32 [B] in a conditional GAN.
      game: (real_scores, fake_scores) -> Losses.
      g_optimizer, d_optimizer: the players' optimizers.
      latent_size: the length of z.
      latent: what z is drawn from, a value of `randomness.LATENTS`.
      n_critic: how many steps D makes for one of G.
      d_terms, g_terms: what is added to D's loss and to G's, by the names under which it is recorded.
      g_plays: whether G's loss has the game's; else its terms are all.
      view, pack: what D sees of all images (`views`), and how many at once (`views.pack`).
      label_noise: the fraction of D's labels that are wrong (`games.swap_labels`).
      average: decay of the moving average of G that is sampled (`players.update_average`); 0 samples G itself.
      dtype: what the networks compute in, in training (`precision.apply`).
      axis_name: the mapped axis over which the batch is spread (`jax.pmap(..., axis_name=)`); None without one.
    """

    generator: nn.Module
    discriminator: nn.Module
    game: Game
    g_optimizer: optax.GradientTransformation
    d_optimizer: optax.GradientTransformation
    latent_size: int = 100
    latent: Callable[..., Array] = normal
    n_critic: int = 1
    d_terms: Mapping[str, Term] = MappingProxyType({})
    g_terms: Mapping[str, Term] = MappingProxyType({})
    g_plays: bool = True
    view: View = views.plain
    pack: int = 1
    label_noise: float = 0.0
    average: float = 0.0
    dtype: jnp.dtype = jnp.float32
    axis_name: str | None = None


Step = Callable[..., tuple[State, Metrics]]


def make_d_step(setup: Setup) -> Step:
    """The discriminator's step: (state, real images [B, H, W, C] in [-1, 1], key) -> (state, metrics). Pure.

    D scores real and fake images in separate passes, so each has its own batch statistics (Radford et al. 2016).
    In a conditional GAN the step also takes the labels of the real images, int32 [B], which the fake ones have too.
    """

    def d_step(state: State, real: Array, key: Key, label: Array | None = None) -> tuple[State, Metrics]:
        latent_key, play_key, noise_key = jax.random.split(key, 3)
        fake, _ = generate(setup, state.generator.params, state.generator, latent_key, len(real), label)

        def loss(params):
            play, variables = judge(setup, params, state, real, fake, play_key, label)
            total, metrics = d_loss(setup, play, noise_key)
            return total, (variables, metrics)

        gradients, (variables, metrics) = jax.grad(loss, has_aux=True)(state.discriminator.params)
        gradients, metrics = device_mean((gradients, metrics), setup.axis_name)
        metrics["d_gradient_norm"] = optax.tree.norm(gradients)
        metrics["sample_spread"] = early_warning.relative_spread(fake, real, setup.axis_name)
        discriminator = update_player(state.discriminator, gradients, setup.d_optimizer, variables)
        return state.replace(discriminator=discriminator), metrics

    return d_step


def make_g_step(setup: Setup) -> Step:
    """The generator's step: (state, real images [B, H, W, C] in [-1, 1], key) -> (state, metrics). Pure.

    Only games and terms of G that look at real images (the relativistic ones, feature matching) use them; for the
    others XLA drops the pass. D's batch statistics are used and not kept: D learns nothing in G's step.
    In a conditional GAN the step also takes labels, as the D-step does.
    """

    def g_step(state: State, real: Array, key: Key, label: Array | None = None) -> tuple[State, Metrics]:
        latent_key, play_key = jax.random.split(key)

        def loss(params):
            fake, variables = generate(setup, params, state.generator, latent_key, len(real), label)
            play, _ = judge(setup, state.discriminator.params, state, real, fake, play_key, label)
            played = setup.game(play.real_scores, play.fake_scores).g if setup.g_plays else 0.0
            total, metrics = _add(setup.g_terms, play, played)
            return total, (variables, {"g_loss": total, **metrics})

        gradients, (variables, metrics) = jax.grad(loss, has_aux=True)(state.generator.params)
        gradients, metrics = device_mean((gradients, metrics), setup.axis_name)
        metrics["g_gradient_norm"] = optax.tree.norm(gradients)
        generator = update_player(state.generator, gradients, setup.g_optimizer, variables)
        if setup.average:
            generator = update_average(generator, setup.average, state.step)
        return state.replace(generator=generator), metrics

    return g_step


def make(setup: Setup) -> Recipe:
    """The recipe: a round is `n_critic` D-steps and one G-step, each on fresh real images and fresh noise.

    So a round takes n_critic + 1 parts of a batch. The metrics are the last D-step's and the G-step's.
    """
    d_step, g_step = make_d_step(setup), make_g_step(setup)

    def init(key: Key, batch: Batch) -> State:
        return init_state(setup, key, batch["image"][0])

    def step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        keys = jax.random.split(jax.random.fold_in(key, state.step), setup.n_critic + 1)
        images = to_unit_range(batch["image"])
        for i in range(setup.n_critic):
            state, d_metrics = d_step(state, images[i], keys[i])
        state, g_metrics = g_step(state, images[-1], keys[-1])
        return state.replace(step=state.step + 1), d_metrics | g_metrics

    return unconditional(setup, init, step)


def unconditional(setup: Setup, init: Callable, step: Callable) -> Recipe:
    """The recipe of these rounds, whose generator knows no labels."""
    draw_latents, generate = partial(draw, setup), partial(render, setup)
    return Recipe(
        init=init,
        step=step,
        sample=lambda state, key, n: generate(state, draw_latents(key, n)),
        parts=setup.n_critic + 1,
        latents=draw_latents,
        generate=generate,
    )


def init_state(setup: Setup, key: Key, images: Array, label: Array | None = None, *, d_averaged: bool = False) -> State:
    """The state before the first round, for images [B, ...] and, in a conditional GAN, one label [1].

    Only shapes matter.

    d_averaged: whether D keeps an average of its weights too.
    """
    g_key, d_key = jax.random.split(key)
    z = jnp.zeros((1, setup.latent_size))
    images = views.pack(jnp.repeat(to_unit_range(images[:1]), setup.pack, 0), setup.pack)
    return State(
        step=jnp.zeros((), jnp.int32),
        generator=init_player(setup.generator, setup.g_optimizer, g_key, z, label, averaged=setup.average > 0),
        discriminator=init_player(setup.discriminator, setup.d_optimizer, d_key, images, label, averaged=d_averaged),
    )


def draw(setup: Setup, key: Key, n: int, bound: float | None = None) -> Array:
    """Latents [n, latent_size], as `Recipe.latents`."""
    return latents(example_keys(key, n), setup.latent_size, setup.latent, bound)


def render(setup: Setup, state: State, z: Array, label: Array | None = None) -> Array:
    """Images [B, H, W, C] in [-1, 1] of latents [B, latent_size], by the generator's average if it has one."""
    variables = state.generator.average if setup.average else state.generator.all_variables
    return setup.generator.apply(variables, z, label, train=False)


def generate(setup: Setup, params: PyTree, generator: Player, key: Key, count: int, label: Array | None = None):
    """Images of `count` fresh latents in training, with the generator's variables after the pass."""
    z = latents(example_keys(key, count, setup.axis_name), setup.latent_size, setup.latent)
    variables = {"params": params, **generator.variables}
    options = dict(train=True, mutable=list(generator.variables))
    return precision.apply(setup.generator, variables, z, label, dtype=setup.dtype, **options)


def score(
    setup: Setup, params: PyTree, variables: PyTree, images: Array, key: Key, label: Array | None = None
) -> tuple[tuple[Array, dict[str, Array]], PyTree]:
    """((scores, out), variables): what D, in training, says of images. Layers that draw noise draw it from `key`."""
    options = dict(train=True, mutable=list(variables), rngs={"noise": key})
    return precision.apply(
        setup.discriminator, {"params": params, **variables}, images, label, dtype=setup.dtype, **options
    )


def judge(
    setup: Setup, params: PyTree, state: State, real: Array, fake: Array, key: Key, label: Array | None = None
) -> tuple[Play, PyTree]:
    """What a D of these parameters sees and says of real and fake images, with its variables after the passes."""
    view_key, real_key, fake_key, critic_key, play_key = jax.random.split(key, 5)

    def see(images, key):
        keys = example_keys(key, len(images), setup.axis_name)
        return views.pack(setup.view(images, keys, state.step), setup.pack)

    before = state.discriminator.variables
    real, fake = (see(images, key) for images, key in zip((real, fake), jax.random.split(view_key)))
    (real_scores, real_out), variables = score(setup, params, before, real, real_key, label)
    (fake_scores, fake_out), variables = score(setup, params, variables, fake, fake_key, label)
    critic = lambda images: score(setup, params, before, images, critic_key, label)[0][0]
    keys = example_keys(play_key, len(real), setup.axis_name)
    return Play(real, fake, real_scores, fake_scores, real_out, fake_out, critic, keys, state.step), variables


def d_loss(setup: Setup, play: Play, key: Key) -> tuple[Array, Metrics]:
    """D's loss in the game, terms and noisy labels included, and all that is recorded of it."""
    keys = example_keys(key, len(play.real), setup.axis_name)
    real_scores, fake_scores = swap_labels(play.real_scores, play.fake_scores, keys, setup.label_noise)
    total, metrics = _add(setup.d_terms, play, setup.game(real_scores, fake_scores).d)
    metrics |= {"real_score": jnp.mean(play.real_scores), "fake_score": jnp.mean(play.fake_scores)}
    metrics |= early_warning.accuracies(play.real_scores, play.fake_scores, setup.axis_name)
    return total, {"d_loss": total, **metrics}


def to_unit_range(pixels: Array) -> Array:
    """uint8 pixels 0..255 to float32 in [-1, 1]: x / 127.5 - 1, tanh's range. Floats are taken as they are."""
    return pixels.astype(jnp.float32) / 127.5 - 1 if pixels.dtype == jnp.uint8 else pixels


def _add(terms: Mapping[str, Term], play: Play, loss: Array | float) -> tuple[Array, Metrics]:
    """The loss with all terms added, and each term's value. Each draws from keys of its own."""
    values = {}
    for number, (name, term) in enumerate(terms.items()):
        own = play._replace(keys=jax.vmap(jax.random.fold_in, in_axes=(0, None))(play.keys, number))
        values[name] = term.value(own)
        loss += term.weighted(own, values[name])
    return loss, values
