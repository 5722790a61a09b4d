"""How an image is translated into another that is known: pix2pix (Isola et al. 2017, arXiv:1611.07004), and all that is like it.

An example is a pair, {"image": x, "target": y}: what is given, and what it is to become; of a restoration with holes there is a
"mask" too. G draws y from x, and its only noise, if any, is dropout. D scores the patches of (x, y) against those of (x, G(x)):

  D minimises ½ game.d(D(x, y), D(x, G(x)))
  G minimises game.g(D(x, y), D(x, G(x))) + λ E|y - G(x)| + what else there is   (equations 1, 3 and 4)

The metrics d_loss and g_loss are the game's; costs have names of their own.

Either may also play alone for some rounds (`Phase`): G without a game, D against a G that stays as it is.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

from gan_jax import precision
from gan_jax.games import Game
from gan_jax.randomness import Key, example_keys
from gan_jax.recipes import measures
from gan_jax.recipes.batch import part
from gan_jax.recipes.contract import Batch, Metrics, Recipe, State, Translator
from gan_jax.recipes.jitter import Jitter, jittered
from gan_jax.recipes.players import Player, PyTree, descend, init_player, update_ema, with_player

Array = jax.Array
Cost = Callable[[Array, Batch], Array]  # (images, the examples that they were made of) -> a scalar

GENERATOR, DISCRIMINATOR = "generator", "discriminator"


class Setup(NamedTuple):
    """What does not change during training.

    Fields:
      generator: called as `generator.apply(variables, *inputs, train=)` -> images.
      discriminator: called as `discriminator.apply(variables, images, condition, train=)` -> (raw scores [B, ...], dict).
      game: (real_scores, fake_scores) -> Losses.
      g_optimizer, d_optimizer: the players' optimizers.
      inputs: the fields of an example that G is given.
      compose: (what G draws, the examples) -> images [B, H, W, C] in [-1, 1]: where some of x is to be kept.
      costs: what G's loss has beside the game's: (weight, cost) by the names under which they are recorded.
      conditional: whether D is given x beside the image.
      d_share: D's loss is the game's times this.
      jitter: of the examples.
      multiple: of how many pixels the sides of what G takes are a multiple.
      noisy: whether, unless it is asked otherwise, dropout and an example's own statistics stay when it translates, as the authors
        have it.
      ema: decay of the moving average of G that translates; 0: G itself.
      dtype: what the networks compute in, in training.
      axis_name: the mapped axis over which the batch is spread.
    """

    generator: nn.Module
    discriminator: nn.Module
    game: Game
    g_optimizer: optax.GradientTransformation
    d_optimizer: optax.GradientTransformation
    inputs: tuple[str, ...] = ("image",)
    compose: Callable[[Array, Batch], Array] = lambda drawn, example: drawn
    costs: Mapping[str, tuple[float, Cost]] = MappingProxyType({})
    conditional: bool = True
    d_share: float = 0.5
    jitter: Jitter = Jitter()
    multiple: int = 1
    noisy: bool = False
    ema: float = 0.0
    dtype: jnp.dtype = jnp.float32
    axis_name: str | None = None


def l1(images: Array, example: Batch) -> Array:
    """E|y - G(x)|, of images in [-1, 1], a mean over all numbers (equation 3); with a mask, over those that are missing."""
    distance = jnp.abs(images - example["target"])
    if "mask" in example:  # an image at a time, so that it is the same however a batch is spread over devices
        missing = jnp.mean(example["mask"], axis=(1, 2, 3), keepdims=True)
        distance = jnp.where(example["mask"], distance, 0) / jnp.maximum(missing, 1e-6)
    return jnp.mean(distance)


def make(setup: Setup, *, players: tuple[str, ...] = (DISCRIMINATOR, GENERATOR), name: str = "a_to_b") -> Recipe:
    """The recipe. A round is a step of each player, on the same examples and with the same noise, as the authors have it.

    Args: players: who learns in a round; if G is alone its loss has no game; name: of what it does, in `translators`.
    """

    def init(key: Key, batch: Batch) -> State:
        g_key, d_key = jax.random.split(key)
        one = jax.tree.map(lambda x: x[:1], part(batch, 0))
        generator = init_player(setup.generator, setup.g_optimizer, g_key, *inputs_of(setup, one), ema=bool(setup.ema))
        discriminator = init_player(setup.discriminator, setup.d_optimizer, d_key, one["target"], given(setup, one))
        return State(jnp.zeros((), jnp.int32), {GENERATOR: generator, DISCRIMINATOR: discriminator})

    def step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        jitter_key, noise_key = jax.random.split(jax.random.fold_in(key, state.step))
        example, metrics = jittered(setup.jitter, part(batch, 0), jitter_key, setup.axis_name), {}
        if DISCRIMINATOR in players:
            state, metrics = d_step(setup, state, example, noise_key)
        if GENERATOR in players:
            state, own = g_step(setup, state, example, noise_key, plays=DISCRIMINATOR in players)
            metrics |= own
        return state.replace(step=state.step + 1), metrics

    usual, otherwise = (make_translate(setup, noisy=noisy) for noisy in (setup.noisy, not setup.noisy))
    translator = Translator(setup.inputs, usual, setup.noisy, otherwise, setup.multiple)
    return Recipe(init=init, step=step, batches_per_step=1, translators={name: translator})


def d_step(setup: Setup, state: State, example: Batch, key: Key) -> tuple[State, Metrics]:
    """D's step. Real and fake images pass D one after another."""
    fake, _ = draw(setup, state.players[GENERATOR], example, key)

    def loss(params: PyTree):
        (real_scores, _), (fake_scores, _), variables = discriminate(
            setup, params, state, (example["target"], fake), given(setup, example)
        )
        game = setup.game(real_scores, fake_scores).d
        accuracies = measures.accuracies(real_scores, fake_scores, setup.axis_name)
        return setup.d_share * game, (variables, {"d_loss": game, **accuracies})

    return descend(state, DISCRIMINATOR, loss, setup.d_optimizer, setup.axis_name, norm="d_gradient_norm")


