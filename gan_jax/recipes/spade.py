"""How SPADE is trained (Park et al. 2019, GauGAN, arXiv:1903.07291, section 3 and appendix A).

An example is {"labels": a map of class numbers, "target": y}. An encoder E says which styles z may have given y, q(z|y); G draws y
from the labels and z; D scores patches, at several scales, of (labels, y) and (labels, G(labels, z)):

  D minimises           the mean over scales of game.d
  G and E minimise      the mean over scales of game.g + λ_f features + λ_kl KL(q(z|y) ‖ N(0, 1)) + what else there is

Here features is the mean over scales of Σ over layers of E|D_i(y) - D_i(G)|, pix2pixHD's (Wang et al. 2018, arXiv:1711.11585,
equation 4), where D's maps of y count as constants. The metrics d_loss and g_loss are the game's.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

from gan_jax import precision
from gan_jax.games import Game, Losses
from gan_jax.randomness import Key, example_keys, latents
from gan_jax.recipes import measures
from gan_jax.recipes.batch import part
from gan_jax.recipes.contract import Batch, Metrics, Recipe, State, Translator
from gan_jax.recipes.jitter import Jitter, jittered
from gan_jax.recipes.players import PyTree, descend, descend_together, init_player, update_ema, with_player
from gan_jax.recipes.translation import DISCRIMINATOR, GENERATOR, Cost, discriminate, weighed
from gan_jax.reconstruction import kl_from_normal

Array = jax.Array
ENCODER = "encoder"


class Setup(NamedTuple):
    """What does not change during training.

    Fields:
      generator: called as `generator.apply(variables, labels one-hot [B, H, W, K], z [B, style_size], train=)` -> images.
      encoder: called as `encoder.apply(variables, images, train=)` -> (μ, log σ²), [B, style_size] each; None: styles are from
        N(0, 1) alone.
      discriminator: called as `discriminator.apply(variables, images, {"image": labels one-hot}, train=)` -> (raw scores
        of each scale, the maps of each scale's layers).
      game: (real_scores, fake_scores) -> Losses.
      g_optimizer, d_optimizer: of G and E, and of D.
      classes: K, the number of labels; others, which nobody cares about, are 0 everywhere in the one-hot map.
      style_size: of z.
      features, kl: λ_f and λ_kl.
      costs: what G's loss has beside, as `translation.Setup`'s.
      jitter: of the examples.
      ema: decay of the moving average of G that translates; 0: G itself.
      dtype: what the networks compute in, in training.
      axis_name: the mapped axis over which the batch is spread.
    """

    generator: nn.Module
    encoder: nn.Module | None
    discriminator: nn.Module
    game: Game
    g_optimizer: optax.GradientTransformation
    d_optimizer: optax.GradientTransformation
    classes: int
    style_size: int = 256
    features: float = 10.0
    kl: float = 0.05
    costs: Mapping[str, tuple[float, Cost]] = MappingProxyType({})
    jitter: Jitter = Jitter()
    ema: float = 0.0
    dtype: jnp.dtype = jnp.float32
    axis_name: str | None = None


def make(setup: Setup) -> Recipe:
    """The recipe. A round is a step of D, then one of G and E together, on the same examples."""

    def init(key: Key, batch: Batch) -> State:
        g_key, e_key, d_key = jax.random.split(key, 3)
        one = jax.tree.map(lambda x: x[:1], part(batch, 0))
        labels, average = one_hot(setup, one), bool(setup.ema)
        z = jnp.zeros((1, setup.style_size))
        players = {
            GENERATOR: init_player(setup.generator, setup.g_optimizer, g_key, labels, z, ema=average),
            DISCRIMINATOR: init_player(setup.discriminator, setup.d_optimizer, d_key, one["target"], {"image": labels}),
        }
        if setup.encoder is not None:
            players[ENCODER] = init_player(setup.encoder, setup.g_optimizer, e_key, one["target"])
        return State(jnp.zeros((), jnp.int32), players)

    def step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        jitter_key, style_key = jax.random.split(jax.random.fold_in(key, state.step))
        example = jittered(setup.jitter, part(batch, 0), jitter_key, setup.axis_name)
        keys = example_keys(style_key, len(example["target"]), setup.axis_name)
        state, d_metrics = d_step(setup, state, example, keys)
        state, g_metrics = g_step(setup, state, example, keys)
        return state.replace(step=state.step + 1), d_metrics | g_metrics

    translators = {"labels_to_image": Translator(("labels",), make_translate(setup), noisy=True, fixed=True)}
    if setup.encoder is not None:
        in_style = make_translate(setup, of_target=True)
        translators["in_style"] = Translator(("labels", "target"), in_style, fixed=True)
    return Recipe(init=init, step=step, batches_per_step=1, translators=translators)


def d_step(setup: Setup, state: State, example: Batch, keys: Key) -> tuple[State, Metrics]:
    """D's step."""
    fake = draw(setup, parameters(setup, state), state, example, keys)[0]

    def loss(params: PyTree):
        pair, condition = (example["target"], fake), {"image": one_hot(setup, example)}
        (real_scores, _), (fake_scores, _), variables = discriminate(setup, params, state, pair, condition)
        total = over_scales(setup.game, real_scores, fake_scores).d
        accuracies = measures.accuracies(real_scores[0], fake_scores[0], setup.axis_name)
        return total, (variables, {"d_loss": total, **accuracies})

    return descend(state, DISCRIMINATOR, loss, setup.d_optimizer, setup.axis_name, norm="d_gradient_norm")


def g_step(setup: Setup, state: State, example: Batch, keys: Key) -> tuple[State, Metrics]:
    """The step of G and E, against D as it is now."""

    def loss(params: PyTree):
        fake, divergence, variables = draw(setup, params, state, example, keys)
        d_params, pair = state.players[DISCRIMINATOR].params, (example["target"], fake)
        condition = {"image": one_hot(setup, example)}
        (real_scores, real_maps), (fake_scores, fake_maps), _ = discriminate(setup, d_params, state, pair, condition)
        metrics = {"g_loss": over_scales(setup.game, real_scores, fake_scores).g}
        metrics["features_distance"] = matched(real_maps, fake_maps)
        total = metrics["g_loss"] + setup.features * metrics["features_distance"]
        if setup.encoder is not None:
            metrics["kl"] = divergence
            total += setup.kl * divergence
        beside, costs = weighed(setup.costs, fake, example)
        return total + beside, (variables, metrics | costs)

    names = tuple(parameters(setup, state))
    state, metrics = descend_together(state, names, loss, setup.g_optimizer, setup.axis_name, norm="g_gradient_norm")
    if setup.ema:
        state = with_player(state, GENERATOR, update_ema(state.players[GENERATOR], setup.ema, state.step))
    return state, metrics


def parameters(setup: Setup, state: State) -> dict[str, PyTree]:
    """Those of G and, if there is one, E."""
    names = (GENERATOR,) if setup.encoder is None else (GENERATOR, ENCODER)
    return {name: state.players[name].params for name in names}


def draw(
    setup: Setup, params: dict[str, PyTree], state: State, example: Batch, keys: Key
) -> tuple[Array, Array, dict[str, PyTree]]:
    """(images in the styles of the targets, the mean of KL(q(z|y) ‖ N(0, 1)), the variables of G and E after the pass)."""
    z, after, divergence = latents(keys, setup.style_size), {}, jnp.zeros(())

    def apply(name: str, module: nn.Module, *inputs: Array):
        own = {"params": params[name], **state.players[name].variables}
        options = dict(train=True, mutable=list(state.players[name].variables), dtype=setup.dtype)
        found, after[name] = precision.apply(module, own, *inputs, **options)
        return found

    if setup.encoder is not None:
        mean, log_variance = apply(ENCODER, setup.encoder, example["target"])
        z = mean + jnp.exp(log_variance / 2) * z
        divergence = jnp.mean(kl_from_normal(mean, log_variance))
    return apply(GENERATOR, setup.generator, one_hot(setup, example), z), divergence, after


def over_scales(game: Game, real_scores: list[Array], fake_scores: list[Array]) -> Losses:
    """The means of a game's losses over scales, whose scores differ in number."""
    each = [game(real, fake) for real, fake in zip(real_scores, fake_scores, strict=True)]
    return Losses(*(sum(losses) / len(each) for losses in zip(*each)))


def matched(real_maps: list[list[Array]], fake_maps: list[list[Array]]) -> Array:
    """The mean over scales of Σ over layers of E|real - fake|, maps of real images as constants."""
    pairs = [pair for scales in zip(real_maps, fake_maps, strict=True) for pair in zip(*scales, strict=True)]
    return sum(jnp.mean(jnp.abs(jax.lax.stop_gradient(real) - fake)) for real, fake in pairs) / len(real_maps)


def one_hot(setup: Setup, example: Batch) -> Array:
    """The label map [B, H, W, 1] as [B, H, W, K]; of a label that is none of 0 to K - 1 all are 0."""
    return jax.nn.one_hot(example["labels"][..., 0], setup.classes)


def make_translate(setup: Setup, *, of_target: bool = False) -> Callable[[State, Batch, Key], Array]:
    """(state, {"labels": [n, H, W, 1]}, key) -> images, each in a style of its own from N(0, 1).

    Args: of_target: in the likeliest style, by E, of the example's "target", any image, instead.
    """

    def translate(state: State, example: Batch, key: Key) -> Array:
        variables = state.players[GENERATOR].sampled
        if of_target:
            encoder = state.players[ENCODER].all_variables
            z, _ = setup.encoder.apply(encoder, example["target"], train=False)
        else:
            z = latents(example_keys(key, len(example["labels"])), setup.style_size)
        return setup.generator.apply(variables, one_hot(setup, example), z, train=False)

    return translate
