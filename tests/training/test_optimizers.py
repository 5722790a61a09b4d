import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax.training.optimizers import clip_weights, historical_averaging, orthogonal_regularization, wait


def test_weights_stay_within_the_limit_and_free_ones_move_as_before():
    optimizer = optax.chain(optax.sgd(1.0), clip_weights(0.01))
    params = {"a": jnp.array([0.0, 0.009, -0.009]), "b": jnp.array(0.002)}
    gradients = {"a": jnp.array([-0.5, -0.5, 0.5]), "b": jnp.array(-0.001)}
    updates, _ = optimizer.update(gradients, optimizer.init(params), params)
    params = optax.apply_updates(params, updates)
    np.testing.assert_allclose(params["a"], [0.01, 0.01, -0.01], rtol=1e-6)
    np.testing.assert_allclose(params["b"], 0.003, rtol=1e-6)


def test_historical_averaging_pulls_towards_the_mean_of_earlier_parameters():
    """Three steps by hand: θ = 1, 3, 8; the means of what came before are -, 1, 2."""
    transform = historical_averaging(0.5)
    state = transform.init(jnp.array(0.0))
    pulls = []
    for θ in (1.0, 3.0, 8.0):
        update, state = transform.update(jnp.array(10.0), state, jnp.array(θ))
        pulls.append(float(update) - 10)
    np.testing.assert_allclose(pulls, [0, 2 * 0.5 * (3 - 1), 2 * 0.5 * (8 - 2)])
    np.testing.assert_allclose(state.mean, 4)


def test_historical_averaging_is_the_gradient_of_its_penalty():
    θ, mean = jnp.array([1.0, -2.0]), jnp.array([0.5, 0.5])
    transform = historical_averaging(0.7)
    state = transform.init(θ)._replace(mean=mean, count=jnp.int32(3))
    pull, _ = transform.update(jnp.zeros(2), state, θ)
    np.testing.assert_allclose(pull, jax.grad(lambda θ: 0.7 * jnp.sum((θ - mean) ** 2))(θ), rtol=1e-6)


def test_waiting_leaves_parameters_and_optimizer_as_they_were():
    optimizer = wait(optax.adam(0.1), 3)
    plain = optax.adam(0.1)
    params = jnp.array(1.0)
    state, plain_state = optimizer.init(params), plain.init(params)
    updates = []
    for _ in range(5):
        update, state = optimizer.update(jnp.array(2.0), state, params)
        updates.append(update)
    expected = []
    for _ in range(2):
        update, plain_state = plain.update(jnp.array(2.0), plain_state, params)
        expected.append(update)
    np.testing.assert_allclose(updates, [0, 0, 0, *expected], rtol=1e-6)
    assert wait(plain, 0) is plain


def test_orthogonal_regularization_is_half_the_gradient_of_what_rows_have_in_common():
    """‖W Wᵀ ⊙ (1 - I)‖², W a row for each output; of a dense kernel and of a convolution's."""
    for shape in ((5, 4), (3, 4), (3, 3, 2, 4)):
        kernel = jax.random.normal(jax.random.key(0), shape)
        matrix = lambda kernel: kernel.reshape(-1, 4).T
        penalty = lambda kernel: jnp.sum((matrix(kernel) @ matrix(kernel).T * (1 - jnp.eye(4))) ** 2)
        transform = orthogonal_regularization(0.3)
        update, _ = transform.update({"kernel": jnp.ones(shape)}, transform.init(None), {"kernel": kernel})
        expected = 1 + 0.3 * 0.5 * jax.grad(penalty)(kernel)
        np.testing.assert_allclose(update["kernel"], expected, rtol=1e-4, atol=1e-5)


def test_orthogonal_regularization_leaves_vectors_and_embeddings_alone():
    params = {"shared": {"kernel": jnp.ones((3, 2))}, "Dense_0": {"kernel": jnp.ones((3, 2)), "bias": jnp.ones(2)}}
    updates = jax.tree.map(jnp.zeros_like, params)
    changed, _ = orthogonal_regularization(1.0, skip=("shared",)).update(updates, optax.EmptyState(), params)
    moved = jax.tree.map(lambda leaf: bool(np.any(leaf)), changed)
    assert moved == {"shared": {"kernel": False}, "Dense_0": {"kernel": True, "bias": False}}
    orthogonal = {"kernel": jnp.diag(jnp.array([2.0, 3.0]))}
    pull, _ = orthogonal_regularization(1.0).update(orthogonal, optax.EmptyState(), orthogonal)
    np.testing.assert_array_equal(pull["kernel"], orthogonal["kernel"])
