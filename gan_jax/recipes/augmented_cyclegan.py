"""Translation into many images: Augmented CycleGAN (Almahairi et al. 2018, arXiv:1802.10151).

A gray digit may become red or green, and a CycleGAN can but choose one. Here a latent says which: G draws y of (x, z_b) and F
draws x of (y, z_a), and encoders say the latents of pairs, E_a(x, y) = z_a and E_b(y, x) = z_b. There are eight players: to
CycleGAN's four (`recipes.cyclegan`) come the encoders, and for each side's latents a discriminator of them and the prior's.

With z ~ N(0, I), y~ = G(x, z_b) and z~ = E_a(x, y~), the generators and encoders minimise together, of x and likewise of y,

  w game.g(D_b(y), D_b(y~)) + v game.g(D_za(z_a), D_za(z~))      (section 4.1: marginal matching)
    + λ E|F(y~, z~) - x| + μ E|E_b(y~, x) - z_b|                 (section 4.2: cycles of images and of latents)
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

from gan_jax.randomness import Key, example_keys, latents
from gan_jax.recipes import cyclegan
from gan_jax.recipes.batch import part
from gan_jax.recipes.contract import Batch, Metrics, Recipe, State, Translator
from gan_jax.recipes.cyclegan import CLASSIFIER, DISCRIMINATOR, GENERATOR, OTHER, Images
from gan_jax.recipes.players import PyTree, descend, descend_together, init_player, update_ema, with_player

Array = jax.Array
Latents = dict[str, Array]  # [B, its size], by the domain whose images they say something of

ENCODER = {"a": "e_a", "b": "e_b"}  # by the domain whose images the latents say something of
LATENT_DISCRIMINATOR = {"a": "d_za", "b": "d_zb"}
DRAWING = (*GENERATOR.values(), *ENCODER.values())  # who learn together


class Setup(NamedTuple):
    """What does not change during training.

    Fields:
      images: CycleGAN's own; its generators are called with latents after the images, and its identity counts nothing.
      encoders: by name; called as `encoder.apply(variables, images, images of the other domain, train=)` -> [B, size].
      latent_discriminators: by name; called as `discriminator.apply(variables, latents, train=)` -> (raw scores [B], anything).
      sizes: of latents, by the domain whose images they say something of.
      latent_optimizer: of the discriminators of latents.
      latent_cycle: μ.
      latent_weight: of the game of latents in the generators' loss, v.
    """

    images: cyclegan.Setup
    encoders: Mapping[str, nn.Module]
    latent_discriminators: Mapping[str, nn.Module]
    sizes: Mapping[str, int]
    latent_optimizer: optax.GradientTransformation
    latent_cycle: float = 1.0
    latent_weight: float = 10.0


def make(setup: Setup) -> Recipe:
    """The recipe. A round is a step of generators and encoders together, then one of each discriminator, on the same images."""
    own = setup.images

    def init(key: Key, batch: Batch) -> State:
        one = {domain: part(batch[domain], 0)["image"][:1] for domain in OTHER}
        z, players = {domain: jnp.zeros((1, setup.sizes[domain])) for domain in OTHER}, {}
        for domain, keys in zip(OTHER, jax.random.split(key, (2, 4))):
            other, ema = one[OTHER[domain]], bool(own.ema)
            g, e, d, d_z = (each[domain] for each in (GENERATOR, ENCODER, DISCRIMINATOR, LATENT_DISCRIMINATOR))
            players[g] = init_player(own.generators[g], own.g_optimizer, keys[0], other, z[domain], ema=ema)
            players[e] = init_player(setup.encoders[e], own.g_optimizer, keys[1], one[domain], other, ema=ema)
            players[d] = init_player(own.discriminators[d], own.d_optimizer, keys[2], one[domain])
            players[d_z] = init_player(setup.latent_discriminators[d_z], setup.latent_optimizer, keys[3], z[domain])
        if own.task is not None:
            players[CLASSIFIER] = cyclegan.frozen(own.task, key, one["a"])
        entry = lambda domain: {"image": one[domain][0], "latent": z[OTHER[domain]][0]}
        memory = cyclegan.pools_of(own, {domain: entry(domain) for domain in OTHER})
        return State(jnp.zeros((), jnp.int32), players, memory)

    def step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        jitter_key, pool_key, *z_keys = jax.random.split(jax.random.fold_in(key, state.step), 4)
        real = cyclegan.images_of(own, batch, jitter_key)
        z = {domain: draw_latents(setup, each, domain, len(real[domain])) for domain, each in zip(OTHER, z_keys)}
        fake, code = made(setup, state, real, z, {name: state.players[name].params for name in DRAWING})
        entries = {domain: {"image": fake[domain], "latent": code[other]} for domain, other in OTHER.items()}
        state, metrics = g_step(setup, state, real, z)
        state, shown = cyclegan.pooled(own, state, entries, pool_key)
        state, of_images = cyclegan.d_step(own, state, real, {domain: each["image"] for domain, each in shown.items()})
        state, of_latents = d_step(setup, state, z, {OTHER[domain]: each["latent"] for domain, each in shown.items()})
        return state.replace(step=state.step + 1), metrics | of_images | of_latents

    return Recipe(init=init, step=step, batches_per_step=1, translators=translators(setup))


def draw_latents(setup: Setup, key: Key, domain: str, count: int) -> Array:
    """A domain's latents of a batch, [B, its size], of N(0, I): each of its example's own key."""
    return latents(example_keys(key, count, setup.images.axis_name), setup.sizes[domain])


def made(setup: Setup, state: State, real: Images, z: Latents, params: PyTree) -> tuple[Images, Latents]:
    """(what the generators draw by latents, by domain; what the encoders say of real images beside it, by their domain).

    Args: params: of generators and encoders.
    """
    fake = {domain: _draw(setup, state, domain, real[other], z[domain], params) for domain, other in OTHER.items()}
    return fake, {domain: _encode(setup, state, domain, real[domain], fake[OTHER[domain]], params) for domain in OTHER}


def g_step(setup: Setup, state: State, real: Images, z: Latents) -> tuple[State, Metrics]:
    """The step of generators and encoders, against the discriminators as they are now."""
    own = setup.images

    def loss(params: PyTree):
        fake, code = made(setup, state, real, z, params)
        metrics, total, games, latent_games = {}, 0.0, [], []
        for domain, other in OTHER.items():
            scores = [cyclegan.discriminate(own, state, domain, images)[0] for images in (real[domain], fake[domain])]
            games.append(own.game(*scores).g)
            judged = [_judge(setup, state, domain, latent) for latent in (z[domain], code[domain])]
            latent_games.append(own.game(*judged).g)
            back = _draw(setup, state, domain, fake[other], code[domain], params)
            metrics[f"cycle_{domain}"] = cyclegan.apart(back, real[domain])
            latent_back = _encode(setup, state, domain, fake[domain], real[other], params)
            metrics[f"latent_cycle_{domain}"] = cyclegan.apart(latent_back, z[domain])
            total += own.game_weight * games[-1] + own.cycle * metrics[f"cycle_{domain}"]
            total += setup.latent_weight * latent_games[-1] + setup.latent_cycle * metrics[f"latent_cycle_{domain}"]
            if own.task is not None:
                metrics[f"task_{domain}"] = cyclegan.task_loss(own.task, state, real[other], fake[domain])
                total += own.task.weight * metrics[f"task_{domain}"]
        metrics |= {"g_loss": sum(games) / 2, "latent_g_loss": sum(latent_games) / 2}
        return total, ({name: state.players[name].variables for name in params}, metrics)

    state, metrics = descend_together(state, DRAWING, loss, own.g_optimizer, own.axis_name, norm="g_gradient_norm")
    for name in DRAWING if own.ema else ():
        state = with_player(state, name, update_ema(state.players[name], own.ema, state.step))
    return state, metrics


def d_step(setup: Setup, state: State, z: Latents, code: Latents) -> tuple[State, Metrics]:
    """A step of each discriminator of latents: the prior's are real, the encoder's are not."""
    found = []
    for domain, name in LATENT_DISCRIMINATOR.items():

        def loss(params: PyTree, domain: str = domain, name: str = name):
            scores = [_judge(setup, state, domain, latent, {"params": params}) for latent in (z[domain], code[domain])]
            game = setup.images.game(*scores).d
            return game, (state.players[name].variables, {"latent_d_loss": game})

        state, metrics = descend(state, name, loss, setup.latent_optimizer, setup.images.axis_name)
        found.append(metrics)
    return state, jax.tree.map(lambda a, b: (a + b) / 2, *found)


def translators(setup: Setup) -> dict[str, Translator]:
    """How a trained state translates: by latents of each example's own key, or otherwise by 0; and back by the encoder's."""
    own, modules = setup.images, {**setup.images.generators, **setup.encoders}

    def applied(state: State, name: str, *inputs: Array) -> Array:
        return cyclegan.learnt(own, state, modules, name, *inputs)

    def way(domain: str, noisy: bool) -> Callable[[State, Batch, Key], Array]:
        def translate(state: State, example: Batch, key: Key) -> Array:
            count, size = len(example["image"]), setup.sizes[domain]
            z = latents(example_keys(key, count), size) if noisy else jnp.zeros((count, size))
            return applied(state, GENERATOR[domain], example["image"], z)

        return translate

    def back(domain: str) -> Callable[[State, Batch, Array], Array]:
        def draw(state: State, example: Batch, images: Array) -> Array:
            return applied(state, GENERATOR[domain], images, applied(state, ENCODER[domain], example["image"], images))

        return draw

    found = {}
    for domain, other in reversed(OTHER.items()):
        kind = dict(noisy=True, otherwise=way(domain, False), multiple=own.multiple, domain=other, into=domain)
        found[GENERATOR[domain]] = Translator(("image",), way(domain, True), **kind, back=back(other))
    return found


def _draw(setup: Setup, state: State, domain: str, images: Array, z: Array, params: PyTree) -> Array:
    return cyclegan.draw(setup.images, state, domain, images, z, variables={"params": params[GENERATOR[domain]]})[0]


def _encode(setup: Setup, state: State, domain: str, images: Array, others: Array, params: PyTree) -> Array:
    name = ENCODER[domain]
    variables = {"params": params[name]}
    return cyclegan.apply(setup.images, state, setup.encoders, name, images, others, variables=variables)[0]


def _judge(setup: Setup, state: State, domain: str, z: Array, variables: PyTree | None = None) -> Array:
    name = LATENT_DISCRIMINATOR[domain]
    (scores, _), _ = cyclegan.apply(setup.images, state, setup.latent_discriminators, name, z, variables=variables)
    return scores
