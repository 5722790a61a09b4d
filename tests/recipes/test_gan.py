"""The GAN's steps against the same step worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from gan_jax import games, penalties, terms
from gan_jax.randomness import PRIORS, example_keys, latents
from gan_jax.recipes import gan
from gan_jax.recipes.batch import part

KEY = jax.random.key(0)

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


class LinearGenerator(nn.Module):
    """One image pixel per latent: z·a."""

    @nn.compact
    def __call__(self, z, condition=None, *, train):
        return self.param("a", nn.initializers.constant(0.5), ()) * z.reshape(len(z), 1, 1, -1)


class LinearCritic(nn.Module):
    """Σ w x over the pixels."""

    @nn.compact
    def __call__(self, image, condition=None, *, train):
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


def batch(batches):
    pixels = np.random.default_rng(0).integers(0, 256, (batches, 4, 1, 1, 3)).astype(np.uint8)
    return {"image": pixels, "label": np.zeros((batches, 4), np.int32)}


def drawn(count):
    """Real images of three pixels, as a step of one player takes them."""
    return {"image": jax.random.normal(jax.random.key(1), (count, 1, 1, 3))}


def noise(key, count, setup):
    return np.asarray(latents(example_keys(key, count), setup.latent_size))


def test_d_step_by_hand():
    """Wasserstein, linear critic: the gradient of d in w is mean fake - mean real."""
    setup = linear_setup()
    state = gan.make(setup).init(KEY, batch(2))
    examples = drawn(4)
    after, metrics = jax.jit(gan.make_d_step(setup))(state, examples, KEY)
    real = examples["image"]
    fake = 0.5 * noise(jax.random.split(KEY)[0], 4, setup)
    gradient = fake.mean(0) - np.asarray(real).reshape(4, 3).mean(0)
    np.testing.assert_allclose(after.players["discriminator"].params["w"][0, 0], 0.2 - 0.1 * gradient, rtol=1e-5)
    np.testing.assert_allclose(metrics["d_loss"], 0.2 * gradient.sum(), rtol=1e-5)
    np.testing.assert_allclose(metrics["d_gradient_norm"], np.linalg.norm(gradient), rtol=1e-5)
    np.testing.assert_allclose(metrics["real_score"], 0.2 * np.asarray(real).sum() / 4, rtol=1e-4)
    np.testing.assert_allclose(metrics["fake_score"], 0.2 * fake.sum() / 4, rtol=1e-4)
    assert after.players["generator"].params == state.players["generator"].params


def test_g_step_by_hand():
    """Wasserstein: g = -mean Σ w a z, so its gradient in a is -mean Σ w z."""
    latent_key, _ = jax.random.split(KEY)
    setup = linear_setup()
    state = gan.make(setup).init(KEY, batch(2))
    after, metrics = jax.jit(gan.make_g_step(setup))(state, {"image": jnp.zeros((4, 1, 1, 3))}, KEY)
    gradient = -0.2 * noise(latent_key, 4, setup).sum() / 4
    np.testing.assert_allclose(after.players["generator"].params["a"], 0.5 - 0.1 * gradient, rtol=1e-5)
    np.testing.assert_allclose(metrics["g_loss"], 0.5 * gradient, rtol=1e-5)
    np.testing.assert_allclose(metrics["g_gradient_norm"], abs(gradient), rtol=1e-5)
    np.testing.assert_array_equal(
        after.players["discriminator"].params["w"], state.players["discriminator"].params["w"]
    )


def test_penalty_is_weighted_and_added():
    """A linear critic's gradient is w everywhere, so the penalty is (‖w‖ - 1)², whatever the images."""
    setup = linear_setup()
    state = gan.make(setup).init(KEY, batch(2))
    plainly, plain = gan.make_d_step(setup)(state, drawn(4), KEY)
    penalised = setup._replace(d_terms={"penalty": terms.penalty(penalties.gradient_penalty, 10.0)})
    after, metrics = gan.make_d_step(penalised)(state, drawn(4), KEY)
    expected = (0.2 * np.sqrt(3) - 1) ** 2
    np.testing.assert_allclose(metrics["penalty"], expected, rtol=1e-5)
    np.testing.assert_allclose(metrics["d_loss"] - plain["d_loss"], 10 * expected, rtol=1e-5)
    # Its gradient, 10·2(‖w‖-1) w/‖w‖, pulls w outwards; plain SGD gives the rest.
    pull = 10 * 2 * (0.2 * np.sqrt(3) - 1) / np.sqrt(3)
    moved = after.players["discriminator"].params["w"] - plainly.players["discriminator"].params["w"]
    np.testing.assert_allclose(moved, -0.1 * pull, rtol=1e-4)


def test_a_round_is_n_critic_d_steps_and_a_g_step_on_fresh_images_and_noise():
    setup = linear_setup(n_critic=2)
    recipe = gan.make(setup)
    images = batch(recipe.batches_per_step)
    assert recipe.batches_per_step == 3
    start = recipe.init(KEY, images).replace(step=jnp.int32(7))
    keys = jax.random.split(jax.random.fold_in(KEY, 7), 3)
    expected = start
    for i in range(2):
        expected, _ = gan.make_d_step(setup)(expected, part(images, i), keys[i])
    expected, _ = gan.make_g_step(setup)(expected, part(images, 2), keys[2])
    after, metrics = jax.jit(recipe.step)(start, images, KEY)
    assert after.step == 8
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), after.replace(step=0), expected.replace(step=0)
    )
    assert {"d_loss", "g_loss"} <= set(metrics)


