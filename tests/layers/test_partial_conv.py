"""Convolutions of what is there."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.layers.conv import Conv
from gan_jax.layers.partial_conv import PartialConv, renormalisation

KEY = jax.random.key(0)
X = jax.random.normal(KEY, (2, 8, 8, 3))
WHOLE = jnp.ones((2, 8, 8, 1))


def test_ratios_of_a_whole_image():
    seen, ratio = renormalisation(jnp.ones((1, 4, 4, 1)), 3, 1)
    expected = np.ones((4, 4))
    expected[[0, -1]] = expected[:, [0, -1]] = 1.5
    expected[np.ix_([0, -1], [0, -1])] = 2.25
    np.testing.assert_allclose(ratio[0, ..., 0], expected)
    assert (seen == 1).all()


def test_inside_a_whole_image_it_is_the_convolution():
    layer, plain = PartialConv(4), Conv(4, 3)
    variables = layer.init(KEY, X, WHOLE)
    params = {"kernel": variables["params"]["Conv_0"]["kernel"], "bias": variables["params"]["bias"] + 0.5}
    y, seen = layer.apply({"params": {**variables["params"], "bias": params["bias"]}}, X, WHOLE)
    np.testing.assert_allclose(y[:, 1:-1, 1:-1], plain.apply({"params": params}, X)[:, 1:-1, 1:-1], atol=1e-5)
    assert (seen == 1).all()


def test_what_is_missing_changes_nothing_and_closes_by_a_pixel_a_layer():
    hole = WHOLE.at[:, 2:6, 2:6].set(0)
    layer = PartialConv(4)
    variables = layer.init(KEY, X, hole)
    y, seen = layer.apply(variables, X, hole)
    other, _ = layer.apply(variables, jnp.where(hole > 0, X, jnp.nan), hole)
    np.testing.assert_array_equal(y, other)
    np.testing.assert_array_equal(seen[0, ..., 0], WHOLE[0, ..., 0].at[3:5, 3:5].set(0))
    assert not y[:, 3:5, 3:5].any()


def test_a_stride_halves_both():
    layer = PartialConv(4, strides=2)
    y, seen = layer.apply(layer.init(KEY, X, WHOLE), X, WHOLE)
    assert y.shape == (2, 4, 4, 4) and seen.shape == (2, 4, 4, 1)
