"""How a GAN is trained: n_critic steps of the discriminator, then one of the generator, round after round.

Goodfellow et al. 2014 (arXiv:1406.2661), algorithm 1. The game, what is added to its losses, what D sees, the networks
and the optimizers are arguments, so this one file also plays DCGAN, LSGAN, WGAN, WGAN-GP, PacGAN and many more.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn
from flax import struct

from gan_jax import early_warning, views
from gan_jax.devices import device_mean
from gan_jax.games import Game, swap_labels
from gan_jax.players import Player, PyTree, init_player, update_average, update_player
from gan_jax.randomness import Key, example_keys, latents
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
      generator, discriminator: modules, called as `generator.apply(variables, z, train=)` -> images [B, H, W, C] in
        [-1, 1], and `discriminator.apply(variables, images, train=)` -> (raw scores [B, ...], dict).
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
      axis_name: the mapped axis over which the batch is spread (`jax.pmap(..., axis_name=)`); None without one.
    """

    generator: nn.Module
    discriminator: nn.Module
    game: Game
    g_optimizer: optax.GradientTransformation
    d_optimizer: optax.GradientTransformation
    latent_size: int = 100
    latent: Callable[..., Array] = jax.random.normal
    n_critic: int = 1
    d_terms: Mapping[str, Term] = MappingProxyType({})
    g_terms: Mapping[str, Term] = MappingProxyType({})
    g_plays: bool = True
    view: View = views.plain
    pack: int = 1
    label_noise: float = 0.0
    average: float = 0.0
    axis_name: str | None = None


Step = Callable[[State, Array, Key], tuple[State, Metrics]]


def make_d_step(setup: Setup) -> Step:
    """The discriminator's step: (state, real images [B, H, W, C] in [-1, 1], key) -> (state, metrics). Pure.

    D scores real and fake images in separate passes, so each has its own batch statistics (Radford et al. 2016).
    """

    def d_step(state: State, real: Array, key: Key) -> tuple[State, Metrics]:
        latent_key, play_key, label_key = jax.random.split(key, 3)
        fake, _ = _generate(setup, state.generator.params, state.generator, latent_key, len(real))

        def loss(params):
            play, variables = _play(setup, params, state, real, fake, play_key)
            label_keys = example_keys(label_key, len(play.real), setup.axis_name)
            real_scores, fake_scores = swap_labels(play.real_scores, play.fake_scores, label_keys, setup.label_noise)
            total, metrics = _add(setup.d_terms, play, setup.game(real_scores, fake_scores).d)
            metrics |= {"real_score": jnp.mean(play.real_scores), "fake_score": jnp.mean(play.fake_scores)}
            metrics |= early_warning.accuracies(play.real_scores, play.fake_scores, setup.axis_name)
            return total, (variables, {"d_loss": total, **metrics})

        gradients, (variables, metrics) = jax.grad(loss, has_aux=True)(state.discriminator.params)
        gradients, metrics = device_mean((gradients, metrics), setup.axis_name)
        metrics["d_gradient_norm"] = optax.tree.norm(gradients)
        spread = [early_warning.spread(images, setup.axis_name) for images in (fake, real)]
        metrics["sample_spread"] = spread[0] / jnp.maximum(spread[1], 1e-6)  # finite for data that are all alike
        discriminator = update_player(state.discriminator, gradients, setup.d_optimizer, variables)
        return state.replace(discriminator=discriminator), metrics

    return d_step


