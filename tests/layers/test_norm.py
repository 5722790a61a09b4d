"""Virtual batch normalisation by its definition: a reference batch's statistics, and each example's own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from gan_jax.layers.norm import REFERENCE, VirtualBatchNorm, WithReference, norm_layer

KEY = jax.random.key(0)


@pytest.mark.parametrize("shape", [(5,), (3, 4, 5)])
def test_each_example_counts_as_one_more_of_the_reference_batch(shape):
    """Salimans et al. 2016: their code's weights, 1/(R+1) and R/(R+1), of means and of mean squares."""
    x = 3 + 2 * np.asarray(jax.random.normal(KEY, (4 + 2, *shape)))
    out, variables = VirtualBatchNorm(size=4).init_with_output(KEY, jnp.asarray(x))
    scale = np.asarray(variables["params"]["scale"])
    space = tuple(range(len(shape) - 1))
    reference, own = x[:4], x[4:]
    mean, square = (y.mean(axis=(0, *(1 + i for i in space))) for y in (reference, reference**2))
    np.testing.assert_allclose(
        out[:4], scale * (reference - mean) / np.sqrt(square - mean**2 + 1e-5), rtol=1e-3, atol=1e-4
    )
    for i in range(2):
        both = [0.2 * y.mean(axis=space) + 0.8 * r for y, r in ((own[i], mean), (own[i] ** 2, square))]
        expected = scale * (own[i] - both[0]) / np.sqrt(both[1] - both[0] ** 2 + 1e-5)
        np.testing.assert_allclose(out[4 + i], expected, rtol=1e-3, atol=1e-4)


def test_a_constant_channel_stays_finite():
    x = 1000 + jnp.zeros((6, 5, 5, 2)).at[0, 0, 0].set(1e-3)
    out, _ = VirtualBatchNorm(size=4).init_with_output(KEY, x)
    assert np.isfinite(out).all()


class Linear(nn.Module):
    @nn.compact
    def __call__(self, z, label=None, *, train):
        return norm_layer("virtual", train=train)()(nn.Dense(3)(z))


def test_an_example_does_not_depend_on_the_others_and_the_reference_stays():
    generator = WithReference(Linear())
    z = jax.random.normal(KEY, (6, 2))
    variables = generator.init(KEY, z[:1], train=False)
    assert variables["reference"]["z"].shape == (REFERENCE, 2)
    six, after = generator.apply(variables, z, train=True, mutable=["reference"])
    np.testing.assert_array_equal(after["reference"]["z"], variables["reference"]["z"])
    np.testing.assert_allclose(generator.apply(variables, z[4:], train=False), six[4:], rtol=1e-5, atol=1e-6)