def test_noise_differs_between_rounds_and_repeats_with_the_key():
    setup = linear_setup()
    recipe = gan.make(setup)
    state = recipe.init(KEY, batch(2))
    same = [recipe.step(state, batch(2), KEY)[1]["fake_score"] for _ in range(2)]
    later = recipe.step(state.replace(step=jnp.int32(1)), batch(2), KEY)[1]["fake_score"]
    assert same[0] == same[1] != later


def test_the_average_is_sampled_if_there_is_one():
    images = batch(2)
    z = jax.random.normal(example_keys(KEY, 2)[0], (3,))
    for ema in (0.0, 0.999):
        recipe = gan.make(linear_setup(ema=ema))
        state, _ = recipe.step(recipe.init(KEY, images), images, KEY)
        a = float(state.players["generator"].params["a"])
        # After the first step the average is 1/10 the first weight, ½, and 9/10 the new one.
        expected = 0.05 + 0.9 * a if ema else a
        assert abs(a - 0.5) > 1e-4
        np.testing.assert_allclose(recipe.sampler.sample(state, KEY, 1)[0, 0, 0], expected * z, rtol=1e-5)


def test_what_tricks_do_to_the_steps():
    """The linear critic again: each trick by hand, against the plain step."""
    plain = linear_setup()
    state = gan.make(plain).init(KEY, batch(2))
    d = lambda **changes: gan.make_d_step(plain._replace(**changes))(state, drawn(4), KEY)[1]
    swapped = d(label_noise=1.0)  # every label is wrong: D's loss changes its sign, the scores that are told do not
    np.testing.assert_allclose(swapped["d_loss"], -d()["d_loss"], rtol=1e-6)
    assert swapped["real_score"] == d()["real_score"]
    doubled = d(augment=lambda images, keys, step: 2 * images)  # both sides are seen so
    np.testing.assert_allclose(
        [doubled["real_score"], doubled["fake_score"]], [2 * d()["real_score"], 2 * d()["fake_score"]], rtol=1e-6
    )
    g = lambda **changes: gan.make_g_step(plain._replace(**changes))(state, drawn(4), KEY)[1]
    three = terms.Term(3.0, lambda inputs: inputs.fake_scores.sum())
    added = g(g_terms={"sum": three})
    np.testing.assert_allclose(added["g_loss"], g()["g_loss"] + 3 * added["sum"], rtol=1e-6)
    np.testing.assert_allclose(g(g_terms={"sum": three}, g_adversarial=False)["g_loss"], 3 * added["sum"], rtol=1e-6)


def test_every_term_and_the_noisy_labels_draw_from_keys_of_their_own():
    seen = {}

    def look(name):
        return terms.Term(0.0, lambda inputs: seen.setdefault(name, inputs.keys).size * 0.0)

    swapped = []

    def game(real, fake):
        swapped.append(real)
        return games.wasserstein(real, fake)

    both = {"a": look("a"), "b": look("b")}
    setup = linear_setup(game=game, label_noise=0.5, d_terms=both)
    state = gan.make(setup).init(KEY, batch(2))
    real = 10 + jax.random.uniform(jax.random.key(1), (200, 1, 1, 3))
    with jax.disable_jit():
        gan.make_d_step(setup)(state, {"image": real}, KEY)
    coins = np.asarray(jax.lax.stop_gradient(getattr(swapped[0], "primal", swapped[0]))) < 4  # a fake's score
    uniform = {name: np.asarray(jax.vmap(jax.random.uniform)(keys)) for name, keys in seen.items()}
    for draws in uniform.values():
        assert abs(np.corrcoef(draws, coins)[0, 1]) < 0.25
    assert abs(np.corrcoef(*uniform.values())[0, 1]) < 0.25


def test_packs_are_scored_at_once():
    """The critic's weights span the pack, and each pack has one score."""
    setup = linear_setup(
        pack=2, d_terms={"scores": terms.Term(0.0, lambda inputs: jnp.float32(inputs.real_scores.size))}
    )
    recipe = gan.make(setup)
    state = recipe.init(KEY, batch(2))
    assert state.players["discriminator"].params["w"].shape == (1, 1, 6)
    state, metrics = recipe.step(state, batch(2), KEY)
    assert metrics["scores"] == 2
    assert recipe.sampler.sample(state, KEY, 3).shape == (3, 1, 1, 3)


def test_latents_are_drawn_from_what_is_asked_for():
    for prior, draw in PRIORS.items():
        recipe = gan.make(linear_setup(prior=prior))
        images = recipe.sampler.sample(recipe.init(KEY, batch(2)), KEY, 5)
        assert recipe.sampler.prior == prior
        np.testing.assert_allclose(images[:, 0, 0], 0.5 * latents(example_keys(KEY, 5), 3, draw), rtol=1e-6)
