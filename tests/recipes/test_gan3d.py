"""3D-GAN's D learns only while it is not too good; voxels are images to the networks."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import games
from gan_jax.networks import gan3d as networks
from gan_jax.recipes import gan, gan3d, volumes
from gan_jax.recipes.contract import Recipe

KEY = jax.random.key(0)

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def setup(axis_name=None):
    adam = optax.adam(1e-3, b1=0.5)
    players = networks.Generator(16, 2, axis_name), networks.Discriminator(2, "batch", axis_name)
    return gan.Setup(*players, games.non_saturating, adam, adam, latent_size=3, ema=0.9, axis_name=axis_name)


@pytest.fixture(scope="module")
def batch():
    return {"voxels": np.random.RandomState(0).rand(2, 4, 16, 16, 16) < 0.2, "label": np.zeros((2, 4), np.int32)}


@pytest.fixture(scope="module")
def step(batch):
    recipe = gan3d.make(setup(), 0.8)
    return recipe, jax.jit(recipe.init)(KEY, batch), jax.jit(recipe.step)


@pytest.mark.parametrize(("accuracy", "learns"), [(0.0, True), (0.8, True), (0.801, False), (1.0, False)])
def test_d_learns_only_while_it_is_not_too_good(step, batch, accuracy, learns):
    """Up to 80 % right on the last batch; above, not a bit of it changes, its statistics included. G learns either way."""
    _, state, play = step
    after, metrics = play(state.replace(memory={"d_accuracy": jnp.float32(accuracy)}), batch, KEY)
    same = lambda name: jax.tree.map(lambda a, b: bool((a == b).all()), state.players[name], after.players[name])
    assert jax.tree.all(same("discriminator")) is not learns
    assert not jax.tree.all(same("generator"))
    assert metrics["d_learns"] == learns
    right = (metrics["real_accuracy"] + metrics["fake_accuracy"]) / 2
    assert after.memory["d_accuracy"] == right


def test_while_it_learns_it_is_a_gan(step, batch):
    """The round of `gan.make`, of images that are 1 where a voxel is solid and -1 where not."""
    recipe, state, play = step
    plain = gan.make(setup())
    images = {"image": 2 * np.float32(batch["voxels"][..., None]) - 1, "label": batch["label"]}
    expected, metrics = jax.jit(plain.step)(state.replace(memory={}), images, KEY)
    found, with_more = play(state, batch, KEY)
    for a, b in zip(jax.tree.leaves(found.players), jax.tree.leaves(expected.players), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    for name, value in metrics.items():
        np.testing.assert_allclose(with_more[name], value, rtol=1e-5, err_msg=name)
    assert recipe.sampler.draws == "voxels"
    assert recipe.sampler.sample(state, KEY, 2).shape == (2, 16, 16, 16)
    assert recipe.features(state, 2.0 * batch["voxels"][0] - 1).shape == (4, 8 * 4)


def test_all_that_leaves_a_step_is_the_same_on_all_devices(batch):
    """`out_axes=None` raises if a mean over devices was forgotten."""
    recipe = gan3d.make(setup("data"), 0.8)
    state = recipe.init(KEY, batch)
    stacked = jax.tree.map(lambda x: x[None], batch)
    play = jax.vmap(recipe.step, in_axes=(None, 0, None), out_axes=None, axis_name="data", axis_size=1)
    after, _ = play(state, stacked, KEY)
    assert after.step == 1


def test_other_fields_stay(batch):
    seen = []
    recipe = gan.make(setup())
    volumes.of_voxels(recipe._replace(init=lambda key, batch: seen.append(batch))).init(KEY, batch)
    assert seen[0].keys() == {"image", "label"}
    assert seen[0]["image"].shape == (2, 4, 16, 16, 16, 1)
    assert (seen[0]["label"] == batch["label"]).all()


def test_examples_say_what_they_are():
    """Of images a recipe is as it is; of videos its networks see them as they are; of voxels with a channel."""
    seen = []
    recipe = Recipe(init=lambda key, batch: seen.append(batch["image"].shape), step=None, batches_per_step=1)
    assert volumes.of_examples(recipe, {"image": None, "label": None}) is recipe
    for name, channels, wanted in (("video", (3,), 3), ("voxels", (), 1)):
        batch = {name: jnp.zeros((2, 4, 8, 8, 8, *channels))}
        volumes.of_examples(recipe, {name: None}).init(KEY, batch)
        assert seen.pop() == (2, 4, 8, 8, 8, wanted)
