import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import penalties
from gan_jax.randomness import example_keys

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

KEY = jax.random.key(0)
IMAGES = jax.random.normal(jax.random.key(1), (2, 5, 6, 4, 3))  # real and fake, five images of 6×4×3
WEIGHTS = jax.random.normal(jax.random.key(2), (6, 4, 3))


def linear_critic(images):
    return jnp.tensordot(images, WEIGHTS, 3)


def square_critic(images):
    return 0.5 * jnp.sum(images**2, axis=(1, 2, 3))  # gradient: the image itself


# penalty of the linear critic, whose gradient is WEIGHTS everywhere: all of H, W and C in one norm
NORM = np.linalg.norm(np.asarray(WEIGHTS))
CASES = {
    "gradient_penalty": (NORM - 1) ** 2,
    "r1": NORM**2 / 2,
    "r2": NORM**2 / 2,
    "dragan": (NORM - 1) ** 2,
}


def test_every_penalty_is_tested():
    for name in penalties.PENALTIES:
        assert name in CASES, f"add CASES[{name!r}] in tests/test_penalties.py: its value for a critic of slope WEIGHTS"
    assert set(CASES) == set(penalties.PENALTIES)


@pytest.mark.parametrize("name", CASES)
def test_linear_critic(name):
    np.testing.assert_allclose(penalties.PENALTIES[name](linear_critic, *IMAGES, KEY), CASES[name], rtol=1e-6)


def test_gradient_penalty_target():
    norm = np.linalg.norm(np.asarray(WEIGHTS))
    value = penalties.gradient_penalty(linear_critic, *IMAGES, KEY, target=norm)
    np.testing.assert_allclose(value, 0, atol=1e-9)


def test_gradient_penalty_draws_one_epsilon_per_example():
    """With real images all 1 and fake ones all 0, x̂ is ε everywhere in an image; the gradient of the square is x̂."""
    real, fake = jnp.ones((4, 6, 4, 3)), jnp.zeros((4, 6, 4, 3))
    seen = []

    def critic(images):
        seen.append(images)
        return square_critic(images)

    with jax.disable_jit():
        value = penalties.gradient_penalty(critic, real, fake, KEY)
    between = np.asarray(jax.lax.stop_gradient(jax.vmap(jax.random.uniform)(example_keys(KEY, 4))))
    assert len(set(between.tolist())) == 4 and (between >= 0).all() and (between < 1).all()
    np.testing.assert_allclose(value, np.mean((between * np.sqrt(6 * 4 * 3) - 1) ** 2), rtol=1e-5)
    assert len(seen) == 1


def test_gradient_penalty_lies_between_real_and_fake():
    """ε weighs the real image: with ε = 1 for all, the penalty is that of the real images."""
    keys = example_keys(KEY, 5)
    ε = np.asarray(jax.vmap(jax.random.uniform)(keys))[:, None, None, None]
    between = ε * np.asarray(IMAGES[0]) + (1 - ε) * np.asarray(IMAGES[1])
    norms = np.linalg.norm(between.reshape(5, -1), axis=1)
    value = penalties.gradient_penalty(square_critic, *IMAGES, KEY)
    np.testing.assert_allclose(value, np.mean((norms - 1) ** 2), rtol=1e-5)


@pytest.mark.parametrize("name, side", [("r1", 0), ("r2", 1)])
def test_r1_looks_at_real_images_and_r2_at_fake_ones(name, side):
    """The square critic's gradient is the image."""
    expected = 0.5 * np.mean(np.sum(np.asarray(IMAGES[side]) ** 2, axis=(1, 2, 3)))
    np.testing.assert_allclose(penalties.PENALTIES[name](square_critic, *IMAGES, KEY), expected, rtol=1e-6)


def test_dragan_looks_around_real_images():
    """With real images all x but for one pixel, x̂ - x lies in [0, ½ s], and its spread is an example's own α."""
    real = jnp.zeros((200, 6, 4, 3)).at[:, 0, 0, 0].set(5.0)
    seen = []

    def critic(images):
        seen.append(images)
        return square_critic(images)

    with jax.disable_jit():
        value = penalties.dragan(critic, real, jnp.full_like(real, np.nan), KEY)
    x = np.asarray(jax.lax.stop_gradient(seen[0].primal if hasattr(seen[0], "primal") else seen[0]))
    np.testing.assert_allclose(value, np.mean((np.linalg.norm(x.reshape(200, -1), axis=1) - 1) ** 2), rtol=1e-5)
    moved = (x - np.asarray(real)) / (0.5 * np.std(np.asarray(real)))
    assert moved.min() >= 0 and moved.max() < 1
    np.testing.assert_allclose(moved.mean(), 0.25, atol=0.03)  # E α u = ¼
    largest = moved.reshape(200, -1).max(axis=1)  # about α
    np.testing.assert_allclose([largest.mean(), largest.std()], [0.5, 12**-0.5], atol=0.05)


def test_dragan_measures_the_spread_of_the_whole_batch():
    real = IMAGES[0, :4] * jnp.arange(4)[:, None, None, None]
    whole = penalties.dragan(square_critic, real, real, example_keys(KEY, 4))
    share = lambda x, keys: penalties.dragan(square_critic, x, x, keys, axis_name="data")
    keys = example_keys(KEY, 4).reshape(2, 2)
    np.testing.assert_allclose(
        jax.vmap(share, axis_name="data")(real.reshape(2, 2, 6, 4, 3), keys).mean(), whole, rtol=1e-6
    )


def test_keys_per_example_follow_the_example():
    """The second half alone, with its own keys, adds up with the first to the whole."""
    keys = example_keys(KEY, 4)
    real, fake = IMAGES[:, :4]
    whole = penalties.gradient_penalty(square_critic, real, fake, keys)
    halves = [penalties.gradient_penalty(square_critic, real[s], fake[s], keys[s]) for s in (slice(2), slice(2, 4))]
    np.testing.assert_allclose(whole, np.mean(halves), rtol=1e-6)
    np.testing.assert_allclose(whole, penalties.gradient_penalty(square_critic, real, fake, KEY), rtol=1e-6)


def test_a_flat_critic_has_finite_gradients():
    """Where the gradient is 0, the norm's derivative would be NaN."""
    penalty = lambda scale: penalties.gradient_penalty(lambda x: scale * square_critic(x), *IMAGES, KEY)
    value, slope = jax.value_and_grad(penalty)(0.0)
    assert value == 1 and slope == 0


def test_unequal_shapes_raise():
    with pytest.raises(ValueError, match="equal shape"):
        penalties.gradient_penalty(square_critic, IMAGES[0], IMAGES[1, :1], KEY)
