"""CycleGAN: losses by hand, what each weight does, who judges what, a frozen classifier, the pool, devices."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from gan_jax import games
from gan_jax.networks.patchgan import PatchGAN
from gan_jax.networks.unet import UNet
from gan_jax.recipes import cyclegan
from gan_jax.recipes.contract import State
from gan_jax.recipes.cyclegan import DISCRIMINATOR, GENERATOR, Setup, Task
from gan_jax.recipes.jitter import Jitter

KEY = jax.random.key(0)
SGD = optax.sgd(0.1)
STILL = optax.sgd(0.0)

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


class Shift(nn.Module):
    """An image and a number that is learnt."""

    start: float = 0.0

    @nn.compact
    def __call__(self, x, *, train):
        return x + self.param("shift", nn.initializers.constant(self.start), ())


class Constant(nn.Module):
    """Scores that are all the same."""

    score: float

    @nn.compact
    def __call__(self, x, *, train):
        bias = self.param("bias", nn.initializers.constant(self.score), ())
        return jnp.zeros((len(x), 2, 2)) + bias, {}


class Bright(nn.Module):
    """Two classes: the logit of the second is the mean brightness times a weight."""

    weight: float

    @nn.compact
    def __call__(self, x, *, train):
        weight = self.param("weight", nn.initializers.constant(self.weight), ())
        logit = weight * jnp.mean(x, axis=(1, 2, 3))
        return logit, {"class_logits": jnp.stack([jnp.zeros_like(logit), logit], axis=-1)}


def batch(n=4, side=8, channels=(1, 1)):
    random = np.random.RandomState(0)
    return {
        domain: {"image": random.randint(0, 256, (1, n, side, side, count), np.uint8)}
        for domain, count in zip("ab", channels)
    }


def stubs(a_to_b=0.25, b_to_a=0.25, score=0.5, **changed):
    fields = dict(g_optimizer=STILL, d_optimizer=STILL, pool=3) | changed
    generators = {"a_to_b": Shift(a_to_b), "b_to_a": Shift(b_to_a)}
    return Setup(generators, dict.fromkeys(("d_a", "d_b"), Constant(score)), games.least_squares, **fields)


def setup(norm="instance", width=2, channels=(1, 1), **changed):
    axis_name = changed.get("axis_name")
    fields = dict(g_optimizer=SGD, d_optimizer=SGD, pool=6) | changed
    draw = lambda count: UNet(count, 2, width, norm, dropout=0.0, axis_name=axis_name)  # a ResNet takes long to compile
    generators = {"b_to_a": draw(channels[0]), "a_to_b": draw(channels[1])}
    judges = dict.fromkeys(("d_a", "d_b"), PatchGAN(1, width, norm, axis_name))
    return Setup(generators, judges, games.least_squares, **fields)


def a_round(own, given=None):
    recipe, given = cyclegan.make(own), batch() if given is None else given
    state = jax.jit(recipe.init)(KEY, given)
    return state, *jax.jit(recipe.step)(state, given, KEY)


def test_losses_by_hand():
    """D ≡ ½: both losses are ¼, G's with the factor that undoes the ½. There and back is ½ away, the identity ¼."""
    _, _, metrics = a_round(stubs())
    assert metrics["d_loss"] == pytest.approx(0.25) and 2 * metrics["g_loss"] == pytest.approx(0.25)
    for domain in "ab":
        assert metrics[f"cycle_{domain}"] == pytest.approx(0.5, abs=1e-6)
        assert metrics[f"identity_{domain}"] == pytest.approx(0.25, abs=1e-6)


def test_cycles_of_published_numbers():
    """|[[1 2 3] [4 5 6]] - [[7 8 9] [10 11 12]]| and |[1 9] - [-2 3]|, means each: 6 + 4.5 = 10.5 in all."""
    pairs = (([[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 12]]), ([1, 9], [-2, 3]))
    found = [float(cyclegan.apart(*map(jnp.array, pair))) for pair in pairs]
    assert found == [6.0, 4.5] and sum(found) == 10.5


