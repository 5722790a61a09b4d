"""Many independent runs of a recipe in one program, by `jax.vmap`: small networks leave a machine mostly idle."""

import dataclasses
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from gan_jax.randomness import Key
from gan_jax.recipe import Batch, Metrics, Recipe, State

Array = jax.Array


def means(metrics: Metrics) -> Metrics:
    """Each metric's mean over the trials, of metrics [T]."""
    return jax.tree.map(jnp.mean, metrics)


def of_each(metrics: Metrics) -> Metrics:
    """Every trial's own, of metrics [T]: {"0/d_loss": ..., "1/d_loss": ..., ...}."""
    return {f"{k}/{name}": value for name, values in metrics.items() for k, value in enumerate(values)}


def trials(recipe: Recipe, summary: Callable[[Metrics], Metrics] = means) -> Recipe:
    """A recipe that runs T trials of another at once. Trial k is the run of the k-th key on the k-th data.

    Its keys are [T]; its batches' leaves have the trials after the examples, [parts, B, T, ...]; all fields of its
    state have a leading axis [T], but for `step`; its metrics are a `summary` of the trials'; samples are [T, n, ...].
    """

    def init(keys: Key, batch: Batch) -> State:
        state = jax.vmap(recipe.init, in_axes=(0, 2))(keys, batch)
        return dataclasses.replace(state, step=state.step[0])

    def step(state: State, batch: Batch, keys: Key) -> tuple[State, Metrics]:
        axes = _axes(state)
        state, metrics = jax.vmap(recipe.step, in_axes=(axes, 2, 0), out_axes=(axes, 0))(state, batch, keys)
        return state, summary(metrics)

    def sample(state: State, keys: Key, n: int) -> Array:
        return jax.vmap(lambda state, key: recipe.sample(state, key, n), in_axes=(_axes(state), 0))(state, keys)

    return Recipe(init=init, step=step, sample=sample, parts=recipe.parts)


def one(state: State, trial: int) -> State:
    """The state of one trial alone, as the trials' own recipe has it. (Only `step` has no axis of trials.)"""
    pick = lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype) if isinstance(x, jax.ShapeDtypeStruct) else x[trial]
    return jax.tree.map(lambda x: pick(x) if x.ndim else x, state)


def all_of(states: Sequence[State]) -> State:
    """The trials' state, of their own ones at the same step."""
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)
    return dataclasses.replace(stacked, step=states[0].step)


def _axes(state: State) -> State:
    """For vmap: 0 for all fields of the state, None for `step`, which the trials share."""
    return dataclasses.replace(state, **{field.name: 0 for field in dataclasses.fields(state)} | {"step": None})
