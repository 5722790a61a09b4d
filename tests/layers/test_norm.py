"""Batch and layer normalisation against Flax's; virtual batch normalisation by its definition."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from gan_jax.layers.norm import (
    REFERENCE,
    BatchNorm,
    ConditionalBatchNorm,
    InstanceNorm,
    LayerNorm,
    VirtualBatchNorm,
    WithReference,
    norm_layer,
)

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

KEY = jax.random.key(0)
FLAX = {
    "batch": (BatchNorm(train=True), nn.BatchNorm(use_running_average=False, momentum=0.9)),
    "batch_at_test": (BatchNorm(train=False), nn.BatchNorm(use_running_average=True, momentum=0.9)),
    "layer": (LayerNorm(), nn.LayerNorm(reduction_axes=(1, 2, 3), feature_axes=-1)),
}


@pytest.mark.parametrize("name", FLAX)
def test_equal_to_flax_in_values_statistics_and_both_derivatives(name):
    x, direction = 3 + 2 * np.asarray(jax.random.normal(KEY, (2, 4, 3, 5, 6)))
    ours, flax = FLAX[name]
    variables = ours.init(KEY, x)
    assert jax.tree.map(jnp.shape, variables) == jax.tree.map(jnp.shape, flax.init(KEY, x))
    variables = jax.tree.map(lambda v: v + 0.5, variables)

    def outcomes(module):
        run = lambda params, x: module.apply({**variables, "params": params}, x, mutable=["batch_stats"])
        loss = lambda params, x: jnp.sum(jnp.sin(run(params, x)[0]))
        slope = lambda params, x: jnp.sum(direction * jax.grad(loss, argnums=1)(params, x))
        arguments = variables["params"], x
        return run(*arguments), *(jax.grad(f, argnums=(0, 1))(*arguments) for f in (loss, slope))

    with jax.enable_x64(True):
        variables, x, direction = jax.tree.map(lambda v: jnp.asarray(v, jnp.float64), (variables, x, direction))
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=1e-5), outcomes(ours), outcomes(flax)
        )


def test_batch_statistics_are_of_the_batch_on_all_devices():
    x = jax.random.normal(KEY, (4, 2, 3, 5))
    module = BatchNorm(train=True, axis_name="data")
    variables = module.init(KEY, x[0])
    apply = jax.vmap(lambda x: module.apply(variables, x, mutable=["batch_stats"]), axis_name="data")
    whole = BatchNorm(train=True).apply(variables, x.reshape(8, 3, 5), mutable=["batch_stats"])
    out, after = apply(x)
    np.testing.assert_allclose(out.reshape(8, 3, 5), whole[0], rtol=1e-5, atol=1e-6)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a[1], b, rtol=1e-5), after, whole[1])


@pytest.mark.parametrize("name", ["batch", "layer", "virtual"])
def test_statistics_are_float32_where_features_are_bfloat16(name):
    """A thousand and ones: in bfloat16 a mean of 1.001 would be 1."""
    x = 1000 + jax.random.normal(KEY, (REFERENCE + 4, 8, 8, 2))
    module = norm_layer(name, train=True)()
    variables = module.init(KEY, x)
    out, _ = module.apply(variables, x.astype(jnp.bfloat16), mutable=["batch_stats"])
    exact, _ = module.apply(variables, x.astype(jnp.bfloat16).astype(jnp.float32), mutable=["batch_stats"])
    assert out.dtype == jnp.bfloat16
    np.testing.assert_allclose(out.astype(jnp.float32), exact, atol=0.02)


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
    def __call__(self, z, condition=None, *, train):
        return norm_layer("virtual", train=train)()(nn.Dense(3)(z))


def test_an_example_does_not_depend_on_the_others_and_the_reference_stays():
    generator = WithReference(Linear())
    z = jax.random.normal(KEY, (6, 2))
    variables = generator.init(KEY, z[:1], train=False)
    assert variables["reference"]["z"].shape == (REFERENCE, 2)
    six, after = generator.apply(variables, z, train=True, mutable=["reference"])
    np.testing.assert_array_equal(after["reference"]["z"], variables["reference"]["z"])
    np.testing.assert_allclose(generator.apply(variables, z[4:], train=False), six[4:], rtol=1e-5, atol=1e-6)


def test_a_condition_that_says_nothing_leaves_plain_batch_normalisation():
    """Its gain is 1 + 0, not 0."""
    x, c = 3 + 2 * jax.random.normal(KEY, (4, 3, 5, 6)), jnp.zeros((4, 7))
    module = ConditionalBatchNorm(train=True)
    out, after = module.apply(module.init(KEY, x, c), x, c, mutable=["batch_stats"])
    plain = nn.BatchNorm(use_running_average=False, momentum=0.9)
    expected, theirs = plain.apply(plain.init(KEY, x), x, mutable=["batch_stats"])
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-5)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), after, theirs)


def test_each_example_has_the_gain_and_the_bias_of_its_condition():
    x, c = jax.random.normal(KEY, (2, 3, 3, 4)), jnp.eye(2)
    module = ConditionalBatchNorm(train=False)
    variables = module.init(KEY, x, c)
    gain, bias = (np.asarray(variables["params"][name]["kernel"]) for name in ("gain", "bias"))
    out = module.apply(variables, x, c)
    for i in range(2):  # the running mean is 0, the variance 1
        np.testing.assert_allclose(out[i], x[i] / np.sqrt(1 + 1e-5) * (1 + gain[i]) + bias[i], rtol=1e-5, atol=1e-5)


def test_conditional_statistics_and_gradients_are_those_of_the_batch_on_all_devices():
    x, c = jax.random.normal(KEY, (2, 3, 4, 4, 5)), jax.random.normal(jax.random.key(1), (2, 3, 6))
    whole, shared = ConditionalBatchNorm(train=True), ConditionalBatchNorm(train=True, axis_name="data")
    variables = whole.init(KEY, x[0], c[0])

    def loss(module, params, x, c):
        return jnp.mean(jnp.sin(module.apply({**variables, "params": params}, x, c, mutable=["batch_stats"])[0]))

    one = jax.value_and_grad(lambda params: loss(whole, params, x.reshape(6, 4, 4, 5), c.reshape(6, 6)))
    on_a_device = jax.value_and_grad(lambda params, x, c: loss(shared, params, x, c))
    of_all = lambda x, c: jax.lax.pmean(on_a_device(variables["params"], x, c), "data")
    two = jax.vmap(of_all, axis_name="data", out_axes=None)(x, c)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), two, one(variables["params"]))


def test_instance_norm_is_of_each_channel_of_each_example():
    """Beside numpy; constants become 0."""
    x = np.random.RandomState(0).normal(3, 2, (2, 5, 4, 3)).astype(np.float32)
    x[1, ..., 2] = 7.0
    found = InstanceNorm().apply({}, jnp.asarray(x))
    expected = (x - x.mean((1, 2), keepdims=True)) / np.sqrt(x.var((1, 2), keepdims=True) + 1e-5)
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert np.abs(found[1, ..., 2]).max() < 1e-2 and not InstanceNorm().init(jax.random.key(0), jnp.asarray(x))