@pytest.mark.parametrize("counted", ["cycle", "identity", "game"])
def test_weights_in_the_total(counted):
    """λ 10 and ½: 10, 10, 5 and 5 count in the total; the gradient of each is of that many.

    Of images x + s and x + t there and back are s + t away, the identity s of b and t of a: d/ds of the total is
    10 + 10 for both cycles and 5 for G's identity. The game of a D that scores all alike has no gradient.
    """
    weights = {"cycle": dict(identity=0.0), "identity": {}, "game": dict(cycle=0.0)}[counted]
    expected = {"cycle": 20.0, "identity": 25.0, "game": 0.0}[counted]
    before, after, metrics = a_round(stubs(g_optimizer=optax.sgd(1.0), **weights))
    for name in GENERATOR.values():
        moved = before.players[name].params["shift"] - after.players[name].params["shift"]
        assert moved == pytest.approx(expected, abs=1e-4)
    assert ("identity_a" in metrics) == (counted != "cycle")


def test_an_identity_that_is_one_costs_nothing():
    """Of the target domain's image, and not of what is to be translated."""
    _, _, metrics = a_round(stubs(a_to_b=0.0))
    assert metrics["identity_b"] == 0 and metrics["identity_a"] == pytest.approx(0.25, abs=1e-6)


def test_each_d_judges_its_own_domain():
    """d_b is given images of b and what becomes of a's: with three channels there, one here, none else fits."""
    given = batch(channels=(1, 3))
    state, after, _ = a_round(setup(channels=(1, 3), identity=0.0), given)
    kernel = lambda name: state.players[name].params["Conv_0"]["kernel"].shape[2]
    assert {name: kernel(name) for name in DISCRIMINATOR.values()} == {"d_a": 1, "d_b": 3}
    assert after.memory["pool"]["b"]["stored"].shape == (6, 8, 8, 3)
    translators = cyclegan.make(setup(channels=(1, 3))).translators
    assert [(each.domain, each.into) for each in translators.values()] == [("a", "b"), ("b", "a")]
    example = {"image": jnp.zeros((2, 12, 8, 1))}
    made = translators["a_to_b"].translate(after, example, KEY)
    assert made.shape == (2, 12, 8, 3)
    assert translators["a_to_b"].back(after, example, made).shape == (2, 12, 8, 1)


def test_d_sees_what_was_drawn_before_the_generators_step():
    """And by way of the pool: here it fills, and stores these very images."""
    own = setup()
    recipe = cyclegan.make(own)
    before, after, _ = a_round(own)
    example = {"image": batch()["a"]["image"][0].astype(np.float32) / 127.5 - 1}
    drawn = recipe.translators["a_to_b"].translate(before, example, KEY)
    np.testing.assert_allclose(after.memory["pool"]["b"]["stored"][:4], drawn, atol=1e-5)
    assert after.memory["pool"]["b"]["count"] == 4
    assert np.abs(recipe.translators["a_to_b"].translate(after, example, KEY) - drawn).max() > 1e-4


def test_without_a_pool_there_is_nothing_to_remember():
    """What has no numbers could not be in a checkpoint."""
    for size, memory in ((0, set()), (1, {"pool"})):
        state, after, _ = a_round(stubs(pool=size))
        assert set(state.memory) == set(after.memory) == memory


def test_all_four_learn():
    before, after, metrics = a_round(setup(norm="batch", ema=0.9))
    for name, player in before.players.items():
        pairs = zip(jax.tree.leaves(player.params), jax.tree.leaves(after.players[name].params))
        assert any(np.any(a != b) for a, b in pairs), name
    assert {"d_loss", "g_loss", "real_accuracy", "g_gradient_norm", "d_gradient_norm"} <= metrics.keys()
    moved = jax.tree.map(
        lambda a, b: float(jnp.abs(a - b).max()), before.players["a_to_b"].ema, after.players["a_to_b"].ema
    )
    assert max(jax.tree.leaves(moved["params"])) > 0 and max(jax.tree.leaves(moved["batch_stats"])) > 0


def task_state(weight=4.0):
    """A task, and a state in which it is all there is: p of the second class by the mean brightness times a weight."""
    task = Task(Bright(weight), channels=1)
    player = cyclegan.frozen(task, KEY, jnp.zeros((1, 2, 2, 1)))
    return task, State(jnp.zeros((), jnp.int32), {"classifier": player})


