import jax.numpy as jnp
import numpy as np
import optax

from gan_jax.optimizers import clip_weights


def test_weights_stay_within_the_limit_and_free_ones_move_as_before():
    optimizer = optax.chain(optax.sgd(1.0), clip_weights(0.01))
    params = {"a": jnp.array([0.0, 0.009, -0.009]), "b": jnp.array(0.002)}
    gradients = {"a": jnp.array([-0.5, -0.5, 0.5]), "b": jnp.array(-0.001)}
    updates, _ = optimizer.update(gradients, optimizer.init(params), params)
    params = optax.apply_updates(params, updates)
    np.testing.assert_allclose(params["a"], [0.01, 0.01, -0.01], rtol=1e-6)
    np.testing.assert_allclose(params["b"], 0.003, rtol=1e-6)
