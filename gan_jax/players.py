"""Players: the networks of a game, each with its parameters and its optimizer's state."""

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn
from flax import struct

from gan_jax.randomness import Key

PyTree = dict


class Player(struct.PyTreeNode):
    """All that one player remembers between steps. Neither the module nor the optimizer is inside.

    Fields:
      params: what the optimizer changes.
      variables: the module's other collections, such as {"batch_stats": ...}; {} if it has none.
      opt_state: the optimizer's state.
      average: {"params": ..., **variables}, averaged over the steps by `update_average`; None if that is not called.
    """

    params: PyTree
    variables: PyTree
    opt_state: optax.OptState
    average: PyTree | None = None

    @property
    def all_variables(self) -> PyTree:
        """What the module is applied with: {"params": ..., **variables}."""
        return {"params": self.params, **self.variables}


def init_player(
    module: nn.Module, optimizer: optax.GradientTransformation, key: Key, *inputs: jax.Array, averaged: bool = False
) -> Player:
    """A player with fresh parameters: `module.init(key, *inputs, train=False)`, and its optimizer's first state.

    averaged: whether it keeps an average, which starts as a copy.
    """
    variables = dict(module.init(key, *inputs, train=False))
    params = variables.pop("params")
    player = Player(params=params, variables=variables, opt_state=optimizer.init(params))
    return player.replace(average=jax.tree.map(jnp.copy, player.all_variables)) if averaged else player


def update_player(
    player: Player, gradients: PyTree, optimizer: optax.GradientTransformation, variables: PyTree | None = None
) -> Player:
    """The player after one step of its optimizer along `gradients`; with `variables` in place of its own, if given."""
    updates, opt_state = optimizer.update(gradients, player.opt_state, player.params)
    return player.replace(
        params=optax.apply_updates(player.params, updates),
        variables=player.variables if variables is None else variables,
        opt_state=opt_state,
    )


def update_average(player: Player, decay: float, step: jax.Array) -> Player:
    """The player with its exponential moving average moved on: average ← d average + (1 - d) now.

    Sampling a generator so averaged gives better images (Yazıcı et al. 2019, arXiv:1806.04498). Batch statistics are
    averaged with the parameters. d = min(decay, (1 + step) / (10 + step)), as TensorFlow's ExponentialMovingAverage
    has it, so that the first weights are soon forgotten.

    Args:
      decay: in [0, 1); 0.999 averages over about 1,000 steps.
      step: steps made before this one, int32 [].
    """
    d = jnp.minimum(decay, (1 + step) / (10 + step))
    # Written so, what does not change stays as it is, to the last bit.
    average = jax.tree.map(lambda old, new: old + (1 - d) * (new - old), player.average, player.all_variables)
    return player.replace(average=average)
