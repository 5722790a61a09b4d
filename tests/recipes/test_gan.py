"""The GAN's steps against the same step worked out by hand, and against themselves on several devices."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from gan_jax import games, penalties, terms, views
from gan_jax.layers.norm import WithReference
from gan_jax.networks import dcgan, mlp
from gan_jax.training.optimizers import clip_weights
from gan_jax.randomness import LATENTS, example_keys, latents
from gan_jax.recipes import gan

SHAPE = (16, 16, 1)  # the smallest whose discriminator has batch normalisation
KEY = jax.random.key(0)

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


class LinearGenerator(nn.Module):
    """One image pixel per latent: z·a."""

    @nn.compact
    def __call__(self, z, label=None, *, train):
        return self.param("a", nn.initializers.constant(0.5), ()) * z.reshape(len(z), 1, 1, -1)


class LinearCritic(nn.Module):
    """Σ w x over the pixels."""

    @nn.compact
    def __call__(self, image, label=None, *, train):
        w = self.param("w", nn.initializers.constant(0.2), image.shape[1:])
        return jnp.sum(w * image, axis=(1, 2, 3)), {}


def linear_setup(**changes):
    defaults = dict(
        generator=LinearGenerator(),
        discriminator=LinearCritic(),
        game=games.wasserstein,
        g_optimizer=optax.sgd(0.1),
        d_optimizer=optax.sgd(0.1),
        latent_size=3,
    )
    return gan.Setup(**(defaults | changes))


def batch(parts, size, shape=SHAPE, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (parts, size, *shape)).astype(np.uint8)
    return {"image": pixels, "label": np.zeros((parts, size), np.int32)}


def noise(key, count, setup):
    return np.asarray(latents(example_keys(key, count), setup.latent_size))


def test_d_step_by_hand():
    """Wasserstein, linear critic: the gradient of d in w is mean fake - mean real."""
    setup = linear_setup()
    state = gan.make(setup).init(KEY, batch(2, 4, (1, 1, 3)))
    real = jax.random.normal(jax.random.key(1), (4, 1, 1, 3))
    after, metrics = jax.jit(gan.make_d_step(setup))(state, real, KEY)
    fake = 0.5 * noise(jax.random.split(KEY)[0], 4, setup)
    gradient = fake.mean(0) - np.asarray(real).reshape(4, 3).mean(0)
    np.testing.assert_allclose(after.discriminator.params["w"][0, 0], 0.2 - 0.1 * gradient, rtol=1e-5)
    np.testing.assert_allclose(metrics["d_loss"], 0.2 * gradient.sum(), rtol=1e-5)
    np.testing.assert_allclose(metrics["d_gradient_norm"], np.linalg.norm(gradient), rtol=1e-5)
    np.testing.assert_allclose(metrics["real_score"], 0.2 * np.asarray(real).sum() / 4, rtol=1e-4)
    np.testing.assert_allclose(metrics["fake_score"], 0.2 * fake.sum() / 4, rtol=1e-4)
    assert after.generator is state.generator or after.generator.params == state.generator.params


def test_g_step_by_hand():
    """Wasserstein: g = -mean Σ w a z, so its gradient in a is -mean Σ w z."""
    latent_key, _ = jax.random.split(KEY)
    setup = linear_setup()
    state = gan.make(setup).init(KEY, batch(2, 4, (1, 1, 3)))
    after, metrics = jax.jit(gan.make_g_step(setup))(state, jnp.zeros((4, 1, 1, 3)), KEY)
    gradient = -0.2 * noise(latent_key, 4, setup).sum() / 4
    np.testing.assert_allclose(after.generator.params["a"], 0.5 - 0.1 * gradient, rtol=1e-5)
    np.testing.assert_allclose(metrics["g_loss"], 0.5 * gradient, rtol=1e-5)
    np.testing.assert_allclose(metrics["g_gradient_norm"], abs(gradient), rtol=1e-5)
    np.testing.assert_array_equal(after.discriminator.params["w"], state.discriminator.params["w"])


def test_penalty_is_weighted_and_added():
    """A linear critic's gradient is w everywhere, so the penalty is (‖w‖ - 1)², whatever the images."""
    setup = linear_setup()
    state = gan.make(setup).init(KEY, batch(2, 4, (1, 1, 3)))
    real = jax.random.normal(jax.random.key(1), (4, 1, 1, 3))
    _, plain = gan.make_d_step(setup)(state, real, KEY)
    penalised = setup._replace(d_terms={"penalty": terms.penalty(penalties.gradient_penalty, 10.0)})
    after, metrics = gan.make_d_step(penalised)(state, real, KEY)
    expected = (0.2 * np.sqrt(3) - 1) ** 2
    np.testing.assert_allclose(metrics["penalty"], expected, rtol=1e-5)
    np.testing.assert_allclose(metrics["d_loss"] - plain["d_loss"], 10 * expected, rtol=1e-5)
    # Its gradient, 10·2(‖w‖-1) w/‖w‖, pulls w outwards; plain SGD gives the rest.
    pull = 10 * 2 * (0.2 * np.sqrt(3) - 1) / np.sqrt(3)
    moved = after.discriminator.params["w"] - gan.make_d_step(setup)(state, real, KEY)[0].discriminator.params["w"]
    np.testing.assert_allclose(moved, -0.1 * pull, rtol=1e-4)


