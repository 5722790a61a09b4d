import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn

from gan_jax.recipes.players import init_player, update_average, update_player


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


def test_the_average_follows_the_weights():
    optimizer = optax.sgd(1.0)
    player = init_player(Network(), optimizer, jax.random.key(0), jnp.ones((2, 4)), averaged=True)
    jax.tree.map(np.testing.assert_array_equal, player.average, player.all_variables)
    moved = player.replace(params=jax.tree.map(lambda leaf: leaf + 1, player.params))
    early = update_average(moved, 0.9, jnp.int32(0))  # d = 1/10
    late = update_average(moved, 0.9, jnp.int32(1000))  # d = 0.9
    for after, expected in ((early, 0.9), (late, 0.1)):
        gone = jax.tree.map(lambda a, b: np.asarray(a - b), after.average["params"], player.params)
        jax.tree.map(lambda leaf: np.testing.assert_allclose(leaf, expected, atol=1e-6), gone)
        jax.tree.map(np.testing.assert_array_equal, after.average["batch_stats"], player.variables["batch_stats"])


def test_an_update_leaves_the_average():
    optimizer = optax.sgd(1.0)
    player = init_player(Network(), optimizer, jax.random.key(0), jnp.ones((2, 4)), averaged=True)
    ones = jax.tree.map(jnp.ones_like, player.params)
    assert update_player(player, ones, optimizer).average is player.average
