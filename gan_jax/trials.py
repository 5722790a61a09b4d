"""Many independent runs of a recipe in one program, by `jax.vmap`: small networks leave a machine mostly idle."""

import dataclasses

import jax
import jax.numpy as jnp

from gan_jax.randomness import Key
from gan_jax.recipe import Batch, Metrics, Recipe, State

Array = jax.Array


def trials(recipe: Recipe) -> Recipe:
    """A recipe that runs T trials of another at once. Trial k is the run of the k-th key on the k-th data.

    Its keys are [T]; its batches' leaves have the trials after the examples, [parts, B, T, ...]; all fields of its
    state have a leading axis [T], but for `step`; its metrics are means over the trials; samples are [T, n, ...].
    """

    def init(keys: Key, batch: Batch) -> State:
        state = jax.vmap(recipe.init, in_axes=(0, 2))(keys, batch)
        return dataclasses.replace(state, step=state.step[0])

    def step(state: State, batch: Batch, keys: Key) -> tuple[State, Metrics]:
        axes = _axes(state)
        state, metrics = jax.vmap(recipe.step, in_axes=(axes, 2, 0), out_axes=(axes, 0))(state, batch, keys)
        return state, jax.tree.map(jnp.mean, metrics)

    def sample(state: State, keys: Key, n: int) -> Array:
        return jax.vmap(lambda state, key: recipe.sample(state, key, n), in_axes=(_axes(state), 0))(state, keys)

    return Recipe(init=init, step=step, sample=sample, parts=recipe.parts)


def one(state: State, trial: int) -> State:
    """The state of one trial alone, as the trials' own recipe has it."""
    return jax.tree.map(lambda x: x[trial] if x.ndim else x, state)  # only `step` has no axis of trials


def _axes(state: State) -> State:
    """For vmap: 0 for all fields of the state, None for `step`, which the trials share."""
    return dataclasses.replace(state, **{field.name: 0 for field in dataclasses.fields(state)} | {"step": None})