def test_a_round_is_n_critic_d_steps_and_a_g_step_on_fresh_images_and_noise():
    setup = linear_setup(n_critic=2)
    recipe = gan.make(setup)
    images = batch(recipe.parts, 4, (1, 1, 3))
    assert recipe.parts == 3
    start = recipe.init(KEY, images).replace(step=jnp.int32(7))
    keys = jax.random.split(jax.random.fold_in(KEY, 7), 3)
    real = gan.to_unit_range(jnp.asarray(images["image"]))
    expected = start
    for i in range(2):
        expected, _ = gan.make_d_step(setup)(expected, real[i], keys[i])
    expected, _ = gan.make_g_step(setup)(expected, real[2], keys[2])
    after, metrics = jax.jit(recipe.step)(start, images, KEY)
    assert after.step == 8
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), after.replace(step=0), expected.replace(step=0)
    )
    assert {"d_loss", "g_loss"} <= set(metrics)


def test_noise_differs_between_rounds_and_repeats_with_the_key():
    setup = linear_setup()
    recipe = gan.make(setup)
    state = recipe.init(KEY, batch(2, 4, (1, 1, 3)))
    same = [recipe.step(state, batch(2, 4, (1, 1, 3)), KEY)[1]["fake_score"] for _ in range(2)]
    later = recipe.step(state.replace(step=jnp.int32(1)), batch(2, 4, (1, 1, 3)), KEY)[1]["fake_score"]
    assert same[0] == same[1] != later


def test_pixels_to_unit_range():
    np.testing.assert_allclose(gan.to_unit_range(jnp.array([0, 255], jnp.uint8)), [-1, 1])


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


TRICKY = lambda axis_name, **fields: dict(discriminator=mlp.Discriminator((16,), axis_name=axis_name, **fields))
DRAGAN = lambda axis_name: partial(penalties.dragan, axis_name=axis_name)
AVERAGE = lambda axis_name: partial(games.relativistic_average, axis_name=axis_name)

# By name: the networks on which it is tried (None: all), and the setup's fields, for one device or for an axis.
TRICKS = {
    "none": (None, lambda axis_name: {}),
    "penalty": (["mlp", "layer_norm"], lambda axis_name: penalised(penalties.gradient_penalty)),
    "lazy_r1": (["mlp"], lambda axis_name: penalised(penalties.r1, every=16)),
    "dragan": (["mlp"], lambda axis_name: penalised(DRAGAN(axis_name))),
    "relativistic_average": (["mlp", "dcgan"], lambda axis_name: dict(game=AVERAGE(axis_name))),
    "noisy_labels": (["mlp"], lambda axis_name: dict(label_noise=0.3)),
    "instance_noise": (["mlp"], lambda axis_name: dict(view=views.instance_noise(0.5, 10))),
    "turn": (["mlp"], lambda axis_name: dict(view=views.chain(views.turn(15, 0.1), views.shift(1)))),
    "feature_matching": (
        ["mlp", "dcgan"],
        lambda axis_name: dict(g_terms={"matching": terms.feature_matching(axis_name=axis_name)}, g_plays=False),
    ),
    "discrimination": (["mlp"], partial(TRICKY, minibatch="discrimination")),
    "stddev": (["mlp"], partial(TRICKY, minibatch="stddev")),
    # A gradient within a gradient, and both go through sums over devices.
    "stddev_r1": (["mlp"], lambda axis_name: TRICKY(axis_name, minibatch="stddev") | penalised(penalties.r1)),
    "dropout": (["mlp"], partial(TRICKY, dropout=0.5)),
    "spectral": (["mlp"], partial(TRICKY, spectral=True)),
    "pack": (["mlp"], lambda axis_name: dict(pack=2) | penalised(penalties.gradient_penalty)),
    "virtual": (["dcgan"], lambda _: dict(generator=WithReference(dcgan.Generator(SHAPE, width=8, norm="virtual")))),
}


