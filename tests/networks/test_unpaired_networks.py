"""Networks of unpaired translation: published sizes, what normalisation takes away, latents that are seen."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.layers.conv import Conv
from gan_jax.layers.norm import ConditionalInstanceNorm, InstanceNorm
from gan_jax.networks import translators
from gan_jax.networks.latent import LatentDiscriminator, PairEncoder
from gan_jax.networks.resnet import ResNet
from gan_jax.networks.unet import UNet

KEY = jax.random.key(0)


def images(side, channels=3, count=2):
    return jax.random.uniform(jax.random.key(1), (count, side, side, channels), minval=-0.5, maxval=0.5)


def parameters(module, *inputs):
    shapes = jax.eval_shape(lambda: module.init(KEY, *inputs, train=False))
    return sum(leaf.size for leaf in jax.tree.leaves(shapes["params"]))


@pytest.mark.parametrize("first_norm", [True, False])
@pytest.mark.parametrize("blocks, published", [(9, 11_378_179), (6, 7_837_699)])
def test_published_sizes(blocks, published, first_norm):
    assert parameters(ResNet(3, blocks, first_norm=first_norm), images(32)) == published


def test_the_u_net_of_textbooks():
    """Four halvings from 32 channels; what it normalises by has no parameters."""
    assert parameters(UNet(3, 4, 32, "instance", dropout=0.0), images(128)) == 1_545_411
    shapes = {"a": (128, 128, 3), "b": (128, 128, 3)}
    kind = dict(width=32, blocks=1, norm="instance", first_norm=True, axis_name=None)
    found, multiple = translators.make("unet", shapes, **kind)
    assert parameters(found["b"], images(128)) == 1_545_411 and multiple == 16
    for side, multiple in ((8, 4), (16, 8), (28, 4), (64, 16)):
        assert translators.make("unet", dict.fromkeys("ab", (side, side, 1)), **kind)[1] == multiple


@pytest.mark.parametrize("first_norm", [True, False])
def test_with_a_norm_in_the_first_layer_it_does_not_see_how_bright_all_is(first_norm):
    """Each channel's mean is taken away, and so is what shifts all of it: the published network cannot know."""
    network = ResNet(3, 1, 4, first_norm=first_norm)
    variables = network.init(KEY, images(16), train=False)
    shifted = images(16) + jnp.array([0.4, -0.2, 0.1])
    one, other = (network.apply(variables, x, train=False) for x in (images(16), shifted))
    assert (np.abs(one - other).max() < 1e-4) == first_norm


def test_instance_norm_is_of_each_channel():
    """Channels of other scales become alike; were statistics taken over channels, they would not."""
    x = images(8) * jnp.array([1.0, 10.0, 100.0])
    y = InstanceNorm().apply({}, x)
    np.testing.assert_allclose(jnp.mean(y, axis=(1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(jnp.std(y, axis=(1, 2)), 1, rtol=1e-3)


def test_a_latent_says_gain_and_bias():
    x, z = images(8), jnp.array([[1.0, 0.0], [0.0, 2.0]])
    params = {
        "gain": {"kernel": jnp.array([[1.0, 2, 3], [4, 5, 6]])},
        "bias": {"kernel": jnp.array([[7.0, 8, 9], [0, 1, 2]])},
    }
    found = ConditionalInstanceNorm().apply({"params": params}, x, z)
    gain, bias = jnp.array([[2.0, 3, 4], [9, 11, 13]]), jnp.array([[7.0, 8, 9], [0, 2, 4]])
    plain = InstanceNorm().apply({}, x)
    np.testing.assert_allclose(found, plain * gain[:, None, None] + bias[:, None, None], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("network", [ResNet(3, 1, 4, first_norm=False), UNet(3, 2, 4, "instance", dropout=0.0)])
def test_latents_change_what_is_drawn(network):
    x = images(8, 1)
    variables = network.init(KEY, x, jnp.zeros((2, 5)), train=False)
    one, other = (network.apply(variables, x, z, train=False) for z in (jnp.zeros((2, 5)), jnp.ones((2, 5))))
    assert one.shape == (2, 8, 8, 3) and np.abs(one - other).max() > 0.05
    with pytest.raises(ValueError, match="norm=batch: with latents the norm is instance"):
        network.copy(norm="batch").init(KEY, x, jnp.zeros((2, 5)), train=False)


@pytest.mark.parametrize("side", [4, 10])
def test_sides_that_it_does_not_take(side):
    with pytest.raises(ValueError, match=f"images of {side}x{side}: this ResNet takes multiples of 4 from 8 on"):
        ResNet(1, 1, 2).init(KEY, images(side, 1), train=False)


def test_a_convolution_that_reflects():
    """At the edges too each number is that of an image that goes on as in a mirror."""
    layer, x = Conv(2, 3, reflects=True), images(6, 2)
    variables = layer.init(KEY, x)
    large = Conv(2, 3).apply(variables, jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect"))
    np.testing.assert_allclose(layer.apply(variables, x), large[:, 1:-1, 1:-1], atol=1e-6)
    assert layer.apply(variables, x).shape == x.shape


def test_what_says_latents_and_what_judges_them():
    """Brightness is to be seen: the encoder has no norm. Its maps end at 4 pixels, whatever the side."""
    encoder = PairEncoder(3, width=4)
    for side in (4, 12, 16):
        variables = encoder.init(KEY, images(side), images(side, 1), train=False)
        z = encoder.apply(variables, images(side), images(side, 1), train=False)
        assert z.shape == (2, 3)
        assert np.abs(encoder.apply(variables, images(side) + 0.3, images(side, 1), train=False) - z).max() > 1e-3
    scores, _ = LatentDiscriminator().init_with_output(KEY, z, train=False)[0]
    assert scores.shape == (2,)
