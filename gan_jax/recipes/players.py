"""Players: the networks of a game, each with its parameters and its optimizer's state; and the step that one makes."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn
from flax import struct

from gan_jax.devices import device_mean
from gan_jax.randomness import Key

PyTree = dict
Metrics = dict[str, jax.Array]
State = TypeVar("State")  # recipes.contract's, which is made of players


class Player(struct.PyTreeNode):
    """All that one player remembers between steps. Neither the module nor the optimizer is inside.

    Fields:
      params: what the optimizer changes.
      variables: the module's other collections, such as {"batch_stats": ...}; {} if it has none.
      opt_state: the optimizer's state.
      ema: {"params": ..., **variables}, an exponential moving average over the steps (`update_ema`); None without one.
    """

    params: PyTree
    variables: PyTree
    opt_state: optax.OptState
    ema: PyTree | None = None

    @property
    def all_variables(self) -> PyTree:
        """What the module is applied with: {"params": ..., **variables}."""
        return {"params": self.params, **self.variables}

    @property
    def sampled(self) -> PyTree:
        """What a trained module is applied with: the moving average, if there is one, else all_variables."""
        return self.all_variables if self.ema is None else self.ema

    def with_sampled(self, variables: PyTree) -> "Player":
        """The player with these in the place of `sampled`."""
        if self.ema is not None:
            return self.replace(ema=variables)
        others = {name: value for name, value in variables.items() if name != "params"}
        return self.replace(params=variables["params"], variables=others)


def init_player(
    module: nn.Module, optimizer: optax.GradientTransformation, key: Key, *inputs: jax.Array, ema: bool = False
) -> Player:
    """A player with fresh parameters: `module.init(key, *inputs, train=False)`, and its optimizer's first state.

    ema: whether it keeps a moving average, which starts as a copy.
    """
    variables = dict(module.init(key, *inputs, train=False))
    params = variables.pop("params")
    player = Player(params=params, variables=variables, opt_state=optimizer.init(params))
    return player.replace(ema=jax.tree.map(jnp.copy, player.all_variables)) if ema else player


def descend(
    state: State,
    name: str,
    loss_fn: Callable[[PyTree], tuple[jax.Array, tuple[PyTree, Metrics]]],
    optimizer: optax.GradientTransformation,
    axis_name: str | None = None,
    *,
    norm: str | None = None,
) -> tuple[State, Metrics]:
    """One step of a player down the gradient of its loss: (the state with the player after it, metrics).

    Args:
      name: the player's, in `state.players`.
      loss_fn: the player's parameters -> (loss, (its variables after the pass, metrics)).
      optimizer: the player's.
      axis_name: the mapped axis over which the batch is spread: gradients and metrics are averaged over the devices.
      norm: the metric under which the gradient's norm is recorded; None for none.
    """

    def loss(params: PyTree) -> tuple[jax.Array, tuple[PyTree, Metrics]]:
        total, (variables, metrics) = loss_fn(params[name])
        return total, ({name: variables}, metrics)

    return descend_together(state, (name,), loss, optimizer, axis_name, norm=norm)


def descend_together(
    state: State,
    names: Sequence[str],
    loss_fn: Callable[[PyTree], tuple[jax.Array, tuple[PyTree, Metrics]]],
    optimizer: optax.GradientTransformation,
    axis_name: str | None = None,
    *,
    norm: str | None = None,
) -> tuple[State, Metrics]:
    """One step of several players down the gradient of the loss that they share, as an encoder and its decoder do.

    Args: loss_fn: their parameters by name -> (loss, (their variables after the pass by name, metrics)). optimizer: of each,
      with a state of its own. The others: as of `descend`.
    """
    players = {name: state.players[name] for name in names}
    params = {name: player.params for name, player in players.items()}
    gradients, (variables, metrics) = jax.grad(loss_fn, has_aux=True)(params)
    gradients, metrics = device_mean((gradients, metrics), axis_name)
    if norm is not None:
        metrics = {**metrics, norm: optax.tree.norm(gradients)}
    for name, player in players.items():
        state = with_player(state, name, update_player(player, gradients[name], optimizer, variables[name]))
    return state, metrics


def with_player(state: State, name: str, player: Player) -> State:
    """The state with this player in the place of its own one of that name."""
    return state.replace(players={**state.players, name: player})


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


def update_ema(player: Player, decay: float | jax.Array, step: jax.Array) -> Player:
    """The player with its exponential moving average moved on: ema ← d ema + (1 - d) now.

    Sampling a generator so averaged gives better images (Yazıcı et al. 2019, arXiv:1806.04498). Batch statistics are
    averaged with the parameters. d = min(decay, (1 + step) / (10 + step)), as TensorFlow's ExponentialMovingAverage
    has it, so that the first weights are soon forgotten.

    Args:
      decay: in [0, 1); 0.999 averages over about 1,000 steps.
      step: steps made before this one, int32 [].
    """
    d = jnp.minimum(decay, (1 + step) / (10 + step))
    # Written so, what does not change stays as it is, to the last bit.
    ema = jax.tree.map(lambda old, new: old + (1 - d) * (new - old), player.ema, player.all_variables)
    return player.replace(ema=ema)