def penalised(penalty, **options):
    return dict(d_terms={"penalty": terms.penalty(penalty, 10.0, **options)})


def setup_of(networks, axis_name=None, **changes):
    generator, discriminator = NETWORKS[networks](axis_name)
    adam = optax.adam(2e-4, b1=0.5)
    setup = gan.Setup(generator, discriminator, games.non_saturating, adam, adam, latent_size=5, axis_name=axis_name)
    return setup._replace(**changes)


@pytest.mark.parametrize(
    "networks, trick", [(networks, trick) for trick in TRICKS for networks in (TRICKS[trick][0] or NETWORKS)]
)
def test_four_shares_of_a_batch_are_the_whole_batch(networks, trick, require_shares_are_the_whole):
    """BatchNorm included."""
    changes = dict(d_optimizer=optax.sgd(0.01), g_optimizer=optax.sgd(0.01))
    one = gan.make(setup_of(networks, **changes, **TRICKS[trick][1](None)))
    four = gan.make(setup_of(networks, "data", **changes, **TRICKS[trick][1]("data")))
    require_shares_are_the_whole(one, four, batch(2, 16), KEY)


def test_batch_statistics_are_learned_by_their_own_player():
    setup = setup_of("dcgan")
    state = jax.jit(gan.make(setup).init)(KEY, batch(2, 16))
    real = gan.to_unit_range(jnp.asarray(batch(2, 16)["image"][0]))
    after_d, _ = jax.jit(gan.make_d_step(setup))(state, real, KEY)
    after_g, _ = jax.jit(gan.make_g_step(setup))(state, real, KEY)
    changed = lambda a, b: any(jax.tree.leaves(jax.tree.map(lambda x, y: bool((x != y).any()), a, b)))
    assert changed(after_d.discriminator.variables, state.discriminator.variables)
    assert not changed(after_d.generator.variables, state.generator.variables)
    assert changed(after_g.generator.variables, state.generator.variables)
    assert not changed(after_g.discriminator.variables, state.discriminator.variables)


def test_samples_are_images_that_depend_on_their_own_key():
    recipe = gan.make(setup_of("dcgan"))
    state = jax.jit(recipe.init)(KEY, batch(2, 4))
    nine = recipe.sample(state, KEY, 9)
    assert nine.shape == (9, *SHAPE)
    assert np.abs(nine).max() <= 1
    np.testing.assert_allclose(recipe.sample(state, KEY, 4), nine[:4], atol=1e-6)
    np.testing.assert_allclose(recipe.sample(state, example_keys(KEY, 9)[4:], 5), nine[4:], atol=1e-6)
    np.testing.assert_allclose(recipe.generate(state, recipe.latents(KEY, 9)), nine, atol=1e-6)
    assert np.abs(recipe.latents(KEY, 9, 0.5)).max() <= 0.5


def test_wasserstein_clips_the_critic_and_leaves_the_generator():
    optimizer = optax.chain(optax.rmsprop(0.1), clip_weights(0.01))
    setup = setup_of("mlp", game=games.wasserstein, d_optimizer=optimizer, n_critic=5)
    recipe = gan.make(setup)
    state, _ = jax.jit(recipe.step)(recipe.init(KEY, batch(6, 4)), batch(6, 4), KEY)
    largest = lambda player: max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(player.params))
    np.testing.assert_allclose(largest(state.discriminator), 0.01, rtol=1e-5)
    assert largest(state.generator) > 0.01


def test_the_discriminator_learns_to_tell_real_from_fake():
    setup = setup_of("mlp", d_optimizer=optax.adam(1e-2))
    d_step = jax.jit(gan.make_d_step(setup))
    state = gan.make(setup).init(KEY, batch(2, 64))
    real = gan.to_unit_range(jnp.asarray(batch(2, 64)["image"][0]))
    for i in range(50):
        state, metrics = d_step(state, real, jax.random.key(i))
    assert metrics["d_loss"] < 0.2 and metrics["real_score"] > 1 > -1 > metrics["fake_score"]


