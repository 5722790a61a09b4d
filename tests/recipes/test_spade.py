"""SPADE: losses by hand, styles, labels that nobody cares about, scales."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import games
from gan_jax.networks import spade as networks
from gan_jax.networks.patchgan import MultiScale, PatchGAN
from gan_jax.recipes import spade
from gan_jax.recipes.jitter import Jitter
from gan_jax.recipes.spade import Setup

KEY = jax.random.key(0)
STILL = optax.sgd(0.0)

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def batch(n=2, side=16):
    random = np.random.RandomState(0)
    labels = random.randint(0, 3, (1, n, side, side, 1)).astype(np.int32)
    return {"labels": labels, "target": random.randint(0, 256, (1, n, side, side, 3)).astype(np.uint8)}


def setup(**changed):
    encoder = changed.pop("encoder", networks.Encoder(4, width=2))
    players = networks.Generator(3, 1, changed.get("axis_name")), encoder, MultiScale(2, 1, width=2)
    return Setup(*players, games.hinge, STILL, STILL, classes=3, style_size=4, **changed)


def test_losses_by_hand():
    """At scores of 0 the hinge game is at 2 and 0 on every scale."""
    own = setup(costs={"red": (3.0, lambda images, example: jnp.mean(example["target"][..., 0]))})
    recipe = spade.make(own)
    state = jax.jit(recipe.init)(KEY, batch())
    silent = state.players["discriminator"].replace(
        params=jax.tree.map(jnp.zeros_like, state.players["discriminator"].params)
    )
    state = state.replace(players={**state.players, "discriminator": silent})
    _, metrics = jax.jit(recipe.step)(state, batch(), KEY)
    assert metrics["d_loss"] == pytest.approx(2) and metrics["g_loss"] == pytest.approx(0, abs=1e-6)
    assert metrics["features_distance"] == pytest.approx(0, abs=1e-6)
    assert metrics["red"] == pytest.approx(float(batch()["target"][0, ..., 0].mean() / 127.5 - 1), rel=1e-4)
    assert metrics["kl"] > 0


def test_parts_count_by_their_weights():
    """With D silent what is left are the divergence and costs: twice the weights are twice the gradient."""
    norms = []
    for times in (1, 2):
        recipe = spade.make(
            setup(kl=0.05 * times, costs={"red": (3.0 * times, lambda images, _: jnp.mean(images[..., 0]))})
        )
        state = jax.jit(recipe.init)(KEY, batch())
        player = state.players["discriminator"]
        silent = player.replace(params=jax.tree.map(jnp.zeros_like, player.params))
        _, metrics = jax.jit(recipe.step)(
            state.replace(players={**state.players, "discriminator": silent}), batch(), KEY
        )
        norms.append(float(metrics["g_gradient_norm"]))
    assert norms[1] == pytest.approx(2 * norms[0], rel=1e-3) and norms[0] > 0


def test_matched_is_a_mean_over_scales_of_a_sum_over_layers():
    real = [[jnp.zeros((1, 2, 2, 1)), jnp.zeros((1, 1, 1, 1))], [jnp.zeros((1, 1, 1, 2))]]
    fake = [[jnp.full((1, 2, 2, 1), 2.0), jnp.full((1, 1, 1, 1), -3.0)], [jnp.array([1.0, 2.0]).reshape(1, 1, 1, 2)]]
    assert spade.matched(real, fake) == pytest.approx((2 + 3 + 1.5) / 2)
    slope = jax.grad(lambda real: spade.matched(real, fake))(real)
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(slope))


def test_scales_count_alike_however_many_patches_they_have():
    """Means of means: 4 patches at 0 and one at 2, hinge of G -1; not -2/5."""
    found = spade.over_scales(
        games.hinge, [jnp.zeros((1, 2, 2)), jnp.zeros((1, 1, 1))], [jnp.zeros((1, 2, 2)), jnp.full((1, 1, 1), 2.0)]
    )
    assert found.g == pytest.approx(-1) and found.d == pytest.approx((2 + 1 + 3) / 2)


def test_styles_come_from_the_key_and_labels_say_what():
    recipe = spade.make(setup())
    state = jax.jit(recipe.init)(KEY, batch())
    translate = recipe.translators["labels_to_image"].translate
    example = {"labels": jnp.asarray(batch()["labels"][0])}
    first, same, other = (translate(state, example, jax.random.key(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, same)
    assert np.any(first != other)
    moved = translate(state, {"labels": (example["labels"] + 1) % 3}, KEY)
    assert np.any(moved != first)


def test_a_style_may_be_that_of_an_image():
    """Then there is no chance in it."""
    recipe = spade.make(setup())
    state = jax.jit(recipe.init)(KEY, batch())
    translate = recipe.translators["in_style"].translate
    example = {"labels": jnp.asarray(batch()["labels"][0]), "target": jax.random.uniform(KEY, (2, 16, 16, 3))}
    first, same = (translate(state, example, jax.random.key(seed)) for seed in (0, 1))
    np.testing.assert_array_equal(first, same)
    other = translate(state, {**example, "target": -example["target"]}, KEY)
    assert np.any(other != first)
    assert "in_style" not in spade.make(setup(encoder=None)).translators


def test_four_shares_of_a_batch_are_the_whole_batch(require_shares_are_the_whole):
    """With the encoder's noise, jitter and a moving average."""
    one, four = (
        spade.make(
            setup(axis_name=axis, jitter=Jitter((20, 18), mirror=True), ema=0.9)._replace(d_optimizer=optax.sgd(0.1))
        )
        for axis in (None, "data")
    )
    require_shares_are_the_whole(one, four, batch(8), KEY)


