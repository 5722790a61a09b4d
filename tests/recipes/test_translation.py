"""Paired translation: losses by hand, who learns, noise when it translates, devices."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import games
from gan_jax.networks.patchgan import PatchGAN
from gan_jax.networks.super_resolution import SRResNet
from gan_jax.networks.unet import UNet
from gan_jax.recipes import translation
from gan_jax.recipes.jitter import Jitter
from gan_jax.recipes.translation import Setup

KEY = jax.random.key(0)
SGD = optax.sgd(0.1)

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def batch(n=4, side=32):
    """Targets are their images upside down."""
    images = np.random.RandomState(0).randint(0, 256, (1, n, side, side, 1), np.uint8)
    return {"image": images, "target": images[:, :, ::-1]}


def setup(**changed):
    fields = dict(costs={"l1": (100.0, translation.l1)}) | changed
    axis_name = fields.get("axis_name")
    generator = UNet(1, halvings=5, width=2, axis_name=axis_name)
    fields = dict(g_optimizer=SGD, d_optimizer=SGD) | fields
    return Setup(generator, PatchGAN(1, width=2, axis_name=axis_name), games.non_saturating, **fields)


def first_metrics(**changed):
    """Those of the first round, with a D that scores all images 0, whose last layer alone learns."""
    recipe = translation.make(setup(**changed))
    state = jax.jit(recipe.init)(KEY, batch())
    player = state.players["discriminator"]
    params = dict(player.params)
    last = max(name for name in params if name.startswith("Conv"))
    params[last] = jax.tree.map(jnp.zeros_like, params[last])
    state = state.replace(players={**state.players, "discriminator": player.replace(params=params)})
    return jax.jit(recipe.step)(state, batch(), KEY)[1]


def test_losses_by_hand():
    """At scores of 0 the game's are 2 ln 2 and ln 2. D goes down half of its own; G's distance counts by its weight."""
    metrics = first_metrics(d_optimizer=optax.sgd(0.0))
    assert metrics["d_loss"] == pytest.approx(2 * np.log(2)) and metrics["g_loss"] == pytest.approx(np.log(2))
    whole = first_metrics(d_optimizer=optax.sgd(0.0), d_share=1.0, costs={"l1": (200.0, translation.l1)})
    assert whole["d_gradient_norm"] == pytest.approx(2 * float(metrics["d_gradient_norm"]), rel=1e-4)
    assert whole["g_gradient_norm"] == pytest.approx(2 * float(metrics["g_gradient_norm"]), rel=1e-4)
    assert whole["l1"] == metrics["l1"] and metrics["d_gradient_norm"] > 0


def test_l1_is_a_mean_over_all_numbers():
    images = jnp.zeros((2, 3, 4, 3))
    assert translation.l1(images, {"target": images.at[0].add(1.0)}) == pytest.approx(0.5)


def test_l1_of_holes_is_a_mean_over_what_is_missing():
    """Of each image, however large its hole; and 0 where there is none."""
    images, mask = jnp.zeros((3, 4, 4, 3)), jnp.zeros((3, 4, 4, 1), bool).at[0, :2].set(True).at[1, 0, 0].set(True)
    target = jnp.where(mask, 1.0, 7.0).at[1].multiply(0.5)
    assert translation.l1(images, {"target": target * jnp.ones(3), "mask": mask}) == pytest.approx((1 + 0.5 + 0) / 3)


@pytest.mark.parametrize("players", [("generator",), ("discriminator",)])
def test_one_may_play_alone(players):
    recipe = translation.make(setup(), players=players)
    state = jax.jit(recipe.init)(KEY, batch())
    after, metrics = jax.jit(recipe.step)(state, batch(), KEY)
    moved = {
        name: any(
            np.any(a != b) for a, b in zip(*(jax.tree.leaves(each.players[name].params) for each in (state, after)))
        )
        for name in state.players
    }
    assert moved == {name: name in players for name in state.players}
    still = state.players["generator"].variables, after.players["generator"].variables
    assert any(np.any(a != b) for a, b in zip(*map(jax.tree.leaves, still))) == ("generator" in players)
    assert ("g_loss" in metrics, "d_loss" in metrics) == (False, players == ("discriminator",))


def test_each_patch_is_judged_by_itself():
    """Scores of 0 and 2 are not a 1."""
    scores = jnp.array([[[0.0, 2.0]]])
    assert games.least_squares(scores, scores - 1).d == pytest.approx(0.5 + 0.5)


def test_four_shares_of_a_batch_are_the_whole_batch(require_shares_are_the_whole):
    """With jitter, dropout and a moving average."""
    one, four = (
        translation.make(
            setup(axis_name=axis, jitter=Jitter((80, 72), mirror=True), ema=0.9)._replace(
                generator=UNet(1, halvings=6, width=1, axis_name=axis)
            )
        )
        for axis in (None, "data")
    )
    require_shares_are_the_whole(one, four, batch(8, 64), KEY)


@pytest.mark.parametrize("noisy", [False, True])
def test_noise_when_it_translates(noisy):
    own = setup(noisy=noisy)._replace(generator=UNet(1, halvings=6, width=2))
    recipe = translation.make(own)
    state = recipe.init(KEY, batch(side=64))
    example = {"image": jax.random.normal(KEY, (2, 64, 64, 1))}
    translator = recipe.translators["a_to_b"]
    for translate, moves in ((translator.translate, noisy), (translator.otherwise, not noisy)):
        first, same, other = (translate(state, example, jax.random.key(seed)) for seed in (0, 0, 1))
        np.testing.assert_array_equal(first, same)
        assert np.any(first != other) == moves


def test_what_is_composed_is_what_d_and_the_costs_see():
    """With all of it kept, nothing is left to learn."""
    keep = setup(compose=lambda drawn, example: 0 * drawn + example["target"])
    recipe = translation.make(keep)
    state = jax.jit(recipe.init)(KEY, batch())
    after, metrics = jax.jit(recipe.step)(state, batch(), KEY)
    assert metrics["l1"] == 0
    for a, b in zip(*(jax.tree.leaves(each.players["generator"].params) for each in (state, after))):
        np.testing.assert_allclose(a, b, atol=1e-7)


def test_super_resolution_learns_without_a_condition():
    own = setup(conditional=False)._replace(
        generator=SRResNet(1, times=2, width=4, blocks=1), discriminator=PatchGAN(1, 2)
    )
    recipe = translation.make(own)
    pair = batch() | {"image": batch(side=16)["image"]}
    state = recipe.init(KEY, pair)
    state, _ = jax.jit(recipe.step)(state, pair, KEY)
    assert recipe.translators["a_to_b"].translate(state, {"image": jnp.zeros((2, 5, 7, 1))}, KEY).shape == (
        2,
        10,
        14,
        1,
    )
