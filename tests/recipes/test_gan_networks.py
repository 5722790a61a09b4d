"""GANs of real networks and tricks: on shares of a batch as on the whole, their statistics, samples and progress."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import augment, games, penalties, terms
from gan_jax.layers.norm import WithReference
from gan_jax.networks import dcgan, mlp
from gan_jax.randomness import example_keys
from gan_jax.recipes import gan
from gan_jax.recipes.batch import part
from gan_jax.training.optimizers import clip_weights

SHAPE = (16, 16, 1)  # the smallest whose discriminator has batch normalisation
KEY = jax.random.key(0)

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def batch(batches, size):
    return {"image": np.random.default_rng(0).integers(0, 256, (batches, size, *SHAPE)).astype(np.uint8)}


NETWORKS = {
    "mlp": lambda axis_name: (mlp.Generator(SHAPE, (16,)), mlp.Discriminator((16,))),
    "dcgan": lambda axis_name: (
        dcgan.Generator(SHAPE, width=8, axis_name=axis_name),
        dcgan.Discriminator(width=8, axis_name=axis_name),
    ),
    "layer_norm": lambda axis_name: (
        dcgan.Generator(SHAPE, width=8, axis_name=axis_name),
        dcgan.Discriminator(width=8, norm="layer", axis_name=axis_name),
    ),
}


def penalised(penalty):
    return dict(d_terms={"penalty": terms.penalty(penalty, 10.0)})


def seen_by(axis_name, **fields):
    return dict(discriminator=mlp.Discriminator((16,), axis_name=axis_name, **fields))


def with_penalties(axis_name):
    return dict(
        d_terms={
            "gradient_penalty": terms.penalty(penalties.gradient_penalty, 10.0),
            "lazy_r1": terms.penalty(penalties.r1, 10.0, every=16),
            "dragan": terms.penalty(partial(penalties.dragan, axis_name=axis_name), 10.0),
        }
    )


def with_noise(axis_name):
    """In labels, in images, in how these are augmented, and in D's layers."""
    noise = augment.instance_noise(0.5, 10)
    augments = augment.make({"rotate": 15, "scale": 0.1, "translate": 1}, noise)
    return dict(label_noise=0.3, augment=augments) | seen_by(axis_name, dropout=0.5)


def with_batch_means(axis_name):
    """In the game, and in what G matches."""
    game = partial(games.relativistic_average, axis_name=axis_name)
    return dict(game=game, g_terms={"matching": terms.feature_matching(axis_name=axis_name)})


# By name: the networks on which they are tried, and the setup's fields, for one device or for an axis. Tricks that do not
# change one another's part of the step share a program; what differs shows in a metric, or in a player, of its own.
TRICKS = {
    "none": (["mlp", "dcgan"], lambda axis_name: {}),
    "layer_norm_penalty": (["layer_norm"], lambda axis_name: penalised(penalties.gradient_penalty)),
    "penalties": (["mlp"], with_penalties),
    "noise": (["mlp"], with_noise),
    "batch_means": (["mlp", "dcgan"], with_batch_means),
    "discrimination_spectral": (["mlp"], partial(seen_by, minibatch="discrimination", spectral=True)),
    # A gradient within a gradient, and both go through sums over devices.
    "stddev_r1": (["mlp"], lambda axis_name: seen_by(axis_name, minibatch="stddev") | penalised(penalties.r1)),
    "pack": (["mlp"], lambda axis_name: dict(pack=2) | penalised(penalties.gradient_penalty)),
    "virtual": (["dcgan"], lambda _: dict(generator=WithReference(dcgan.Generator(SHAPE, width=8, norm="virtual")))),
}


def setup_of(networks, axis_name=None, **changes):
    generator, discriminator = NETWORKS[networks](axis_name)
    adam = optax.adam(2e-4, b1=0.5)
    setup = gan.Setup(generator, discriminator, games.non_saturating, adam, adam, latent_size=5, axis_name=axis_name)
    return setup._replace(**changes)


@pytest.mark.parametrize("networks, trick", [(each, trick) for trick in TRICKS for each in TRICKS[trick][0]])
def test_four_shares_of_a_batch_are_the_whole_batch(networks, trick, require_shares_are_the_whole):
    """BatchNorm included."""
    changes = dict(d_optimizer=optax.sgd(0.01), g_optimizer=optax.sgd(0.01))
    one = gan.make(setup_of(networks, **changes, **TRICKS[trick][1](None)))
    four = gan.make(setup_of(networks, "data", **changes, **TRICKS[trick][1]("data")))
    require_shares_are_the_whole(one, four, batch(2, 16), KEY)


def test_batch_statistics_are_learned_by_their_own_player(start):
    setup = setup_of("dcgan")
    state = start(gan.make(setup), batch(2, 16), KEY)
    examples = part(batch(2, 16), 0)
    after_d, _ = jax.jit(gan.make_d_step(setup))(state, examples, KEY)
    after_g, _ = jax.jit(gan.make_g_step(setup))(state, examples, KEY)

    def changed(after, player):
        own = after.players[player].variables, state.players[player].variables
        return any(jax.tree.leaves(jax.tree.map(lambda x, y: bool((x != y).any()), *own)))

    assert changed(after_d, "discriminator") and not changed(after_d, "generator")
    assert changed(after_g, "generator") and not changed(after_g, "discriminator")


def test_samples_are_images_that_depend_on_their_own_key(start):
    recipe = gan.make(setup_of("dcgan"))
    state = start(recipe, batch(2, 16), KEY)
    sampler = recipe.sampler
    nine = sampler.sample(state, KEY, 9)
    assert nine.shape == (9, *SHAPE)
    assert np.abs(nine).max() <= 1
    np.testing.assert_allclose(sampler.sample(state, KEY, 4), nine[:4], atol=1e-6)
    np.testing.assert_allclose(sampler.sample(state, example_keys(KEY, 9)[4:], 5), nine[4:], atol=1e-6)
    np.testing.assert_allclose(sampler.generate(state, sampler.latents(KEY, 9)), nine, atol=1e-6)
    assert np.abs(sampler.latents(KEY, 9, 0.5)).max() <= 0.5
    assert sampler.conditions(KEY, 9) is None and not sampler.takes("label")


def test_wasserstein_clips_the_critic_and_leaves_the_generator(start):
    optimizer = optax.chain(optax.rmsprop(0.1), clip_weights(0.01))
    setup = setup_of("mlp", game=games.wasserstein, d_optimizer=optimizer, n_critic=5)
    recipe = gan.make(setup)
    state, _ = jax.jit(recipe.step)(start(recipe, batch(6, 4), KEY), batch(6, 4), KEY)
    largest = lambda name: max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(state.players[name].params))
    np.testing.assert_allclose(largest("discriminator"), 0.01, rtol=1e-5)
    assert largest("generator") > 0.01


def test_the_discriminator_learns_to_tell_real_from_fake(start):
    setup = setup_of("mlp", d_optimizer=optax.adam(1e-2))
    d_step = jax.jit(gan.make_d_step(setup))
    state = start(gan.make(setup), batch(2, 64), KEY)
    examples = part(batch(2, 64), 0)
    for i in range(50):
        state, metrics = d_step(state, examples, jax.random.key(i))
    assert metrics["d_loss"] < 0.2 and metrics["real_score"] > 1 > -1 > metrics["fake_score"]
