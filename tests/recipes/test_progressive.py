"""Progressive GAN's schedule, growth and blending."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import games, penalties, terms
from gan_jax.networks import progressive as networks
from gan_jax.randomness import example_keys, latents
from gan_jax.recipes import gan, progressive
from gan_jax.recipes.progressive import Schedule

KEY = jax.random.key(0)
SCHEDULE = Schedule(16, 32, (8, 8))

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def batch(n=8):
    return {"image": np.random.RandomState(0).randint(0, 256, (2, n, 8, 8, 1)).astype(np.uint8)}


def phases(schedule=SCHEDULE, fresh=True, **changed):
    shape, adam = dict(base=16, most=8), optax.adam(1e-2, b1=0.0)
    d_terms = {"penalty": terms.penalty(penalties.gradient_penalty, 10.0), "drift": terms.drift()}
    fields = dict(latent_size=3, ema=0.9, axis_name=None, d_terms=d_terms, optimizer=adam) | changed
    optimizer = fields.pop("optimizer")
    setups = [
        gan.Setup(
            networks.Generator((4, 4), level, 1, **shape),
            networks.Discriminator(level, axis_name=fields["axis_name"], **shape),
            games.wasserstein,
            optimizer,
            optimizer,
            **fields,
        )
        for level in (0, 1)
    ]
    return progressive.make(setups, schedule, batch(), fresh=fresh)


def test_progress_is_tf_gan_s():
    """7 stable and 8 fading images: how far the second level is at 0, 3, 6, 7, 8, 10, 15, 29 and 100 images."""
    schedule = Schedule(7, 8, (1, 1))
    images = np.array([0, 3, 6, 7, 8, 10, 15, 29, 100])
    alpha = [0.0 if step < schedule.start(1) else float(schedule.alpha(1, step)) for step in images]
    np.testing.assert_allclose(alpha, [0, 0, 0, 0, 0.125, 0.375, 1, 1, 1])


def test_levels_begin_when_their_images_are_shown():
    """With 2 stable and 3 fading images levels begin at 2 and 7; the first whose α is above 0 are 3 and 8."""
    schedule = Schedule(2, 3, (1, 1, 1))
    assert [schedule.start(level) for level in range(4)] == [0, 2, 7, 12]
    for level, first in ((1, 3), (2, 8)):
        assert schedule.alpha(level, first - 1) == 0 < schedule.alpha(level, first)
    assert Schedule(100, 50, (16, 8), n_critic=2).start(2) == 4 + 10  # 100 / 32 and 150 / 16, rounded up


def test_real_images_are_blended_as_fakes_are():
    """0.8 of what is enlarged from half the size, and 0.2 of the image."""
    x = jax.random.normal(KEY, (2, 4, 4, 1))
    small = x.reshape(2, 2, 2, 2, 2, 1).mean(axis=(2, 4))
    expected = 0.2 * x + 0.8 * np.kron(np.asarray(small), np.ones((1, 2, 2, 1)))
    np.testing.assert_allclose(progressive.shown_at(x, 0.2), expected, rtol=1e-5, atol=1e-6)
    assert progressive.shown_at(x, 1.0, blended=False) is x


@pytest.mark.parametrize("fresh", [True, False])
def test_what_was_learnt_goes_on(fresh):
    first, second = phases(fresh=fresh)
    state, _ = jax.jit(first.recipe.step)(first.recipe.init(KEY, batch()), batch(), KEY)
    grown = second.grow(state, KEY)
    assert grown.step == 1
    for name in ("generator", "discriminator"):
        old, new = state.players[name], grown.players[name]
        for part, leaf in old.params.items():
            jax.tree.map(np.testing.assert_array_equal, leaf, new.params[part])
        assert set(new.params) > set(old.params)
        moments = new.opt_state[0].nu["level_0_conv_0" if name == "discriminator" else "level_0_conv_1"]["kernel"]
        assert bool(moments.any()) != fresh and new.opt_state[0].count == (0 if fresh else 1)
    ema = grown.players["generator"].ema["params"]
    jax.tree.map(np.testing.assert_array_equal, ema["dense"], state.players["generator"].ema["params"]["dense"])
    draw = lambda phase, state: phase.recipe.sampler.generate(state, jnp.ones((2, 3)))
    assert draw(second, grown).shape == (2, 8, 8, 1)
    # At the border nothing is seen of the new level, and small images are enlarged.
    at_the_border = grown.replace(step=jnp.int32(2))
    np.testing.assert_allclose(draw(second, at_the_border), draw(first, state), rtol=1e-4, atol=1e-5)


def test_a_step_fades_and_says_so():
    first, second = phases()
    state = first.recipe.init(KEY, batch()).replace(step=jnp.int32(2))
    state, metrics = jax.jit(second.recipe.step)(second.grow(state, KEY), batch(), KEY)
    assert (metrics["alpha"], metrics["level"]) == (0, 1)
    state, metrics = jax.jit(second.recipe.step)(state, batch(), KEY)
    assert metrics["alpha"] == 0.25
    assert all(np.isfinite(float(value)) for value in metrics.values())


def test_a_step_in_a_fade_descends_the_game_of_what_both_see():
    """SGD's steps are the gradients of the losses of blended images, real and fake, worked out by hand."""
    first, second = phases(optimizer=optax.sgd(0.01), d_terms={})
    state = second.grow(first.recipe.init(KEY, batch()), KEY).replace(step=jnp.int32(3))
    after, metrics = jax.jit(second.recipe.step)(state, batch(), KEY)
    α, shape = 0.25, dict(base=16, most=8)
    g, d = networks.Generator((4, 4), 1, 1, **shape), networks.Discriminator(1, **shape)
    image = batch()["image"][0] / 127.5 - 1
    small = image.reshape(8, 4, 2, 4, 2, 1).mean(axis=(2, 4))
    real = jnp.float32(α * image + (1 - α) * np.kron(small, np.ones((1, 2, 2, 1))))
    d_key, g_key = jax.random.split(jax.random.fold_in(KEY, 3))
    noise = lambda key, parts: latents(example_keys(jax.random.split(key, parts)[0], 8), 3)
    fakes = lambda params, z: g.apply({"params": params}, z, train=True, alpha=α)
    score = lambda params, images: jnp.mean(d.apply({"params": params}, images, train=True, alpha=α)[0])
    seen = fakes(state.players["generator"].params, noise(d_key, 3))
    now = after.players["discriminator"].params
    losses = {
        "discriminator": lambda params: score(params, seen) - score(params, real),
        "generator": lambda params: -score(now, fakes(params, noise(g_key, 2))),
    }
    for name, loss in losses.items():
        before = state.players[name].params
        value, gradient = jax.jit(jax.value_and_grad(loss))(before)
        np.testing.assert_allclose(metrics[f"{name[0]}_loss"], value, rtol=1e-4)
        close = partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-6)
        jax.tree.map(close, after.players[name].params, jax.tree.map(lambda p, g: p - 0.01 * g, before, gradient))


@pytest.mark.parametrize("level", [0, 1])
def test_four_shares_of_a_batch_are_the_whole_batch(level, require_shares_are_the_whole):
    """Groups of 4 in D, too, whose examples are on four devices."""
    whole, shared = (phases(axis_name=axis)[level].recipe for axis in (None, "data"))
    require_shares_are_the_whole(whole, shared, batch(), KEY, atol=2e-5)
