"""Convolutions with a kernel for each example."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.layers.modulated import EPSILON, ModulatedConv, demodulation
from gan_jax.layers.resample import CONVOLUTIONS

KEY = jax.random.key(0)
X = jax.random.normal(KEY, (3, 6, 8, 5))
SCALES = jax.random.normal(jax.random.key(1), (3, 5))
RESAMPLED = [None, "upsample", "downsample"]


def fused(kernel, demodulated, resample):
    """As the paper has it: kernels of each example, made first (equations 1 and 3)."""

    def one(x, scales):
        own = kernel * scales[:, None]
        if demodulated:
            own = own / jnp.sqrt(jnp.sum(own**2, axis=(0, 1, 2)) + EPSILON)
        return CONVOLUTIONS[resample](x[None], own)[0]

    return one


@pytest.mark.parametrize("resample", RESAMPLED)
@pytest.mark.parametrize("demodulated", [True, False])
def test_scaling_images_is_scaling_kernels(resample, demodulated):
    layer = ModulatedConv(7, demodulated=demodulated, resample=resample)
    out, variables = layer.init_with_output(KEY, X, SCALES)
    expected = jax.vmap(fused(variables["params"]["kernel"], demodulated, resample))(X, SCALES)
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("resample", RESAMPLED)
def test_so_are_their_derivatives(resample):
    """The first, and those of them, which path lengths need."""
    layer = ModulatedConv(4, resample=resample)
    variables = layer.init(KEY, X, SCALES)
    kernel = variables["params"]["kernel"]
    ours = jax.grad(lambda k, x, s: jnp.sum(layer.apply({"params": {"kernel": k}}, x, s) ** 3), (0, 1, 2))
    theirs = jax.grad(lambda k, x, s: jnp.sum(jax.vmap(fused(k, True, resample))(x, s) ** 3), (0, 1, 2))
    compare = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)
    jax.tree.map(compare, ours(kernel, X, SCALES), theirs(kernel, X, SCALES))
    twice = lambda of: jax.grad(lambda k: jnp.mean(of(k, X, SCALES)[2] ** 2))(kernel)
    ours, theirs = twice(ours), twice(theirs)
    np.testing.assert_allclose(ours, theirs, rtol=1e-2, atol=1e-3 * float(jnp.abs(theirs).max()))


def test_demodulated_kernels_have_unit_norms():
    kernel = jax.random.normal(KEY, (3, 3, 5, 7))
    own = kernel * SCALES[:, None, None, :, None] * demodulation(kernel, SCALES)[:, None, None, None]
    np.testing.assert_allclose(jnp.sum(own**2, axis=(1, 2, 3)), 1, rtol=1e-5)


def test_features_do_not_depend_on_the_size_of_scales():
    """Of no scales either is there a NaN."""
    layer = ModulatedConv(7)
    out, variables = layer.init_with_output(KEY, X, SCALES)
    np.testing.assert_allclose(layer.apply(variables, X, 50 * SCALES), out, rtol=1e-4, atol=1e-4)
    assert not layer.apply(variables, X, 0 * SCALES).any()
    assert jnp.isfinite(jax.grad(lambda s: layer.apply(variables, X, s).sum())(0 * SCALES)).all()


def test_it_computes_in_the_type_of_what_it_is_given():
    out = ModulatedConv(7, resample="upsample").init_with_output(KEY, X.astype(jnp.bfloat16), SCALES)[0]
    assert out.dtype == jnp.bfloat16
