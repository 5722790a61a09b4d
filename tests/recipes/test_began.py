"""BEGAN's balance by hand, its losses, and its memory."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import games
from gan_jax.networks import began as networks
from gan_jax.recipes import began, gan

KEY = jax.random.key(0)

BALANCE = began.Balance()

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
        assert metrics["k"] == state.memory["k"] and metrics["g_loss"] == metrics["fake_error"]
        fakes = (metrics["real_error"] - metrics["d_loss"]) / before  # of the images that D saw
        np.testing.assert_allclose(fakes, metrics["fake_error"], rtol=0.2)


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
