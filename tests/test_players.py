import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn

from gan_jax.players import init_player, update_player


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
