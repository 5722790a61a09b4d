"""Augmented CycleGAN: losses by hand, both ways by latents, all eight learn, devices."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from gan_jax import games
from gan_jax.layers.conv import Conv
from gan_jax.networks.latent import LatentDiscriminator, PairEncoder
from gan_jax.networks.patchgan import PatchGAN
from gan_jax.recipes import augmented_cyclegan, cyclegan
from gan_jax.recipes.augmented_cyclegan import ENCODER, LATENT_DISCRIMINATOR, Setup
from gan_jax.recipes.cyclegan import DISCRIMINATOR, GENERATOR
from gan_jax.recipes.jitter import Jitter

KEY = jax.random.key(0)
STILL = optax.sgd(0.0)
SIZES = {"a": 2, "b": 3}

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


class Drawn(nn.Module):
    """An image by a convolution, brighter or darker as a latent says."""

    channels: int

    @nn.compact
    def __call__(self, x, z, *, train):
        return nn.tanh(Conv(self.channels, 3)(x) + nn.Dense(self.channels)(z)[:, None, None])


class Brighter(nn.Module):
    """An image and the first number of a latent."""

    @nn.compact
    def __call__(self, x, z, *, train):
        self.param("unused", nn.initializers.zeros, ())
        return x + z[:, :1, None, None]


class Difference(nn.Module):
    """How much brighter than the other an image is, times a factor, in the first number."""

    size: int
    factor: float = 1.0

    @nn.compact
    def __call__(self, image, other, *, train):
        self.param("unused", nn.initializers.zeros, ())
        first = self.factor * jnp.mean(image - other, axis=(1, 2, 3))
        return first[:, None] * jnp.eye(self.size)[0]


class Half(nn.Module):
    """Scores of ½."""

    @nn.compact
    def __call__(self, x, *, train):
        bias = self.param("bias", nn.initializers.constant(0.5), ())
        return jnp.zeros((len(x), 2)) + bias, {}


def batch(n=4, channels=(1, 3)):
    random = np.random.RandomState(0)
    return {
        domain: {"image": random.randint(0, 256, (1, n, 8, 8, count), np.uint8)}
        for domain, count in zip("ab", channels)
    }


def setup(channels=(1, 3), **changed):
    axis_name = changed.get("axis_name")
    fields = dict(g_optimizer=optax.sgd(0.1), d_optimizer=optax.sgd(0.1), identity=0.0, pool=6) | changed
    generators = {GENERATOR[domain]: Drawn(count) for domain, count in zip("ab", channels)}
    critics = dict.fromkeys(DISCRIMINATOR.values(), PatchGAN(1, 2, "instance", axis_name))
    images = cyclegan.Setup(generators, critics, games.least_squares, **fields)
    encoders = {ENCODER[domain]: PairEncoder(size, 2) for domain, size in SIZES.items()}
    judges = dict.fromkeys(LATENT_DISCRIMINATOR.values(), LatentDiscriminator(4))
    return Setup(images, encoders, judges, SIZES, images.d_optimizer)


def a_round(own, given):
    recipe = augmented_cyclegan.make(own)
    state = jax.jit(recipe.init)(KEY, given)
    return state, *jax.jit(recipe.step)(state, given, KEY)


@pytest.mark.parametrize("factor", [1.0, 0.5])
def test_losses_by_hand(factor):
    """What draws adds a latent to all pixels, what encodes says the difference: of b, by a's latent, there and back is exact.

    y~ = x + z_b, and E_b(y~, x) = factor z_b. E_a(x, y~) = - factor z_b, so that F(y~, z~) = x + (1 - factor) z_b.
    """
    own = setup((1, 1), g_optimizer=STILL, d_optimizer=STILL)
    images = own.images._replace(
        generators=dict.fromkeys(GENERATOR.values(), Brighter()),
        discriminators=dict.fromkeys(DISCRIMINATOR.values(), Half()),
    )
    own = own._replace(
        images=images,
        encoders={ENCODER[domain]: Difference(size, factor) for domain, size in SIZES.items()},
        latent_discriminators=dict.fromkeys(LATENT_DISCRIMINATOR.values(), Half()),
    )
    _, after, metrics = a_round(own, batch(channels=(1, 1)))
    keys = jax.random.split(jax.random.fold_in(KEY, 0), 4)[2:]
    z = {domain: augmented_cyclegan.draw_latents(own, key, domain, 4) for domain, key in zip("ab", keys)}
    for domain, other in (("a", "b"), ("b", "a")):
        first, rest = np.abs(z[domain][:, 0]).mean(), np.abs(z[domain][:, 1:]).sum() / z[domain].size
        left_out = (1 - factor) * np.abs(z[other][:, 0]).mean()
        assert metrics[f"cycle_{domain}"] == pytest.approx(left_out, abs=1e-5)
        assert metrics[f"latent_cycle_{domain}"] == pytest.approx((1 - factor) * first / SIZES[domain] + rest, abs=1e-5)
    for loss in ("d_loss", "latent_d_loss"):
        assert metrics[loss] == pytest.approx(0.25)
    assert metrics["g_loss"] == metrics["latent_g_loss"] == pytest.approx(0.125)
    # Each image in the pool, of which the encoder says a latent, has that very latent beside it.
    stored = after.memory["pool"]["b"]["stored"]
    given = batch(channels=(1, 1))["a"]["image"][0] / 127.5 - 1
    np.testing.assert_allclose(
        stored["image"][:4] - given, z["b"][:, :1, None, None] * np.ones((1, 8, 8, 1)), atol=1e-5
    )
    np.testing.assert_allclose(stored["latent"][:4, 0], -factor * z["b"][:, 0], atol=1e-5)


def test_all_eight_learn():
    before, after, metrics = a_round(setup(ema=0.9), batch())
    assert len(before.players) == 8
    for name, player in before.players.items():
        pairs = zip(jax.tree.leaves(player.params), jax.tree.leaves(after.players[name].params))
        assert any(np.any(a != b) for a, b in pairs), name
    assert {"d_loss", "latent_d_loss", "cycle_a", "latent_cycle_b", "real_accuracy"} <= metrics.keys()


def test_the_games_of_latents_have_their_weight_and_optimizer():
    """Of nothing but these games, encoders move by as much more as the weight is larger; their discriminators as they learn."""
    moved = []
    for weight, optimizer in ((1.0, STILL), (3.0, optax.sgd(0.1))):
        own = setup(game_weight=0.0, cycle=0.0)
        own = own._replace(latent_cycle=0.0, latent_weight=weight, latent_optimizer=optimizer)
        before, after, _ = a_round(own, batch())
        changes = {
            name: jax.tree.map(jnp.subtract, after.players[name].params, player.params)
            for name, player in before.players.items()
        }
        moved.append({name: float(optax.tree.norm(change)) for name, change in changes.items()})
    for name in ENCODER.values():
        assert moved[0][name] > 0 and moved[1][name] == pytest.approx(3 * moved[0][name], rel=1e-4)
    for name in LATENT_DISCRIMINATOR.values():
        assert moved[0][name] == 0 and moved[1][name] > 0


def test_latents_of_an_example_are_its_own():
    """Both ways many images of one; by latents of 0 one alone; and back by what the encoder says."""
    own = setup()
    recipe = augmented_cyclegan.make(own)
    state = recipe.init(KEY, batch())
    for name, channels, other in (("a_to_b", 1, 3), ("b_to_a", 3, 1)):
        translator, example = recipe.translators[name], {"image": jnp.zeros((3, 8, 8, channels))}
        one, same, another = (translator.translate(state, example, jax.random.key(seed)) for seed in (0, 0, 1))
        np.testing.assert_array_equal(one, same)
        assert one.shape == (3, 8, 8, other) and np.any(one != another) and np.any(one[0] != one[1])
        mean = translator.otherwise(state, example, KEY)
        np.testing.assert_array_equal(mean[0], mean[1])
        back = translator.back(state, example, one)
        assert back.shape == (3, 8, 8, channels) and np.any(back[0] != back[1])
        assert translator.noisy


@pytest.mark.slow
def test_four_shares_of_a_batch_are_the_whole_batch(require_shares_are_the_whole):
    one, four = (
        augmented_cyclegan.make(setup(axis_name=axis, jitter=Jitter((10, 10), mirror=True), ema=0.9))
        for axis in (None, "data")
    )
    require_shares_are_the_whole(one, four, batch(8), KEY, atol=3e-5)
