"""What is seen of the first rounds: what G draws as it is in training. What is measured is always its moving average."""

import jax
import numpy as np
import optax
import pytest

from gan_jax import games
from gan_jax.data.spec import example_batch, labelled_image
from gan_jax.networks import dcgan
from gan_jax.recipes import gan
from gan_jax.recipes.contract import EARLY
from gan_jax.runs import drawing

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def recipe_of(axis_name=None):
    networks = dcgan.Generator((8, 8, 1), 8, axis_name=axis_name), dcgan.Discriminator(8)
    adam = optax.adam(1e-3)
    return gan.make(gan.Setup(*networks, games.hinge, adam, adam, latent_size=8, ema=0.999, axis_name=axis_name))


@pytest.fixture(scope="module")
def state():
    return recipe_of().init(jax.random.key(0), example_batch(labelled_image(8, 8, 1)))


@pytest.fixture(scope="module")
def z():
    return recipe_of().sampler.latents(jax.random.key(1), 64)


def test_the_first_picture_is_not_solid_gray(state, z):
    """Running averages of batch statistics know nothing yet: by them all is gray."""
    sampler = recipe_of().sampler
    assert np.std(sampler.generate(state, z)) * 127.5 < 2  # gray levels
    assert np.std(sampler.seen(0).generate(state, z)) * 127.5 > 8
    key = jax.random.key(1)
    assert np.std(np.asarray(drawing.picture(sampler, (), state, key))) > 4
    measured = np.concatenate(list(drawing.draw(sampler, state, key, 64)))
    np.testing.assert_allclose(measured, sampler.generate(state, z), atol=1e-6)


def test_it_is_what_g_draws_in_training(state, z):
    """Of any axis over which batch statistics are shared."""
    generator = state.players["generator"]
    network = dcgan.Generator((8, 8, 1), 8)
    drawn, _ = network.apply(generator.all_variables, z, train=True, mutable=["batch_stats"])
    for axis_name in (None, "data"):
        np.testing.assert_allclose(recipe_of(axis_name).sampler.seen(0).generate(state, z), drawn, atol=1e-6)


def test_later_the_average_is_seen():
    sampler = recipe_of().sampler
    assert sampler.seen(EARLY) is sampler and sampler.seen(EARLY - 1).generate is sampler.early
    plain = sampler._replace(early=None)
    assert plain.seen(0) is plain
