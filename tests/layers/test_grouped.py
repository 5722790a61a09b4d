"""Convolutions in groups."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from gan_jax.layers.grouped import GroupedConv

KEY = jax.random.key(0)
X = jax.random.normal(KEY, (2, 5, 6, 12))


def test_equal_to_xla_s_own_in_values_and_both_derivatives():
    layer = GroupedConv(4)
    variables = layer.init(KEY, X)
    assert variables["params"]["kernel"].shape == (3, 3, 4, 12)
    axes = dict(dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=3)
    native = lambda params, x: lax.conv_general_dilated(x, params["kernel"], (1, 1), "SAME", **axes)
    ours = lambda params, x: layer.apply({"params": params}, x)
    loss = lambda f: lambda params, x: jnp.sum(jnp.sin(f(params, x)))
    slope = lambda f: lambda params, x: jnp.sum(jnp.cos(jax.grad(loss(f), 1)(params, x)))
    for outcome in (lambda f: f, lambda f: jax.grad(loss(f), (0, 1)), lambda f: jax.grad(slope(f), (0, 1))):
        found, expected = (outcome(f)(variables["params"], X) for f in (ours, native))
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4), found, expected)


def test_a_group_sees_no_other_s_channels():
    layer = GroupedConv(4)
    variables = layer.init(KEY, X)
    moved = layer.apply(variables, X.at[..., :4].add(1)) - layer.apply(variables, X)
    assert np.any(moved[..., :4]) and not np.any(moved[..., 4:])


def test_groups_divide_the_channels():
    with pytest.raises(ValueError, match="12 channels cannot be divided into groups of 5"):
        GroupedConv(5).init(KEY, X)
