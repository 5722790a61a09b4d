"""GANs of videos: what each discriminator sees, whose sum G plays against, devices, and longer videos."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import games, penalties
from gan_jax.networks import mocogan, vgan
from gan_jax.randomness import example_keys
from gan_jax.recipes import video

KEY = jax.random.key(0)

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def setup(axis_name=None, **changed):
    adam = optax.adam(1e-3, b1=0.5)
    discriminators = {
        video.IMAGE: mocogan.ImageDiscriminator(2, axis_name=axis_name),
        video.VIDEO: mocogan.VideoDiscriminator(2, axis_name=axis_name),
    }
    generator = mocogan.Generator((16, 16, 1), 3, 2, 2, axis_name)
    size = lambda frames: 3 + 2 * (frames + 1)
    given = dict(latent_size=size(8), ema=0.9, longer=size, axis_name=axis_name) | changed
    return video.Setup(generator, discriminators, games.non_saturating, adam, adam, **given)


@pytest.fixture(scope="module")
def batch():
    return {"video": np.random.RandomState(0).randint(0, 256, (2, 4, 8, 16, 16, 1)).astype(np.uint8)}


def test_a_round(batch):
    recipe = video.make(setup())
    state = jax.jit(recipe.init)(KEY, batch)
    after, metrics = jax.jit(recipe.step)(state, batch, KEY)
    assert after.step == 1
    for name in state.players:
        same = jax.tree.map(lambda a, b: bool((a == b).all()), state.players[name].params, after.players[name].params)
        assert not jax.tree.all(same), name
    assert metrics["d_loss"] == metrics["image_d_loss"] + metrics["video_d_loss"]
    assert all(np.isfinite(value) for value in metrics.values())
    drawn = recipe.sampler.sample(after, KEY, 3)
    assert recipe.sampler.draws == "video"
    assert drawn.shape == (3, 8, 16, 16, 1)
    assert recipe.sampler.longer(11).sample(after, KEY, 3).shape == (3, 11, 16, 16, 1)


def test_the_image_discriminator_sees_a_frame_of_each_by_chance():
    """Of videos whose every pixel of frame t is t; over many keys each frame is seen about as often."""
    videos = jnp.broadcast_to(jnp.arange(8.0)[None, :, None, None, None], (400, 8, 2, 2, 1))
    seen = video.views_of(setup(), videos, example_keys(KEY, 400))
    assert (seen[video.VIDEO] == videos).all()
    frames = np.asarray(seen[video.IMAGE])
    assert frames.shape == (400, 2, 2, 1)
    assert (frames == frames[:, :1, :1]).all()
    counts = np.bincount(frames[:, 0, 0, 0].astype(int), minlength=8)
    assert counts.min() > 25  # 50 each, with a deviation of 6.6


def test_some_frames_of_each():
    """No frame twice; an example's are the same whichever others are beside it, as on another device; and so are its keys."""
    videos = jnp.broadcast_to(jnp.arange(8.0)[None, :, None, None, None], (6, 8, 2, 2, 1))
    own, keys = setup(image_frames=3), example_keys(KEY, 6)
    frames = np.asarray(video.views_of(own, videos, keys)[video.IMAGE])
    assert frames.shape == (18, 2, 2, 1)
    assert all(len(set(each)) == 3 for each in frames[:, 0, 0, 0].reshape(6, 3))
    part = np.asarray(video.views_of(own, videos[4:], keys[4:])[video.IMAGE])
    np.testing.assert_array_equal(part, frames[12:])
    of_frames = jax.random.key_data(video.keys_of(own, keys)[video.IMAGE])
    assert len(np.unique(of_frames, axis=0)) == 18
    np.testing.assert_array_equal(jax.random.key_data(video.keys_of(own, keys[4:])[video.IMAGE]), of_frames[12:])


def test_each_discriminator_has_its_own_penalty(batch):
    """R1 by hand, of the videos and of their frames, and a weight times it in the loss; others take noise for each frame."""
    given = {"r1": penalties.r1, "gradient_penalty": penalties.gradient_penalty}
    own = setup(image_frames=2, penalties=given, penalty_weight=10.0)
    state, real = jax.jit(video.make(own).init)(KEY, batch), batch["video"][0] / np.float32(127.5) - 1
    step = lambda own: jax.jit(lambda state: video.d_step(own, state, real, KEY))(state)[1]
    found, without = step(own), step(own._replace(penalties={}))
    for name in ("image", "video"):
        terms = found[f"{name}_r1"] + found[f"{name}_gradient_penalty"]
        assert found[f"{name}_r1"] > 0
        np.testing.assert_allclose(found[f"{name}_d_loss"], without[f"{name}_d_loss"] + 10 * terms, rtol=1e-5)
    module, player = own.discriminators[video.VIDEO], state.players[video.VIDEO]
    critic = lambda x: video.score(module, player.params, player.variables, x)[0].sum()
    slope = jax.grad(critic)(jnp.asarray(real))
    np.testing.assert_allclose(found["video_r1"], 0.5 * np.sum(slope**2) / len(real), rtol=1e-4)


def test_g_plays_against_the_sum(batch):
    """Its loss is that of both discriminators, each asked alone."""
    own = setup()
    state, real = jax.jit(video.make(own).init)(KEY, batch), batch["video"][0] / np.float32(127.5) - 1
    loss = lambda setup: jax.jit(lambda state: video.g_step(setup, state, real, KEY))(state)[1]["g_loss"]
    each = [loss(own._replace(discriminators={name: module})) for name, module in own.discriminators.items()]
    np.testing.assert_allclose(loss(own), sum(each), rtol=1e-6)


def test_what_moves_has_a_price(batch):
    """VGAN's mask begins as a half; a price on it makes it smaller than it is without."""
    generator = vgan.Generator((8, 16, 16, 1), 2)
    discriminators = {video.VIDEO: vgan.Discriminator(2)}
    found = {}
    for price in (0.0, 100.0):
        own = setup(latent_size=4, moving=price, longer=None)._replace(
            generator=generator, discriminators=discriminators
        )
        recipe = video.make(own)
        state, step = jax.jit(recipe.init)(KEY, batch), jax.jit(recipe.step)
        assert recipe.sampler.longer is None
        for _ in range(20):
            state, metrics = step(state, batch, KEY)
        params = state.players[video.GENERATOR].params
        found[price] = video.generate(own, state, params, KEY, 4)[2]
    assert metrics["moving"] < 0.5
    assert found[100.0] < found[0.0] - 0.01


def test_all_that_leaves_a_step_is_the_same_on_all_devices(batch):
    """`out_axes=None` raises if a mean over devices was forgotten."""
    recipe = video.make(setup("data"))
    state = recipe.init(KEY, batch)
    stacked = jax.tree.map(lambda x: x[None], batch)
    play = jax.vmap(recipe.step, in_axes=(None, 0, None), out_axes=None, axis_name="data", axis_size=1)
    assert play(state, stacked, KEY)[0].step == 1