def make_g_step(setup: Setup) -> Step:
    """The generator's step: (state, real images [B, H, W, C] in [-1, 1], key) -> (state, metrics). Pure.

    Only games and terms of G that look at real images (the relativistic ones, feature matching) use them; for the
    others XLA drops the pass. D's batch statistics are used and not kept: D learns nothing in G's step.
    """

    def g_step(state: State, real: Array, key: Key) -> tuple[State, Metrics]:
        latent_key, play_key = jax.random.split(key)

        def loss(params):
            fake, variables = _generate(setup, params, state.generator, latent_key, len(real))
            play, _ = _play(setup, state.discriminator.params, state, real, fake, play_key)
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
        g_key, d_key = jax.random.split(key)
        z = jnp.zeros((1, setup.latent_size))
        images = views.pack(jnp.repeat(to_unit_range(batch["image"][0, :1]), setup.pack, 0), setup.pack)
        return State(
            step=jnp.zeros((), jnp.int32),
            generator=init_player(setup.generator, setup.g_optimizer, g_key, z, averaged=setup.average > 0),
            discriminator=init_player(setup.discriminator, setup.d_optimizer, d_key, images),
        )

    def step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        keys = jax.random.split(jax.random.fold_in(key, state.step), setup.n_critic + 1)
        images = to_unit_range(batch["image"])
        for i in range(setup.n_critic):
            state, d_metrics = d_step(state, images[i], keys[i])
        state, g_metrics = g_step(state, images[-1], keys[-1])
        return state.replace(step=state.step + 1), d_metrics | g_metrics

    def sample(state: State, key: Key, n: int) -> Array:
        z = latents(example_keys(key, n), setup.latent_size, setup.latent)
        variables = state.generator.average if setup.average else state.generator.all_variables
        return setup.generator.apply(variables, z, train=False)

    return Recipe(init=init, step=step, sample=sample, parts=setup.n_critic + 1)


def to_unit_range(pixels: Array) -> Array:
    """uint8 pixels 0..255 to float32 in [-1, 1]: x / 127.5 - 1, tanh's range. Floats are taken as they are."""
    return pixels.astype(jnp.float32) / 127.5 - 1 if pixels.dtype == jnp.uint8 else pixels


def _generate(setup: Setup, params, generator: Player, key: Key, count: int):
    """Images of `count` fresh latents, with the generator's variables after the pass."""
    z = latents(example_keys(key, count, setup.axis_name), setup.latent_size, setup.latent)
    variables = {"params": params, **generator.variables}
    return setup.generator.apply(variables, z, train=True, mutable=list(generator.variables))


def _play(setup: Setup, params, state: State, real: Array, fake: Array, key: Key) -> tuple[Play, PyTree]:
    """What a discriminator of these parameters sees and says of both batches, with its variables after the passes."""
    view_key, real_key, fake_key, critic_key, play_key = jax.random.split(key, 5)

    def see(images, key):
        keys = example_keys(key, len(images), setup.axis_name)
        return views.pack(setup.view(images, keys, state.step), setup.pack)

    def score(images, variables, key):
        """((scores, out), variables). Layers that draw noise, such as dropout, draw it from `key`."""
        variables = {"params": params, **variables}
        kept = [name for name in variables if name != "params"]
        return setup.discriminator.apply(variables, images, train=True, mutable=kept, rngs={"noise": key})

    before = state.discriminator.variables
    real, fake = (see(images, key) for images, key in zip((real, fake), jax.random.split(view_key)))
    (real_scores, real_out), variables = score(real, before, real_key)
    (fake_scores, fake_out), variables = score(fake, variables, fake_key)
    critic = lambda images: score(images, before, critic_key)[0][0]
    keys = example_keys(play_key, len(real), setup.axis_name)
    return Play(real, fake, real_scores, fake_scores, real_out, fake_out, critic, keys, state.step), variables


def _add(terms: Mapping[str, Term], play: Play, loss: Array | float) -> tuple[Array, Metrics]:
    """The loss with all terms added, and each term's value. Each draws from keys of its own."""
    values = {}
    for number, (name, term) in enumerate(terms.items()):
        own = play._replace(keys=jax.vmap(jax.random.fold_in, in_axes=(0, None))(play.keys, number))
        values[name] = term.value(own)
        loss += term.weighted(own, values[name])
    return loss, values
