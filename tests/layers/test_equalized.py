"""Layers with an equalized learning rate."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import lax

from gan_jax.layers.equalized import (
    EqualizedConv,
    EqualizedDense,
    scale,
)

KEY = jax.random.key(0)
X = jax.random.normal(jax.random.key(1), (2, 5, 6, 3))


@pytest.mark.parametrize("slope, expected", [(1.0, 0.1290994), (0.0, 0.1825742)])
def test_he_s_scale_is_tf_gan_s(slope, expected):
    """Theirs takes the slope of the rectifiers that follow."""
    assert scale((3, 4, 5, 6), (2 / (1 + slope**2)) ** 0.5) == pytest.approx(expected, rel=1e-6)


def test_weights_are_kept_as_unit_normals_and_scaled_when_used():
    for layer, x in ((EqualizedDense(64), X), (EqualizedConv(64), X)):
        out, variables = layer.init_with_output(jax.random.key(0), x)
        kernel = variables["params"]["kernel"]
        assert float(kernel.std()) == pytest.approx(1, abs=0.05) and not variables["params"]["bias"].any()
        scaled = kernel * (2 / np.prod(kernel.shape[:-1])) ** 0.5
        axes = ("NHWC", "HWIO", "NHWC")
        expected = (
            x @ scaled
            if kernel.ndim == 2
            else lax.conv_general_dilated(x, scaled, (1, 1), "SAME", dimension_numbers=axes)
        )
        np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-5)


def test_the_first_step_of_adam_moves_weights_in_use_by_the_rate_times_the_scale():
    layer, optimizer = EqualizedDense(4, gain=1.0), optax.adam(0.01)
    variables = layer.init(jax.random.key(0), X)
    loss = lambda params: jnp.sum(layer.apply({"params": params}, X) ** 3)
    gradients = jax.grad(loss)(variables["params"])
    updates, _ = optimizer.update(gradients, optimizer.init(variables["params"]))
    in_use = updates["kernel"] / 3**0.5
    np.testing.assert_allclose(np.abs(in_use), 0.01 / 3**0.5, rtol=1e-3)