def g_step(setup: Setup, state: State, example: Batch, key: Key, *, plays: bool) -> tuple[State, Metrics]:
    """G's step; if it `plays`, against D as it is now."""

    def loss(params: PyTree):
        fake, variables = draw(setup, state.players[GENERATOR].replace(params=params), example, key)
        total, metrics = 0.0, {}
        if plays:
            d_params = state.players[DISCRIMINATOR].params
            (real_scores, _), (fake_scores, _), _ = discriminate(
                setup, d_params, state, (example["target"], fake), given(setup, example)
            )
            total = metrics["g_loss"] = setup.game(real_scores, fake_scores).g
        beside, costs = weighed(setup.costs, fake, example)
        return total + beside, (variables, metrics | costs)

    state, metrics = descend(state, GENERATOR, loss, setup.g_optimizer, setup.axis_name, norm="g_gradient_norm")
    if setup.ema:
        state = with_player(state, GENERATOR, update_ema(state.players[GENERATOR], setup.ema, state.step))
    return state, metrics


def draw(setup: Setup, generator: Player, example: Batch, key: Key) -> tuple[Array, PyTree]:
    """The images of examples, in training, with the generator's variables after the pass."""
    options = dict(train=True, mutable=list(generator.variables), rngs={"noise": key}, dtype=setup.dtype)
    drawn, variables = precision.apply(setup.generator, generator.all_variables, *inputs_of(setup, example), **options)
    return setup.compose(drawn, example), variables


def discriminate(
    setup: object, params: PyTree, state: State, pair: tuple[Array, Array], condition: dict[str, Array] | None
) -> tuple[tuple, tuple, PyTree]:
    """What a D of these parameters makes of (targets, fake images), (scores, maps) each; its variables after both passes.

    Args: setup: with `discriminator` and `dtype`; condition: what D is given beside the images.
    """
    variables, found = state.players[DISCRIMINATOR].variables, []
    for images in pair:
        options = dict(train=True, mutable=list(variables), dtype=setup.dtype)
        out, variables = precision.apply(
            setup.discriminator, {"params": params, **variables}, images, condition, **options
        )
        found.append(out)
    return *found, variables


def weighed(costs: Mapping[str, tuple[float, Cost]], images: Array, example: Batch) -> tuple[Array, Metrics]:
    """(the sum of costs by their weights, each without its weight by its name)."""
    metrics = {name: cost(images, example) for name, (_, cost) in costs.items()}
    return sum((weight * metrics[name] for name, (weight, _) in costs.items()), jnp.zeros(())), metrics


def make_translate(setup: Setup, *, noisy: bool) -> Callable[[State, Batch, Key], Array]:
    """(state, examples, key) -> images, by the moving average of G if it has one; the examples need have no target.

    If `noisy` each example has its own dropout and is normalised by its own statistics, as the authors' batches of one are.
    """

    def translate(state: State, example: Batch, key: Key) -> Array:
        player = state.players[GENERATOR]
        variables = player.sampled
        if not noisy:
            drawn = setup.generator.apply(variables, *inputs_of(setup, example), train=False)
            return setup.compose(drawn, example)

        def alone(one: Batch, key: Key) -> Array:
            options = dict(train=True, mutable=list(player.variables), rngs={"noise": key})
            drawn, _ = setup.generator.apply(variables, *inputs_of(setup, one), **options)
            return setup.compose(drawn, one)

        axis = {} if setup.axis_name is None else {"axis_name": setup.axis_name}
        over_axis = jax.vmap(alone, in_axes=(0, None), **axis)  # of one device
        batches_of_one = jax.tree.map(lambda x: x[:, None, None], example)
        return jax.vmap(over_axis)(batches_of_one, example_keys(key, len(batches_of_one[setup.inputs[0]])))[:, 0, 0]

    return translate


def inputs_of(setup: Setup, example: Batch) -> tuple[Array, ...]:
    """What G is given of examples."""
    return tuple(example[name] for name in setup.inputs)


def given(setup: Setup, example: Batch) -> dict[str, Array] | None:
    """What D is given of examples beside the image."""
    return {"image": example["image"]} if setup.conditional else None
