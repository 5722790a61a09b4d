"""The variational autoencoder's step is the gradient of its bound; the bounds are what they are called."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn
from scipy import stats

from gan_jax import reconstruction
from gan_jax.networks import autoencoder, mlp
from gan_jax.randomness import example_keys
from gan_jax.recipes import vae

KEY = jax.random.key(0)
SHAPE = (4, 4, 1)

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def batch(n=8):
    return {"image": np.random.RandomState(0).randint(0, 256, (1, n, *SHAPE)).astype(np.uint8)}


def make(**changed):
    encoder = autoencoder.DenseEncoder(2, (8,))
    decoder = mlp.Generator(SHAPE, (8,), nn.relu, bounded=False)
    fields = dict(observation=vae.bernoulli(), optimizer=optax.sgd(0.01), latent_size=2) | changed
    setup = vae.Setup(encoder, decoder, **fields)
    return setup, vae.make(setup)


def by_hand(setup, state, images, keys):
    """(reconstruction, kl), means over the batch."""
    mean, log_variance = setup.encoder.apply(state.players["encoder"].all_variables, images, train=False)
    ε = jax.vmap(lambda key: jax.random.normal(key, (2,)))(keys)
    numbers = setup.decoder.apply(
        state.players["decoder"].all_variables, mean + jnp.exp(log_variance / 2) * ε, train=False
    )
    pixels = (images + 1) / 2
    coins = -(pixels * jax.nn.log_sigmoid(numbers) + (1 - pixels) * jax.nn.log_sigmoid(-numbers))
    kl = 0.5 * (mean**2 + jnp.exp(log_variance) - log_variance - 1)
    return coins.sum() / len(images), kl.sum() / len(images)


@pytest.mark.parametrize("beta", [1.0, 4.0])
def test_a_step_descends_the_negative_bound(beta):
    """SGD's step of both players is their share of one gradient; both parts are recorded, in nats per image."""
    setup, recipe = make(beta=beta)
    state = recipe.init(KEY, batch())
    after, metrics = jax.jit(recipe.step)(state, batch(), KEY)
    images, keys = batch()["image"][0] / 127.5 - 1, example_keys(jax.random.fold_in(KEY, 0), 8)

    def total(params):
        players = {name: state.players[name].replace(params=params[name]) for name in params}
        error, kl = by_hand(setup, state.replace(players=players), images, keys)
        return error + beta * kl

    error, kl = by_hand(setup, state, images, keys)
    expected = {"reconstruction": error, "kl": kl, "loss": error + beta * kl}
    for name, value in expected.items():
        np.testing.assert_allclose(metrics[name], value, rtol=1e-5)
    params = {name: player.params for name, player in state.players.items()}
    moved = jax.tree.map(lambda p, g: p - 0.01 * g, params, jax.grad(total)(params))
    found = {name: player.params for name, player in after.players.items()}
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-6), found, moved)
    assert after.step == 1


def test_the_kl_s_weight_may_rise():
    _, recipe = make(beta=optax.linear_schedule(0.0, 1.0, 10))
    state = recipe.init(KEY, batch())
    for step, weight in ((0, 0.0), (5, 0.5), (20, 1.0)):
        _, metrics = recipe.step(state.replace(step=jnp.int32(step)), batch(), KEY)
        expected = metrics["reconstruction"] + weight * metrics["kl"]
        np.testing.assert_allclose(metrics["loss"], expected, rtol=1e-5)


def test_the_bound_sums_over_pixels_and_latents():
    """Twice as many pixels, and latents, weigh twice as much. A mean over pixels beside a summed KL would let codes die."""
    twice = lambda x: jnp.concatenate([x, x], axis=1)
    pixels, logits = batch()["image"][0] / 255.0, jax.random.normal(KEY, (8, *SHAPE))
    one = reconstruction.bernoulli(logits, pixels)
    np.testing.assert_allclose(reconstruction.bernoulli(twice(logits), twice(pixels)), 2 * one, rtol=1e-5)
    mean = jax.random.normal(KEY, (8, 2))
    one = reconstruction.kl_from_normal(mean, mean)
    np.testing.assert_allclose(reconstruction.kl_from_normal(twice(mean), twice(mean)), 2 * one, rtol=1e-5)


def test_four_shares_of_a_batch_are_the_whole_batch(require_shares_are_the_whole):
    require_shares_are_the_whole(make()[1], make(axis_name="data")[1], batch(), KEY, atol=1e-6)


class Linear(nn.Module):
    """z -> z W, a decoder whose likelihood is known: with noise of deviation σ, x is N(0, W Wᵀ + σ²)."""

    @nn.compact
    def __call__(self, z, *, train):
        return nn.Dense(3, use_bias=False)(z).reshape(-1, 3, 1, 1)


def test_bounds_are_below_the_likelihood_and_reach_it():
    """Of a linear decoder log p(x) has a closed form; many latents bring the bound there, one does not."""
    deviation = 0.5
    setup = vae.Setup(autoencoder.DenseEncoder(2, (4,)), Linear(), vae.gaussian(deviation), optax.sgd(0.0), 2)
    recipe = vae.make(setup)
    images = np.random.RandomState(0).uniform(-1, 1, (6, 3, 1, 1)).astype(np.float32)
    state = recipe.init(KEY, {"image": images[None]})
    w = np.asarray(state.players["decoder"].params["Dense_0"]["kernel"], np.float64)
    pixels = (images.reshape(6, 3) + 1) / 2
    exact = stats.multivariate_normal(np.zeros(3), w.T @ w + deviation**2 * np.eye(3)).logpdf(pixels)
    keys = example_keys(KEY, 6)
    many = jax.jit(partial(recipe.likelihood.importance_weighted, samples=20_000))(state, images, keys)
    np.testing.assert_allclose(many, exact, atol=0.05)
    draws = lambda bound: jax.jit(jax.vmap(lambda key: bound(state, images, example_keys(key, 6))))(
        jax.random.split(KEY, 50_000)
    )
    elbo = draws(recipe.likelihood.elbo)
    assert (elbo.mean(axis=0) < exact - 0.1).all()
    one = draws(partial(recipe.likelihood.importance_weighted, samples=1))
    within = 5 * (np.var(one, axis=0) + np.var(elbo, axis=0)) ** 0.5 / len(one) ** 0.5
    assert (np.abs(one.mean(axis=0) - elbo.mean(axis=0)) < within).all() and within.max() < 0.5


def test_what_it_can_do():
    """Codes are means; samples are pixels in [-1, 1] that depend on their key alone; pixels may be uint8."""
    setup, recipe = make()
    state = recipe.init(KEY, batch())
    images = batch()["image"][0]
    floats = images / np.float32(127.5) - 1
    mean, _ = vae.posterior(setup, state, floats)
    np.testing.assert_array_equal(recipe.encode(state, floats), mean)
    keys = example_keys(KEY, 8)
    np.testing.assert_allclose(
        recipe.likelihood.elbo(state, images, keys), recipe.likelihood.elbo(state, floats, keys), rtol=1e-6
    )
    z = recipe.sampler.latents(KEY, 5)
    np.testing.assert_array_equal(recipe.sampler.latents(keys, 8)[:5], z)
    drawn = recipe.sampler.generate(state, 100 * z)
    assert drawn.shape == (5, *SHAPE) and jnp.abs(drawn).max() <= 1
