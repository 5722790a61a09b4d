"""Players: how they start, what one step of descent makes of them, and their moving average."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from gan_jax.recipes.contract import State
from gan_jax.recipes.players import (
    Player,
    descend,
    descend_together,
    init_player,
    update_ema,
    update_player,
    with_player,
)


class Network(nn.Module):
    @nn.compact
    def __call__(self, x, *, train):
        return nn.BatchNorm(use_running_average=not train)(nn.Dense(3)(x))


def test_a_player_is_split_into_params_and_other_variables():
    player = init_player(Network(), optax.sgd(0.1), jax.random.key(0), jnp.ones((2, 4)))
    assert set(player.params) == {"Dense_0", "BatchNorm_0"}
    assert set(player.variables) == {"batch_stats"}


def test_update_is_the_optimizers():
    optimizer = optax.sgd(0.1, momentum=0.5)
    player = init_player(Network(), optimizer, jax.random.key(0), jnp.ones((2, 4)))
    ones = jax.tree.map(jnp.ones_like, player.params)
    moved = update_player(update_player(player, ones, optimizer), ones, optimizer)
    # Two steps of momentum ½ along 1: 0.1 + 0.15.
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a - 0.25, b, atol=1e-6), player.params, moved.params)
    assert moved.variables is player.variables


def test_new_variables_replace_the_old():
    optimizer = optax.sgd(0.1)
    player = init_player(Network(), optimizer, jax.random.key(0), jnp.ones((2, 4)))
    zeros = jax.tree.map(jnp.zeros_like, player.params)
    assert update_player(player, zeros, optimizer, {"batch_stats": 1}).variables == {"batch_stats": 1}


def test_the_moving_average_follows_the_weights():
    optimizer = optax.sgd(1.0)
    player = init_player(Network(), optimizer, jax.random.key(0), jnp.ones((2, 4)), ema=True)
    jax.tree.map(np.testing.assert_array_equal, player.ema, player.all_variables)
    moved = player.replace(params=jax.tree.map(lambda leaf: leaf + 1, player.params))
    early = update_ema(moved, 0.9, jnp.int32(0))  # d = 1/10
    late = update_ema(moved, 0.9, jnp.int32(1000))  # d = 0.9
    for after, expected in ((early, 0.9), (late, 0.1)):
        gone = jax.tree.map(lambda a, b: np.asarray(a - b), after.ema["params"], player.params)
        jax.tree.map(lambda leaf: np.testing.assert_allclose(leaf, expected, atol=1e-6), gone)
        jax.tree.map(np.testing.assert_array_equal, after.ema["batch_stats"], player.variables["batch_stats"])


def test_an_update_leaves_the_moving_average():
    optimizer = optax.sgd(1.0)
    player = init_player(Network(), optimizer, jax.random.key(0), jnp.ones((2, 4)), ema=True)
    ones = jax.tree.map(jnp.ones_like, player.params)
    assert update_player(player, ones, optimizer).ema is player.ema


def two_players(optimizer):
    """Of one weight each, 3 and 5, the first with a variable beside it."""
    weights = {"first": 3.0, "second": 5.0}
    players = {}
    for name, weight in weights.items():
        params = {"w": jnp.float32(weight)}
        players[name] = Player(params, {"seen": jnp.float32(0)} if name == "first" else {}, optimizer.init(params))
    return State(jnp.int32(7), players, {"kept": jnp.float32(1)})


def squares(x):
    """The mean of (w x)²: its slope in w is 2 w mean x². It keeps mean x as its variable."""
    return lambda params: (
        jnp.mean((params["w"] * x) ** 2),
        ({"seen": jnp.mean(x)}, {"loss": jnp.mean((params["w"] * x) ** 2)}),
    )


X = jnp.array([1.0, 2.0, 3.0, 4.0])  # mean square 7.5


def test_descend_is_one_step_of_the_optimizer_along_the_gradient():
    """SGD at rate 0.1, by hand: 3 - 0.1 · 2 · 3 · 7.5."""
    optimizer = optax.sgd(0.1)
    state = two_players(optimizer)
    after, metrics = descend(state, "first", squares(X), optimizer, norm="norm")
    np.testing.assert_allclose(after.players["first"].params["w"], 3 - 0.1 * 45, rtol=1e-6)
    np.testing.assert_allclose(after.players["first"].variables["seen"], 2.5)
    np.testing.assert_allclose([metrics["loss"], metrics["norm"]], [9 * 7.5, 45], rtol=1e-6)
    assert after.players["second"] is state.players["second"]
    assert after.step == 7 and after.memory == state.memory
    assert state.players["first"].params["w"] == 3  # the state that was given is as it was
    assert set(descend(state, "first", squares(X), optimizer)[1]) == {"loss"}


def test_descend_keeps_the_optimizer_s_state_and_the_moving_average():
    optimizer = optax.sgd(0.1, momentum=0.5)
    state = two_players(optimizer)
    player = state.players["first"].replace(ema={"params": {"w": jnp.float32(2)}, "seen": jnp.float32(0)})
    state = with_player(state, "first", player)
    for _ in range(2):
        state, _ = descend(state, "first", lambda params: (4 * params["w"], ({}, {})), optimizer)
    np.testing.assert_allclose(state.players["first"].params["w"], 3 - 0.1 * 4 - 0.1 * (4 + 2), rtol=1e-6)
    assert state.players["first"].ema is player.ema and state.players["first"].variables == {}


def on_shares(axis_name):
    """A step on each of two shares of X, as the loop maps it: what returns is said to be equal on both."""
    optimizer = optax.sgd(0.1)

    def step(state, x):
        loss = squares(x)
        return descend(state, "first", lambda params: (loss(params)[0], ({}, loss(params)[1][1])), optimizer, axis_name)

    mapped = jax.vmap(step, axis_name="data", in_axes=(None, 0), out_axes=None)
    return mapped(two_players(optimizer), X.reshape(2, 2))


def test_gradients_and_metrics_are_averaged_over_the_devices():
    """Mean squares 2.5 and 12.5."""
    after, metrics = on_shares("data")
    np.testing.assert_allclose(after.players["first"].params["w"], 3 - 0.1 * 45, rtol=1e-6)
    np.testing.assert_allclose(metrics["loss"], 9 * 7.5, rtol=1e-6)


def test_a_forgotten_mean_over_the_devices_raises():
    with pytest.raises(ValueError, match="out_axes"):
        on_shares(None)


def test_players_that_share_a_loss_make_their_steps_of_one_gradient():
    """(w₁ - w₂)² of 3 and 5: slopes -4 and 4, whose norm is √32; each keeps its own variables and optimizer."""
    optimizer = optax.sgd(0.1)

    def loss(params):
        total = (params["first"]["w"] - params["second"]["w"]) ** 2
        return total, ({"first": {"seen": jnp.float32(9)}, "second": {}}, {"loss": total})

    after, metrics = descend_together(two_players(optimizer), ("first", "second"), loss, optimizer, norm="norm")
    np.testing.assert_allclose([after.players[name].params["w"] for name in ("first", "second")], [3.4, 4.6], rtol=1e-6)
    np.testing.assert_allclose([metrics["loss"], metrics["norm"]], [4, 32**0.5], rtol=1e-6)
    assert after.players["first"].variables == {"seen": 9} and after.players["second"].variables == {}