def test_the_average_is_sampled_if_there_is_one():
    images = batch(2, 4, (1, 1, 3))
    z = jax.random.normal(example_keys(KEY, 2)[0], (3,))
    for average in (0.0, 0.999):
        recipe = gan.make(linear_setup(average=average))
        state, _ = recipe.step(recipe.init(KEY, images), images, KEY)
        a = float(state.generator.params["a"])
        # After the first step the average is 1/10 the first weight, ½, and 9/10 the new one.
        expected = 0.05 + 0.9 * a if average else a
        assert abs(a - 0.5) > 1e-4
        np.testing.assert_allclose(recipe.sample(state, KEY, 1)[0, 0, 0], expected * z, rtol=1e-5)


def test_what_tricks_do_to_the_steps():
    """The linear critic again: each trick by hand, against the plain step."""
    plain = linear_setup()
    state = gan.make(plain).init(KEY, batch(2, 4, (1, 1, 3)))
    real = jax.random.normal(jax.random.key(1), (4, 1, 1, 3))
    d = lambda **changes: gan.make_d_step(plain._replace(**changes))(state, real, KEY)[1]
    swapped = d(label_noise=1.0)  # every label is wrong: D's loss changes its sign, the scores that are told do not
    np.testing.assert_allclose(swapped["d_loss"], -d()["d_loss"], rtol=1e-6)
    assert swapped["real_score"] == d()["real_score"]
    doubled = d(view=lambda images, keys, step: 2 * images)  # both sides are seen so
    np.testing.assert_allclose(
        [doubled["real_score"], doubled["fake_score"]], [2 * d()["real_score"], 2 * d()["fake_score"]], rtol=1e-6
    )
    g = lambda **changes: gan.make_g_step(plain._replace(**changes))(state, real, KEY)[1]
    three = terms.Term(3.0, lambda play: play.fake_scores.sum())
    added = g(g_terms={"sum": three})
    np.testing.assert_allclose(added["g_loss"], g()["g_loss"] + 3 * added["sum"], rtol=1e-6)
    np.testing.assert_allclose(g(g_terms={"sum": three}, g_plays=False)["g_loss"], 3 * added["sum"], rtol=1e-6)


def test_every_term_and_the_noisy_labels_draw_from_keys_of_their_own():
    seen = {}

    def look(name):
        return terms.Term(0.0, lambda play: seen.setdefault(name, play.keys).size * 0.0)

    swapped = []

    def game(real, fake):
        swapped.append(real)
        return games.wasserstein(real, fake)

    both = {"a": look("a"), "b": look("b")}
    setup = linear_setup(game=game, label_noise=0.5, d_terms=both)
    state = gan.make(setup).init(KEY, batch(2, 4, (1, 1, 3)))
    real = 10 + jax.random.uniform(jax.random.key(1), (200, 1, 1, 3))
    with jax.disable_jit():
        gan.make_d_step(setup)(state, real, KEY)
    coins = np.asarray(jax.lax.stop_gradient(getattr(swapped[0], "primal", swapped[0]))) < 4  # a fake's score
    uniform = {name: np.asarray(jax.vmap(jax.random.uniform)(keys)) for name, keys in seen.items()}
    for draws in uniform.values():
        assert abs(np.corrcoef(draws, coins)[0, 1]) < 0.25
    assert abs(np.corrcoef(*uniform.values())[0, 1]) < 0.25


def test_packs_are_judged_at_once():
    """The critic's weights span the pack, and each pack has one score."""
    setup = linear_setup(pack=2, d_terms={"scores": terms.Term(0.0, lambda play: jnp.float32(play.real_scores.size))})
    recipe = gan.make(setup)
    state = recipe.init(KEY, batch(2, 4, (1, 1, 3)))
    assert state.discriminator.params["w"].shape == (1, 1, 6)
    state, metrics = recipe.step(state, batch(2, 4, (1, 1, 3)), KEY)
    assert metrics["scores"] == 2
    assert recipe.sample(state, KEY, 3).shape == (3, 1, 1, 3)


def test_latents_are_drawn_from_what_is_asked_for():
    for draw in LATENTS.values():
        recipe = gan.make(linear_setup(latent=draw))
        images = recipe.sample(recipe.init(KEY, batch(2, 4, (1, 1, 3))), KEY, 5)
        np.testing.assert_allclose(images[:, 0, 0], 0.5 * latents(example_keys(KEY, 5), 3, draw), rtol=1e-6)


def test_points_are_taken_as_they_are():
    points = jnp.array([[3.0, -4.0]])
    assert gan.to_unit_range(points) is points
