"""Players: the networks of a game, each with its parameters and its optimizer's state."""

import jax
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
    """

    params: PyTree
    variables: PyTree
    opt_state: optax.OptState


def init_player(module: nn.Module, optimizer: optax.GradientTransformation, key: Key, *inputs: jax.Array) -> Player:
    """A player with fresh parameters: `module.init(key, *inputs, train=False)`, and its optimizer's first state."""
    variables = dict(module.init(key, *inputs, train=False))
    params = variables.pop("params")
    return Player(params=params, variables=variables, opt_state=optimizer.init(params))


def update_player(
    player: Player, gradients: PyTree, optimizer: optax.GradientTransformation, variables: PyTree | None = None
) -> Player:
    """The player after one step of its optimizer along `gradients`; with `variables` in place of its own, if given."""
    updates, opt_state = optimizer.update(gradients, player.opt_state, player.params)
    return Player(
        params=optax.apply_updates(player.params, updates),
        variables=player.variables if variables is None else variables,
        opt_state=opt_state,
    )
