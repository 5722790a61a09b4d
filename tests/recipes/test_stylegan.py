"""StyleGAN2's steps: lazy regularisation, path lengths, w̄, and a generator in two."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from gan_jax import games, penalties
from gan_jax.networks.stylegan import Discriminator, Generator
from gan_jax.randomness import example_keys
from gan_jax.recipes import gan, stylegan
from gan_jax.recipes.adaptive import Adaptation
from gan_jax.recipes.conditions import labels_by_frequency
from gan_jax.recipes.stylegan import Regularisation, ema_decay, lazily

KEY = jax.random.key(0)
SHAPE = (8, 8, 1)
EVERY = Regularisation(1.0, 1, 2.0, 1)
LAZY = Regularisation(1.0, 2, 2.0, 3)

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def setup_of(axis_name=None, num_classes=0, **changes):
    shape = dict(base=32, most=4, num_classes=num_classes, axis_name=axis_name)
    sgd = optax.sgd(1e-3)
    networks = Generator(SHAPE, 4, 1, **shape), Discriminator(mapping_layers=1, **shape)
    fields = dict(latent_size=4, ema=0.5, axis_name=axis_name, condition=("label",) if num_classes else ())
    return gan.Setup(*networks, games.non_saturating, sgd, sgd, **fields)._replace(**changes)


def batch(n=8):
    random = np.random.RandomState(0)
    images = random.randint(0, 256, (2, n, *SHAPE)).astype(np.uint8)
    return {"image": images, "label": random.randint(0, 3, (2, n)).astype(np.int32)}


def first(n=8):
    """A batch of one step, and its images in [-1, 1]."""
    return jax.tree.map(lambda x: jnp.asarray(x[0]), batch(n)) | {"image": batch(n)["image"][0] / 127.5 - 1}


def test_lazy_steps_lower_adam_s_rate_and_beta():
    """The values of the authors' code: D every 16 rounds, G every 4."""
    d, g = lazily(0.0025, 0.99, 16), lazily(0.0025, 0.99, 4)
    assert d["learning_rate"] == pytest.approx(0.00235294, rel=1e-6) and d["b2"] == pytest.approx(0.990585, rel=1e-6)
    assert g["learning_rate"] == pytest.approx(0.002) and g["b2"] == pytest.approx(0.991992, rel=1e-6)


def test_the_moving_average_halves_over_images():
    """Of batches of 32 and 10,000 images: 0.5^(32/10000); with a ramp of 0.05, after 100 rounds over 160 images."""
    assert ema_decay(32, 1e4, 0.0)(5) == pytest.approx(0.5**0.0032)
    ramped = ema_decay(32, 1e4, 0.05)
    assert ramped(jnp.int32(100)) == pytest.approx(0.5 ** (32 / 160)) and ramped(jnp.int32(0)) == 0
    assert ramped(jnp.int32(10**6)) == pytest.approx(0.5**0.0032)


class Linear(nn.Module):
    """Images that are A times w of the second of two layers."""

    @nn.compact
    def draw(self, ws, *, train):
        matrix = self.param("matrix", nn.initializers.normal(1.0), (3, 6 * 4))
        return (ws[:, 1] @ matrix).reshape(-1, 6, 4, 1)

    def styles(self, z, condition, *, train):
        return jnp.repeat(z[:, None], 2, axis=1)


def test_path_lengths_of_a_linear_generator():
    """E ‖Aᵀy‖² = ‖A‖²_F / (H W), here of one of two layers: half of it."""
    generator = Linear()
    variables = generator.init(KEY, jnp.zeros((1, 2, 3)), train=True, method="draw")
    setup = setup_of()._replace(generator=generator, latent_size=3)
    lengths = stylegan.path_lengths(setup, variables, example_keys(KEY, 4000), KEY, None)
    matrix = variables["params"]["matrix"]
    assert jnp.mean(lengths**2) == pytest.approx(float(jnp.sum(matrix**2)) / 24 / 2, rel=0.03)
    y = jax.random.normal(jax.random.split(example_keys(KEY, 1)[0])[1], (6, 4, 1))
    expected = jnp.linalg.norm(matrix @ y.ravel()) / 24**0.5 / 2**0.5
    assert lengths[0] == pytest.approx(float(expected), rel=1e-4)


@pytest.fixture(scope="module")
def start_state():
    recipe = stylegan.make(setup_of(), EVERY)
    return jax.jit(recipe.init)(KEY, batch())


def test_path_lengths_near_their_mean(start_state):
    """By hand: the mean moves first, by a hundredth, and the step goes down the gradient of the squares about it."""
    setup, state = setup_of(), start_state.replace(memory={"path_mean": jnp.float32(0.5)})
    example = first()
    after, metrics = jax.jit(stylegan.make_path_step(setup, LAZY))(state, example, KEY)
    latent_key, noise_key = jax.random.split(KEY)
    player = state.players["generator"]

    def loss(params):
        variables = {"params": params, **player.variables}
        lengths = stylegan.path_lengths(setup, variables, example_keys(latent_key, 4), noise_key, None)
        mean = 0.5 + 0.01 * (lengths.mean() - 0.5)
        return 2.0 * 3 * jnp.mean((lengths - mean) ** 2), (lengths, mean)

    gradients, (lengths, mean) = jax.jit(jax.grad(loss, has_aux=True))(player.params)
    assert metrics["path_length"] == pytest.approx(float(lengths.mean()), rel=1e-4)
    assert after.memory["path_mean"] == pytest.approx(float(mean), rel=1e-5)
    assert metrics["path_penalty"] == pytest.approx(float(jnp.mean((lengths - mean) ** 2)), rel=1e-4)
    moved = jax.tree.map(lambda p, g: p - 1e-3 * g, player.params, gradients)
    compare = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    jax.tree.map(compare, after.players["generator"].params, moved)


