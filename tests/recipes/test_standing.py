"""Batch statistics measured anew."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import games
from gan_jax.layers.norm import BatchNorm
from gan_jax.networks import dcgan, mlp
from gan_jax.recipes import gan
from gan_jax.recipes.standing import batch_statistics

KEY = jax.random.key(0)


def recipe(generator, **options):
    adam = optax.adam(1e-3)
    return gan.make(gan.Setup(generator, mlp.Discriminator((4,)), games.hinge, adam, adam, latent_size=5, **options))


def started(recipe, shape):
    return recipe.init(KEY, {"image": jnp.zeros((2, 4, *shape), jnp.uint8)})


def test_means_of_means_and_variances_of_batches():
    batches = 3 + 2 * jax.random.normal(KEY, (4, 6, 5))
    module = BatchNorm(train=True)
    variables = module.init(KEY, batches[0])
    draw = lambda variables, i: module.apply(variables, batches[i], mutable=["batch_stats"])[1]
    found = batch_statistics(variables, draw, jnp.arange(4))["batch_stats"]
    np.testing.assert_allclose(found["mean"], batches.mean(axis=(0, 1)), rtol=1e-5)
    np.testing.assert_allclose(found["var"], batches.var(axis=1).mean(axis=0), rtol=1e-4)


@pytest.mark.parametrize("ema, axis_name", [(0.9, None), (0.9, "data"), (0.0, "data")])
def test_what_is_sampled_has_the_statistics_of_its_own_batches(ema, axis_name):
    """With one batch, samples are those that are drawn in training of the very latents."""
    shape = (16, 16, 1)
    played = recipe(dcgan.Generator(shape, width=2, axis_name=axis_name), ema=ema, axis_name=axis_name)
    state, sampler = started(played, shape), played.sampler
    measured = sampler.standing(state, KEY, 1, 32)
    (key,) = jax.random.split(KEY, 1)
    z = sampler.latents(key, 32)
    assert np.abs(sampler.generate(state, z) - sampler.early(state, z)).max() > 0.01
    np.testing.assert_allclose(sampler.generate(measured, z), sampler.early(state, z), atol=1e-4)
    own = measured.players["generator"]
    jax.tree.map(np.testing.assert_array_equal, own.params, state.players["generator"].params)
    nearer = sampler.standing(state, KEY, 1, 32, 0.1)
    z = sampler.latents(key, 32, 0.1)
    np.testing.assert_allclose(sampler.generate(nearer, z), sampler.early(state, z), atol=1e-4)
    changed = own.ema if ema else own.variables
    assert np.any(changed["batch_stats"]["BatchNorm_0"]["mean"])


def test_a_generator_without_batch_statistics():
    played = recipe(mlp.Generator((8, 8, 1), (4,), norm="none"))
    with pytest.raises(ValueError, match="no batch statistics"):
        played.sampler.standing(started(played, (8, 8, 1)), KEY, 1, 4)
