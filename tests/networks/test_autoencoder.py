"""The networks of the variational autoencoder and of BEGAN: shapes, and how many parameters they have."""

import jax
import jax.numpy as jnp
import pytest
from flax import linen as nn

from gan_jax.networks import autoencoder, began, mlp


def count(module, *inputs):
    """The parameters of a module, without computing any."""
    variables = jax.eval_shape(lambda: module.init(jax.random.key(0), *inputs, train=False))
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


def test_the_book_s_networks_have_as_many_parameters():
    """784-256-2 and back, as in Keras's example."""
    image, z = jnp.zeros((1, 28, 28, 1)), jnp.zeros((1, 2))
    assert count(autoencoder.DenseEncoder(2), image) == 201_988
    assert count(mlp.Generator((28, 28, 1), (256,), nn.relu, bounded=False), z) == 202_256


@pytest.mark.parametrize("shape", [(28, 28, 1), (16, 24, 3)])
@pytest.mark.parametrize("encoder", [autoencoder.DenseEncoder(5), autoencoder.ConvEncoder(5, width=4)])
def test_encoders_say_means_and_log_variances(encoder, shape):
    out = jax.eval_shape(
        lambda x: encoder.init_with_output(jax.random.key(0), x, train=False)[0], jnp.zeros((2, *shape))
    )
    assert [each.shape for each in out] == [(2, 5), (2, 5)]


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (16, 24, 3), (9, 20, 1)])
def test_began_gives_images_back_in_their_shape(shape):
    d = began.Discriminator(6, width=4)
    init = lambda x: d.init_with_output(jax.random.key(0), x, train=False)[0]
    errors, out = jax.eval_shape(init, jnp.zeros((2, *shape)))
    assert errors.shape == (2,) and out["reconstruction"].shape == (2, *shape) and out["features"].shape == (2, 6)


def test_began_s_score_is_the_mean_absolute_error():
    d, x = began.Discriminator(3, width=2), jax.random.normal(jax.random.key(1), (2, 8, 8, 1))
    (errors, out), _ = d.init_with_output(jax.random.key(0), x, train=False)
    assert errors == pytest.approx(jnp.abs(x - out["reconstruction"]).mean(axis=(1, 2, 3)))


def test_began_s_maps():
    assert began.resolutions((28, 28)) == [(28, 28), (14, 14), (7, 7)]
    assert began.resolutions((64, 64))[-1] == (8, 8)  # the paper's
    x = jnp.arange(4.0).reshape(1, 2, 2, 1)
    assert began.enlarge(x, (3, 4))[0, ..., 0].tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3]]
