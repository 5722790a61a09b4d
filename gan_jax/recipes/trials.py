"""Many independent trials of a recipe in one program, by `jax.vmap`: small networks leave a machine mostly idle."""

import dataclasses
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from gan_jax.randomness import Key
from gan_jax.recipes.contract import Batch, Condition, Metrics, Recipe, Sampler, State

Array = jax.Array


def means(metrics: Metrics) -> Metrics:
    """Each metric's mean over the trials, of metrics [T]."""
    return jax.tree.map(jnp.mean, metrics)


def of_each(metrics: Metrics) -> Metrics:
    """Every trial's own, of metrics [T]: {"0/d_loss": ..., "1/d_loss": ..., ...}."""
    return {f"{k}/{name}": value for name, values in metrics.items() for k, value in enumerate(values)}


def trials(recipe: Recipe, summary: Callable[[Metrics], Metrics] = means) -> Recipe:
    """A recipe that runs T trials of another at once. Trial k is the run of the k-th key on the k-th data.

    Its keys are [T] (`init` and `step` also take one key, which they split); its batches' leaves have the trials after
    the examples, [batches_per_step, B, T, ...]; all fields of its state have a leading axis [T], but for `step`; its
    metrics are a `summary` of the trials', of the same names, or with the trial before them, "1/d_loss"; latents, conditions
    and samples are [T, n, ...].
    """

    def init(keys: Key, batch: Batch) -> State:
        state = jax.vmap(recipe.init, in_axes=(0, 2))(_of_each_trial(keys, batch), batch)
        return dataclasses.replace(state, step=state.step[0])

    def step(state: State, batch: Batch, keys: Key) -> tuple[State, Metrics]:
        axes, keys = _axes(state), _of_each_trial(keys, batch)
        state, metrics = jax.vmap(recipe.step, in_axes=(axes, 2, 0), out_axes=(axes, 0))(state, batch, keys)
        return state, summary(metrics)

    sampler = recipe.sampler and _sampler(recipe.sampler)
    return Recipe(init, step, recipe.batches_per_step, sampler, every=recipe.every)


def one(state: State, trial: int) -> State:
    """The state of one trial alone, as the trials' own recipe has it. (Only `step` has no axis of trials.)"""
    pick = lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype) if isinstance(x, jax.ShapeDtypeStruct) else x[trial]
    return jax.tree.map(lambda x: pick(x) if x.ndim else x, state)


def all_of(states: Sequence[State]) -> State:
    """The trials' state, of their own ones at the same step."""
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)
    return dataclasses.replace(stacked, step=states[0].step)


def _sampler(sampler: Sampler) -> Sampler:
    def draw_latents(keys: Key, n: int, truncation: float | None = None) -> Array:
        return jax.vmap(lambda key: sampler.latents(key, n, truncation))(keys)

    def conditions(keys: Key, n: int) -> Condition | None:
        if not keys.ndim:  # of one trial: `Sampler.takes` asks so
            return sampler.conditions(keys, n)
        return jax.vmap(lambda key: sampler.conditions(key, n))(keys)

    def generate(state: State, latents: Array, condition: Condition | None = None) -> Array:
        return jax.vmap(sampler.generate, in_axes=(_axes(state), 0, 0))(state, latents, condition)

    return Sampler(sampler.prior, draw_latents, conditions, generate)


def _of_each_trial(keys: Key, batch: Batch) -> Key:
    return keys if keys.ndim else jax.random.split(keys, jax.tree.leaves(batch)[0].shape[2])


def _axes(state: State) -> State:
    """For vmap: 0 for all fields of the state, None for `step`, which the trials share."""
    return dataclasses.replace(state, **{field.name: 0 for field in dataclasses.fields(state)} | {"step": None})