def of_brightness(*values):
    return jnp.array(values)[:, None, None, None] * jnp.ones((1, 2, 2, 1))


def test_what_a_classifier_says_is_kept():
    """- log p of the class that it says of the image as it was, by hand; where it is unsure it says nothing."""
    images, translated = of_brightness(1.0, -1.0, 0.1), of_brightness(-1.0, -1.0, 1.0)
    task, state = task_state()
    log_p = lambda logit: -np.log1p(np.exp(-logit))
    expected = np.array([log_p(-4.0), log_p(4.0), log_p(4.0)])
    assert cyclegan.task_loss(task, state, images, translated) == pytest.approx(-expected.mean(), rel=1e-5)
    unsure = cyclegan.task_loss(task._replace(sure=0.9), state, images, translated)
    assert unsure == pytest.approx(-expected[:2].sum() / 3, rel=1e-5)


def test_the_classifier_does_not_learn():
    """There is no gradient by way of its labels; and after a round it is as it was, to the bit."""
    task, state = task_state()
    images, translated = (jax.random.normal(jax.random.key(seed), (3, 2, 2, 1)) for seed in (1, 2))
    gradients = jax.grad(lambda x, y: cyclegan.task_loss(task, state, x, y), argnums=(0, 1))(images, translated)
    assert not gradients[0].any() and gradients[1].any()
    before, after, metrics = a_round(stubs(task=task, g_optimizer=optax.adam(0.1), d_optimizer=optax.adam(0.1)))
    assert before.players.keys() == after.players.keys() == {"a_to_b", "b_to_a", "d_a", "d_b", "classifier"}
    jax.tree.map(np.testing.assert_array_equal, before.players["classifier"], after.players["classifier"])
    assert metrics["task_a"] > 0 and metrics["task_b"] > 0
    assert before.players["a_to_b"].params["shift"] != after.players["a_to_b"].params["shift"]


def test_a_task_counts_by_its_weight():
    """Of a mean x + s of all brightness the gradient is the classifier's."""
    task, _ = task_state(1.0)
    moved = []
    for weight in (1.0, 10.0):
        own = stubs(cycle=0.0, task=task._replace(weight=weight), g_optimizer=optax.sgd(1.0))
        before, after, _ = a_round(own)
        moved.append(float(after.players["a_to_b"].params["shift"] - before.players["a_to_b"].params["shift"]))
    assert moved[1] == pytest.approx(10 * moved[0], rel=1e-4) and moved[0] != 0


def test_gray_images_are_shown_to_it_as_coloured_ones():
    task, state = task_state()
    gray, colour = of_brightness(0.3, -0.8), of_brightness(0.3, -0.8) * jnp.ones(3)
    task = task._replace(channels=3)
    one, other = (cyclegan.task_loss(task, state, images, colour) for images in (gray, colour))
    assert one == other


def test_each_domain_is_jittered_on_its_own():
    key = jax.random.key(3)
    same = {domain: batch()["a"] for domain in "ab"}
    found = cyclegan.images_of(setup(jitter=Jitter((12, 12), mirror=True)), same, key)
    assert found["a"].shape == (4, 8, 8, 1) and np.abs(found["a"] - found["b"]).max() > 0.1


@pytest.mark.parametrize("norm", ["instance", pytest.param("batch", marks=pytest.mark.slow)])
def test_four_shares_of_a_batch_are_the_whole_batch(norm, require_shares_are_the_whole):
    """With jitter, a moving average, a task, and a pool that overflows in the first round."""
    one, four = (
        cyclegan.make(setup(norm, axis_name=axis, jitter=Jitter((10, 10), mirror=True), ema=0.9, task=task_state()[0]))
        for axis in (None, "data")
    )
    require_shares_are_the_whole(one, four, batch(8), KEY, atol=3e-5)


def test_a_relativistic_game():
    """Of which G's loss is of real images too: near ln 2 as it begins."""
    _, _, metrics = a_round(setup()._replace(game=games.relativistic))
    assert metrics["g_loss"] == pytest.approx(np.log(2), rel=0.3)
