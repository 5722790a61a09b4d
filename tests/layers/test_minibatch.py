"""Minibatch layers against loops over pairs and numpy's std; on shares of a batch as on the whole."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.layers.minibatch import MINIBATCH, MinibatchDiscrimination, MinibatchStddev, minibatch_layer

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

X = jax.random.normal(jax.random.key(0), (6, 3, 3, 2))


def test_discrimination_pair_by_pair():
    layer = MinibatchDiscrimination(kernels=4, dims=3)
    out, variables = layer.init_with_output(jax.random.key(1), X)
    x = np.asarray(X).reshape(6, -1)
    tensor = np.asarray(variables["params"]["T"]["kernel"]).reshape(-1, 4, 3)
    m = np.einsum("nf,fbc->nbc", x, tensor)
    expected = np.array(
        [[sum(np.exp(-np.abs(m[i, b] - m[j, b]).sum()) for j in range(6)) for b in range(4)] for i in range(6)]
    )
    np.testing.assert_array_equal(out[:, :-4], x)
    np.testing.assert_allclose(out[:, -4:], expected, rtol=1e-4)
    assert (expected > 1).all()  # each example is close to itself


def test_stddev_is_the_mean_over_features_of_the_batch_s():
    out = MinibatchStddev().apply({}, X)
    assert out.shape == (6, 3, 3, 3)
    np.testing.assert_array_equal(out[..., :2], X)
    np.testing.assert_allclose(out[..., 2], np.full((6, 3, 3), np.asarray(X).std(axis=0).mean()), rtol=1e-5)


@pytest.mark.parametrize("name", MINIBATCH)
def test_shares_of_a_batch_see_the_whole(name):
    params = {} if name != "discrimination" else minibatch_layer(name).init(jax.random.key(1), X)
    run = lambda layer, x: layer.apply(params, x) if name != "none" else layer(x)
    whole = run(minibatch_layer(name), X)
    shares = jax.vmap(lambda x: run(minibatch_layer(name, "data"), x), axis_name="data")(X.reshape(3, 2, 3, 3, 2))
    np.testing.assert_allclose(shares.reshape(whole.shape), whole, rtol=1e-5)


def test_a_collapsed_batch_shows():
    same = X[:1].repeat(6, axis=0)
    assert MinibatchStddev().apply({}, same)[0, 0, 0, 2] <= 1e-4
    layer = MinibatchDiscrimination(kernels=4, dims=3)
    out, _ = layer.init_with_output(jax.random.key(1), same)
    np.testing.assert_allclose(out[:, -4:], 6, rtol=1e-5)


def test_another_name_raises():
    with pytest.raises(ValueError, match="unknown minibatch layer 'std'; choose from none, discrimination, stddev"):
        minibatch_layer("std")


def test_groups_of_four_are_strided_as_in_the_authors_code():
    """TF-GAN's values."""
    x = jnp.array([0, 0, 0, 0, 1, 2, 3, 4, 100, 200, 300, 400], jnp.float32)[:, None]
    expected = [86.1782, 129.1905, 163.5566] * 4
    np.testing.assert_allclose(MinibatchStddev(4).apply({}, x)[:, 1], expected, rtol=1e-5)
    shares = jax.vmap(lambda x: MinibatchStddev(4, "data").apply({}, x), axis_name="data")(x.reshape(4, 3, 1))
    np.testing.assert_allclose(shares.reshape(12, 2)[:, 1], expected, rtol=1e-5)
    with pytest.raises(ValueError, match="a batch of 6 cannot be divided into groups of 4"):
        MinibatchStddev(4).apply({}, x[:6])
    small = MinibatchStddev(4).apply({}, x[9:])  # smaller than a group: one group
    np.testing.assert_allclose(small[:, 1], np.std([200, 300, 400]), rtol=1e-5)