def test_labels_beyond_are_nothing():
    labels = jnp.array([[[[0], [2]], [[3], [255]]]])
    found = spade.one_hot(setup(), {"labels": labels})
    np.testing.assert_array_equal(found[0], [[[1, 0, 0], [0, 0, 1]], [[0, 0, 0], [0, 0, 0]]])


def test_without_an_encoder_there_is_neither_its_player_nor_its_loss():
    recipe = spade.make(setup(encoder=None, ema=0.9))
    state = jax.jit(recipe.init)(KEY, batch())
    state, metrics = jax.jit(recipe.step)(state, batch(), KEY)
    assert set(state.players) == {"generator", "discriminator"} and "kl" not in metrics
    assert state.players["generator"].ema is not None


def test_g_and_e_learn_together_and_d_alone():
    own = setup()._replace(g_optimizer=optax.sgd(0.1))
    recipe = spade.make(own)
    state = jax.jit(recipe.init)(KEY, batch())
    after, _ = jax.jit(recipe.step)(state, batch(), KEY)
    moved = {
        name: any(
            np.any(a != b) for a, b in zip(*(jax.tree.leaves(each.players[name].params) for each in (state, after)))
        )
        for name in state.players
    }
    assert moved == {"generator": True, "encoder": True, "discriminator": False}


def test_scales_are_patchgans_of_halved_images():
    """The second scale's scores are those of a PatchGAN of the means of 3×3 windows."""
    image, given = (jax.random.normal(jax.random.key(seed), (2, 16, 16, 2)) for seed in (1, 2))
    network = MultiScale(2, 1, width=2, spectral=False)
    variables = network.init(KEY, image, {"image": given}, train=False)
    scores, maps = network.apply(variables, image, {"image": given}, train=False)
    assert [score.shape for score in scores] == [(2, 6, 6), (2, 2, 2)] and [len(each) for each in maps] == [2, 2]
    alone = PatchGAN(1, 2, "instance")
    windows = lambda x: jnp.stack(
        [
            x[:, max(0, 2 * i - 1) : 2 * i + 2, max(0, 2 * j - 1) : 2 * j + 2].mean((1, 2))
            for i in range(8)
            for j in range(8)
        ],
        1,
    ).reshape(2, 8, 8, 2)
    own = {"params": variables["params"]["PatchGAN_1"]}
    expected, _ = alone.apply(own, windows(image), {"image": windows(given)}, train=False)
    np.testing.assert_allclose(scores[1], expected, atol=1e-4)


@pytest.mark.parametrize("sides, times", [((8, 8), 1), ((64, 64), 4), ((256, 256), 5), ((512, 512), 5), ((24, 16), 2)])
def test_doublings(sides, times):
    assert networks.doublings(sides) == times


def test_sides_that_cannot_be_drawn():
    with pytest.raises(ValueError, match="images of 9x16: SPADE draws such as have even sides"):
        networks.doublings((9, 16))
