"""3-D convolutions equal XLA's own, as do their derivatives of the first three orders; and so do the layers Flax's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from jax import lax

from gan_jax.layers import conv3d
from gan_jax.layers.conv3d import Conv3D, ConvTranspose3D, Steps

NDHWC = ("NDHWC", "DHWIO", "NDHWC")
CASES = {  # the kernel, how it moves, the volume
    "halving": ((4, 4, 4), Steps((2, 2, 2)), (6, 6, 6)),
    "odd": ((4, 4, 4), Steps((2, 2, 2)), (5, 6, 7)),
    "same": ((3, 3, 3), Steps((1, 1, 1)), (4, 3, 5)),
    "one": ((1, 1, 1), Steps((1, 1, 1)), (2, 3, 4)),
    "of videos": ((4, 4, 4), Steps((1, 2, 2), same=False), (6, 6, 6)),
    "uneven": ((3, 2, 4), Steps((2, 1, 2), same=False), (7, 3, 6)),
}


def drawn(kernel, sides):
    rng = np.random.RandomState(0)
    return jnp.asarray(rng.randn(2, *sides, 2)), jnp.asarray(rng.randn(*kernel, 2, 3))


def xla(x, w, steps):
    padding = lax.padtype_to_pads(x.shape[1:4], w.shape[:3], steps.strides, "SAME")
    padding = padding if steps.same else [(0, 0), *padding[1:]]
    return lax.conv_general_dilated(x, w, steps.strides, padding, dimension_numbers=NDHWC)


def derivative(function, order):
    """The gradients of a sum of cosines of the gradients of ... of a sum of sines of a function of two arrays."""

    def total(order, x, w):
        if order == 0:
            return jnp.sum(jnp.sin(function(x, w)))
        return sum(jnp.sum(jnp.cos(each)) for each in jax.grad(total, (1, 2))(order - 1, x, w))

    return jax.jit(lambda x, w: jax.grad(total, (1, 2))(order - 1, x, w))


def assert_close(found, expected, rtol=1e-11):
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * float(jnp.abs(b).max()))


@pytest.mark.parametrize("name", CASES)
def test_they_are_xla_s_with_derivatives_to_the_third(name):
    kernel, steps, sides = CASES[name]
    with jax.enable_x64(True):
        x, w = drawn(kernel, sides)
        ours = lambda x, w: conv3d.convolve(x, w, steps)
        theirs = lambda x, w: xla(x, w, steps)
        assert_close(ours(x, w), theirs(x, w))
        for order in (1, 2, 3):
            assert_close(derivative(ours, order)(x, w), derivative(theirs, order)(x, w), rtol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_the_transposed_one_is_the_adjoint(name):
    kernel, steps, sides = CASES[name]
    with jax.enable_x64(True):
        x, w = drawn(kernel, sides)
        y = jnp.asarray(np.random.RandomState(1).randn(*conv3d.convolve(x, w, steps).shape))
        adjoint = lambda y, w: conv3d.input_gradient(y, w, steps, sides)
        expected = lambda y, w: jax.vjp(lambda x: xla(x, w, steps), jnp.zeros_like(x))[1](y)[0]
        assert_close(adjoint(y, w), expected(y, w))
        assert_close(derivative(adjoint, 2)(y, w), derivative(expected, 2)(y, w), rtol=1e-9)


@pytest.mark.parametrize("strides", [1, 2, (1, 2, 2)])
def test_the_layers_are_flax_s(strides):
    x, key = jax.random.normal(jax.random.key(0), (2, 4, 6, 4, 3)), jax.random.key(1)
    three = (strides,) * 3 if isinstance(strides, int) else strides
    ours = Conv3D(5, 4, strides)
    params = ours.init(key, x)
    expected = nn.Conv(5, (4, 4, 4), three).apply(params, x)
    np.testing.assert_allclose(ours.apply(params, x), expected, rtol=1e-5, atol=1e-5)
    ours = ConvTranspose3D(5, 4, strides)
    params = ours.init(key, x)
    expected = nn.ConvTranspose(5, (4, 4, 4), three, transpose_kernel=True).apply(params, x)
    np.testing.assert_allclose(ours.apply(params, x), expected, rtol=1e-5, atol=1e-5)


def test_as_many_numbers_are_learnt_as_published():
    """A kernel of 4³ from 64 to 128 channels has 524,288 weights, and each feature a bias."""
    shapes = jax.eval_shape(Conv3D(128, 4, 2).init, jax.random.key(0), jnp.zeros((1, 8, 8, 8, 64)))
    assert {name: leaf.size for name, leaf in shapes["params"].items()} == {"kernel": 524_288, "bias": 128}