def test_a_step_of_r1_is_k_times_the_penalty(start_state):
    setup, state = setup_of(), start_state
    example = first()
    after, metrics = jax.jit(stylegan.make_r1_step(setup, LAZY._replace(r1=3.0)))(state, example, KEY)
    player = state.players["discriminator"]

    def penalty(params):
        critic = lambda images: setup.discriminator.apply({"params": params}, images, train=True)[0]
        return penalties.r1(critic, example["image"], None, None)

    value, gradients = jax.jit(jax.value_and_grad(penalty))(player.params)
    assert metrics["r1_penalty"] == pytest.approx(float(value), rel=1e-4) and value > 0
    moved = jax.tree.map(lambda p, g: p - 1e-3 * 3.0 * 2 * g, player.params, gradients)
    compare = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    jax.tree.map(compare, after.players["discriminator"].params, moved)


@pytest.mark.parametrize("of", ["discriminator", "generator"])
def test_lazily_is_on_average_as_every_round(start_state, of):
    """One step of k times the weight moves SGD as far as k steps at the same place."""
    make = stylegan.make_r1_step if of == "discriminator" else stylegan.make_path_step
    moved = []
    for regularisation in (EVERY, Regularisation(1.0, 5, 2.0, 5)):
        after, _ = jax.jit(make(setup_of(), regularisation))(start_state, first(), KEY)
        before = start_state.players[of].params
        moved.append(jax.tree.map(lambda a, b: np.asarray(a - b), after.players[of].params, before))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(5 * a, b, rtol=1e-3, atol=3e-5), *moved)


def test_each_is_in_every_kth_round(start_state):
    """The first one has both; those without do not record it, and a recipe without either never does."""
    recipe, plain = stylegan.make(setup_of(), LAZY), stylegan.make(setup_of(), Regularisation(0, 1, 0, 1))
    assert recipe.every == {"r1_penalty": 2, "path_penalty": 3, "path_length": 3} and not plain.every
    step = jax.jit(recipe.step)
    state, found = start_state, []
    for _ in range(4):
        state, metrics = step(state, batch(), KEY)
        found.append([bool(metrics[name]) for name in ("r1_penalty", "path_length")])
    assert found == [[True, True], [False, False], [True, False], [False, True]]
    assert set(jax.eval_shape(plain.step, start_state, batch(), KEY)[1]) < set(metrics)


def test_the_moving_average_has_the_mean_of_w_of_now(start_state):
    state, _ = jax.jit(stylegan.make(setup_of(), LAZY).step)(start_state, batch(), KEY)
    player = state.players["generator"]
    mean = player.variables["average"]["w"]
    assert np.abs(mean).max() > 0 and state.memory["path_mean"] > 0
    np.testing.assert_array_equal(player.ema["average"]["w"], mean)
    assert np.abs(player.ema["params"]["synthesis"]["constant"] - player.params["synthesis"]["constant"]).max() > 0


def test_shares_of_a_batch_are_the_whole(require_shares_are_the_whole):
    """Of a conditional one, with ADA. Regularised in each round: devices do not meet in a branch."""
    more = EVERY, Adaptation(images=64, every=1), labels_by_frequency([1, 1, 1])
    made = [stylegan.make(setup_of(axis, num_classes=3), *more) for axis in (None, "data")]
    require_shares_are_the_whole(*made, batch(), KEY, atol=1e-4)


def test_any_game_can_be_played(start_state):
    """Rounds of a relativistic one, with neither regularisation."""
    recipe = stylegan.make(setup_of(game=games.relativistic), Regularisation(0, 1, 0, 1))
    _, metrics = jax.jit(recipe.step)(start_state, batch(), KEY)
    assert np.isfinite(metrics["d_loss"]) and np.isfinite(metrics["g_loss"])


def test_a_batch_of_four_stays_finite():
    recipe = stylegan.make(setup_of(), EVERY._replace(path=20.0))
    state, step = jax.jit(recipe.init)(KEY, batch(4)), jax.jit(recipe.step)
    for _ in range(30):
        state, metrics = step(state, batch(4), KEY)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((state.memory, metrics, state.players)))


def test_a_batch_that_cannot_be_divided_is_refused():
    recipe = stylegan.make(setup_of(), EVERY._replace(path_shrink=3))
    with pytest.raises(ValueError, match="path_shrink=3: does not divide the 8 examples"):
        jax.eval_shape(recipe.step, jax.eval_shape(recipe.init, KEY, batch()), batch(), KEY)


@pytest.mark.parametrize("ema", [0.5, 0.0])
def test_the_generator_in_two_is_the_generator(ema):
    recipe = stylegan.make(setup_of(ema=ema), EVERY)
    state, sampler = jax.jit(recipe.init)(KEY, batch()), recipe.sampler
    z, styles = sampler.latents(KEY, 3), sampler.styles
    generate = jax.jit(sampler.generate)
    images = generate(state, z)
    np.testing.assert_allclose(styles.generate(state, styles.of(state, z)), images, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(generate(styles.truncated(state, 1.0), z), images)
    one = generate(styles.truncated(state, 0.0), z)
    np.testing.assert_allclose(one, np.asarray(one)[[0, 0, 0]], atol=1e-5)
    same = styles.with_noise(state, styles.noise(state))
    jax.tree.map(np.testing.assert_array_equal, same, state)
