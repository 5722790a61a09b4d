"""BEGAN's balance by hand, its losses, and its memory."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import games
from gan_jax.networks import began as networks
from gan_jax.randomness import PRIORS, example_keys, latents
from gan_jax.recipes import began, gan

KEY = jax.random.key(0)

BALANCE = began.Balance()
uniform = PRIORS["uniform"]

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def batch(n=8):
    """Bright above, or below."""
    images = np.full((1, n, 8, 8, 1), 20, np.uint8)
    images[:, ::2, :4] = images[:, 1::2, 4:] = 230
    return {"image": images}


def make(balance=BALANCE, **changed):
    optimizer = optax.sgd(0.05)
    g, d = networks.Decoder((8, 8, 1), 2), networks.Discriminator(3, 2)
    setup = gan.Setup(g, d, games.wasserstein, optimizer, optimizer, latent_size=3, prior="uniform", **changed)
    return began.make(setup, balance)


def test_the_balance_by_hand_for_three_steps():
    """γ 0.5, λ 0.1; errors of real images 1, of fake ones 0.2, 0.7, 2: k rises, falls, and is clipped at 0."""
    balance, k, found = began.Balance(0.5, 0.1), jnp.zeros(()), []
    for fake in (0.2, 0.7, 2.0):
        k, measure = balance.after(k, jnp.float32(1), jnp.float32(fake))
        found.append((float(k), float(measure)))
    np.testing.assert_allclose(found, [(0.03, 1.3), (0.01, 1.2), (0.0, 2.5)], atol=1e-6)
    assert balance.after(jnp.float32(0.99), jnp.float32(1), jnp.float32(0))[0] == 1


def test_a_step_s_losses_and_memory():
    recipe = make(began.Balance(0.5, 0.1))
    state, step = recipe.init(KEY, batch()), jax.jit(recipe.step)
    assert state.memory == {"k": 0}
    state = state.replace(memory={"k": jnp.float32(0.25)})
    for _ in range(3):
        before = float(state.memory["k"])
        state, metrics = step(state, batch(), KEY)
        excess = 0.5 * metrics["real_error"] - metrics["fake_error"]
        np.testing.assert_allclose(state.memory["k"], before + 0.1 * excess, rtol=1e-5)
        np.testing.assert_allclose(metrics["convergence"], metrics["real_error"] + abs(excess), rtol=1e-5)
        assert metrics["k"] == state.memory["k"]


def test_a_step_descends_both_losses_of_the_paper():
    """SGD's step of each player is the gradient of its loss, worked out by hand: D's weighs fakes by -k, G's has them alone."""
    recipe, k = make(), 0.25
    state = recipe.init(KEY, batch()).replace(memory={"k": jnp.float32(k)})
    after, metrics = jax.jit(recipe.step)(state, batch(), KEY)
    g, d = networks.Decoder((8, 8, 1), 2), networks.Discriminator(3, 2)
    real = batch()["image"][0] / 127.5 - 1
    d_key, g_key, _ = jax.random.split(jax.random.fold_in(KEY, 0), 3)
    players = {name: player.params for name, player in state.players.items()}

    def fakes(params, key):
        return g.apply({"params": params}, latents(example_keys(key, 8), 3, uniform), train=True)

    def error(params, images):
        given_back = d.apply({"params": params}, images, train=True)[1]["reconstruction"]
        return jnp.mean(jnp.abs(images - given_back))

    d_fakes = fakes(players["generator"], d_key)
    losses = {
        "discriminator": lambda params: error(params, real) - k * error(params, d_fakes),
        "generator": lambda params: error(players["discriminator"], fakes(params, g_key)),
    }
    for name, loss in losses.items():
        value, gradient = jax.value_and_grad(loss)(players[name])
        np.testing.assert_allclose(metrics[f"{name[0]}_loss"], value, rtol=1e-5)
        moved = jax.tree.map(lambda p, g: p - 0.05 * g, players[name], gradient)
        close = partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-6)
        jax.tree.map(close, after.players[name].params, moved)
        assert max(float(jnp.abs(g).max()) for g in jax.tree.leaves(gradient)) > 1e-3


def test_real_images_are_given_back_ever_better():
    recipe = make()
    state, step = recipe.init(KEY, batch()), jax.jit(recipe.step)
    errors = []
    for _ in range(60):
        state, metrics = step(state, batch(), KEY)
        errors.append(float(metrics["real_error"]))
    assert errors[-1] < 0.9 * errors[0]


def test_four_shares_of_a_batch_are_the_whole_batch(require_shares_are_the_whole):
    """The balance too, which is made of means over all devices."""
    whole, shared = make(ema=0.9), make(ema=0.9, axis_name="data")
    require_shares_are_the_whole(whole, shared, batch(), KEY, atol=1e-6)
