"""How samples of a trained generator are drawn: by the moving average of its weights, if it has one."""

from collections.abc import Callable

import jax
from flax import linen as nn

from gan_jax.randomness import PRIORS, Key, example_keys, latents
from gan_jax.recipes.contract import Condition, Sampler, State
from gan_jax.recipes.players import PyTree, with_player
from gan_jax.recipes.standing import batch_statistics

Array = jax.Array


def make_sampler(
    generator: nn.Module,
    draw_condition: Callable[[Key], Condition] | None = None,
    *,
    latent_size: int,
    prior: str,
    axis_name: str | None = None,
) -> Sampler:
    """The sampler of the player "generator"; early samples are by itself.

    Args:
      draw_condition: keys [n] -> conditions of n samples; None where nothing can be asked for.
      the others: as `gan.Setup`'s.
    """
    # Of a conditional sample's two keys one is for its latent and one for its condition.
    split = jax.vmap(jax.random.split, out_axes=1)

    def draw_latents(key: Key, n: int, truncation: float | None = None) -> Array:
        keys = example_keys(key, n)
        own = split(keys)[0] if draw_condition else keys
        return latents(own, latent_size, PRIORS[prior], truncation)

    def conditions(key: Key, n: int) -> Condition | None:
        return draw_condition(split(example_keys(key, n))[1]) if draw_condition else None

    def generate(state: State, z: Array, condition: Condition | None = None) -> Array:
        return generator.apply(state.players["generator"].sampled, z, condition, train=False)

    def in_training(variables: PyTree, z: Array, condition: Condition | None) -> tuple[Array, PyTree]:
        def draw(z: Array, condition: Condition | None) -> tuple[Array, PyTree]:
            return generator.apply(variables, z, condition, train=True, mutable=list(variables))

        if axis_name is None:
            return draw(z, condition)
        one = jax.tree.map(lambda x: x[None], (z, condition))  # the axis over which batch statistics are shared
        return jax.tree.map(lambda x: x[0], jax.vmap(draw, axis_name=axis_name)(*one))

    def early(state: State, z: Array, condition: Condition | None = None) -> Array:
        return in_training(state.players["generator"].all_variables, z, condition)[0]

    def standing(state: State, key: Key, batches: int, n: int, truncation: float | None = None) -> State:
        z = lambda key: draw_latents(key, n, truncation)
        draw = jax.jit(lambda variables, key: in_training(variables, z(key), conditions(key, n))[1])
        player = state.players["generator"]
        measured = batch_statistics(player.sampled, draw, jax.random.split(key, batches))
        return with_player(state, "generator", player.with_sampled({**player.sampled, **measured}))

    return Sampler(prior, draw_latents, conditions, generate, early, standing)
