"""Self-attention against a loop over places."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.layers.attention import SelfAttention, attention

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def block():
    x, module = jax.random.normal(KEY, (2, 4, 6, 16)), SelfAttention(train=True)
    return module, module.init(KEY, x), x


def test_parameters_are_five_quarters_of_the_square_of_channels_and_one(block):
    _, variables, _ = block
    assert sum(leaf.size for leaf in jax.tree.leaves(variables["params"])) == 1.25 * 16**2 + 1


def test_it_begins_as_the_identity_but_its_gain_learns(block):
    module, variables, x = block
    np.testing.assert_array_equal(module.apply(variables, x), x)
    gradient = jax.grad(lambda params: jnp.sum(module.apply({"params": params}, x) ** 2))(variables["params"])
    assert abs(float(gradient["gain"])) > 1e-3
    assert not np.any(gradient["value"]["kernel"])  # which learns once the gain is not 0


def test_each_query_s_weights_sum_to_one_over_keys():
    query, key = jax.random.normal(KEY, (2, 6, 3)), jax.random.normal(jax.random.key(1), (2, 4, 3))
    weights = attention(query, key)
    assert weights.shape == (2, 6, 4)
    np.testing.assert_allclose(weights.sum(axis=2), 1, rtol=1e-6)
    assert np.abs(np.asarray(weights.sum(axis=1)) - 1).max() > 0.1


def test_the_block_by_hand(block):
    module, variables, x = block
    params = variables["params"] | {"gain": jnp.float32(0.7)}
    w = {name: np.asarray(params[name]["kernel"])[0, 0] for name in ("query", "key", "value", "out")}
    x = np.asarray(x)
    expected = x.copy()
    for image, out in zip(x, expected):
        pooled = {}
        for name in ("key", "value"):
            y = image @ w[name]
            pooled[name] = [y[i : i + 2, j : j + 2].max(axis=(0, 1)) for i in range(0, 4, 2) for j in range(0, 6, 2)]
        for i in range(4):
            for j in range(6):
                scores = np.array([image[i, j] @ w["query"] @ key for key in pooled["key"]])
                weights = np.exp(scores) / np.exp(scores).sum()
                out[i, j] += 0.7 * sum(a * v for a, v in zip(weights, pooled["value"])) @ w["out"]
    np.testing.assert_allclose(module.apply({"params": params}, x), expected, rtol=1e-4, atol=1e-4)
