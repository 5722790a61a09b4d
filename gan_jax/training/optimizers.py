"""Optimizer transforms that GANs need and optax lacks."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax


def cosine(start: float, end: float, steps: int) -> optax.Schedule:
    """From `start` to `end` over so many steps, half a turn of a cosine, and `end` from then on (R3GAN: arXiv:2501.05441)."""
    fall = optax.cosine_decay_schedule(1.0, steps)
    return lambda step: end + (start - end) * fall(step)


def clip_weights(limit: float) -> optax.GradientTransformation:
    """Keeps every parameter in [-limit, limit] (WGAN: Arjovsky et al. 2017, arXiv:1701.07875, algorithm 1, line 7).

    Goes last in an `optax.chain`: it changes the update so that the updated parameter is clipped. Its `update` needs
    the parameters.
    """

    def clipped(update, param):
        return jnp.clip(param + update, -limit, limit) - param

    return optax.stateless(lambda updates, params: jax.tree.map(clipped, updates, params))


class HistoricalAverage(NamedTuple):
    """The mean of all parameters seen so far, and how many they are, int32 []."""

    mean: optax.Params
    count: jax.Array


def historical_averaging(weight: float) -> optax.GradientTransformation:
    """Adds the gradient of weight ‖θ - mean of all earlier θ‖² (Salimans et al. 2016, arXiv:1606.03498, section 3.3).

    Goes first in an `optax.chain`, so that the optimizer sees the penalised loss's gradient. At the first step there
    is no earlier θ, and nothing is added. The mean is the cumulative one, Σ θ[i] / t, as published. Its `update`
    needs the parameters.
    """

    def init(params):
        return HistoricalAverage(mean=jax.tree.map(jnp.zeros_like, params), count=jnp.zeros((), jnp.int32))

    def update(updates, state, params=None):
        now = jnp.where(state.count > 0, 2 * weight, 0.0)
        updates = jax.tree.map(lambda g, θ, mean: g + now * (θ - mean), updates, params, state.mean)
        count = state.count + 1
        mean = jax.tree.map(lambda mean, θ: mean + (θ - mean) / count, state.mean, params)
        return updates, HistoricalAverage(mean, count)

    return optax.GradientTransformation(init, update)


def orthogonal_regularization(strength: float, skip: Sequence[str] = ()) -> optax.GradientTransformation:
    """Adds strength · 2 (W Wᵀ ⊙ (1 - I)) W to the gradient of each kernel W (Brock et al. 2019, arXiv:1809.11096, equation 3).

    So rows, one for each output, are drawn towards being orthogonal, whatever their norms. As in the authors' code; it is half
    of the gradient of ‖W Wᵀ ⊙ (1 - I)‖². Vectors, and what lies under a name in `skip`, embeddings say, are left alone. A
    kernel [..., outputs] counts as a matrix of its outputs and all else. Goes first in an `optax.chain`; its `update` needs the
    parameters.
    """

    def pull(path: tuple, update: jax.Array, kernel: jax.Array) -> jax.Array:
        names = {getattr(key, "key", None) for key in path}
        if kernel.ndim < 2 or names & set(skip):
            return update
        w = kernel.reshape(-1, kernel.shape[-1])  # [inputs, outputs]: W transposed
        squares = jnp.sum(w**2, axis=0)
        # Of (W Wᵀ) W and W (Wᵀ W) the one with the smaller product inside; without its diagonal, which is that of the squares.
        whole = w @ (w.T @ w) if w.shape[1] < w.shape[0] else (w @ w.T) @ w
        return update + strength * 2 * (whole - squares * w).reshape(kernel.shape)

    return optax.stateless(lambda updates, params: jax.tree_util.tree_map_with_path(pull, updates, params))


def wait(optimizer: optax.GradientTransformation, rounds: int) -> optax.GradientTransformation:
    """The optimizer, which changes neither the parameters nor itself in its first `rounds` steps.

    For G: D's warm start (the critic of WGAN's authors' code makes 100 steps for each of G's first 25). With `rounds`
    ceil(W / n_critic) - 1, D makes at least W steps before G makes its first.
    """
    return optax.conditionally_mask(optimizer, lambda step: step >= rounds) if rounds > 0 else optimizer
