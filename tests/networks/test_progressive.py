"""Progressive GAN's networks: parameters as published, and levels that fade in."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.layers.norm import pixel_norm
from gan_jax.layers.resample import downscale, upscale
from gan_jax.networks import progressive

KEY = jax.random.key(0)


def count(module, x):
    variables = jax.eval_shape(lambda: module.init(KEY, x, train=False))
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


@pytest.mark.parametrize(
    "side, colours, g, d",
    [(1024, 3, 23_079_115, 23_087_249), (32, 3, 20_719_628, 20_726_785), (32, 1, 20_715_524, 20_722_689)],
)
def test_parameters_are_those_of_the_authors_code(side, colours, g, d):
    level = len(progressive.sides((side, side))) - 1
    assert count(progressive.Generator((4, 4), level, colours), jnp.zeros((1, 512))) == g
    assert count(progressive.Discriminator(level), jnp.zeros((1, side, side, colours))) == d


def test_sides():
    assert progressive.sides((32, 32)) == [(4, 4), (8, 8), (16, 16), (32, 32)]
    assert progressive.sides((28, 28)) == [(7, 7), (14, 14), (28, 28)]
    assert progressive.sides((16, 24)) == [(4, 6), (8, 12), (16, 24)]
    with pytest.raises(ValueError, match="30×30 cannot be halved until it is at most 7"):
        progressive.sides((30, 30))


def test_pixel_norm_is_tf_gan_s():
    np.testing.assert_allclose(pixel_norm(jnp.array([1.0, 2.0, 3.0])), [0.46291, 0.92582, 1.38873], rtol=1e-5)


@pytest.fixture(scope="module")
def small():
    """The networks of levels 0 and 1, those of level 1 with level 0's weights."""
    shape = dict(base=16, most=8)
    z, images = jax.random.normal(KEY, (4, 3)), [jax.random.normal(KEY, (4, side, side, 1)) for side in (4, 8)]
    g = [progressive.Generator((4, 4), level, 1, **shape) for level in (0, 1)]
    d = [progressive.Discriminator(level, **shape) for level in (0, 1)]
    players = []
    for modules, inputs in ((g, (z, z)), (d, images)):
        old, new = (module.init(KEY, x, train=False)["params"] for module, x in zip(modules, inputs))
        assert set(old) < set(new)
        players.append([{"params": old}, {"params": new | old}])
    return g, d, players, z, images


def test_a_level_that_has_not_faded_in_is_the_one_before_enlarged(small):
    g, _, (variables, _), z, _ = small
    before = g[0].apply(variables[0], z, train=True)
    at = lambda alpha: g[1].apply(variables[1], z, train=True, alpha=alpha)
    np.testing.assert_allclose(at(0.0), upscale(before), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(at(0.25), 0.25 * at(1.0) + 0.75 * at(0.0), rtol=1e-4, atol=1e-6)
    assert np.abs(at(1.0) - at(0.0)).max() > 0.1


def test_so_does_the_discriminator_see_it(small):
    _, d, (_, variables), _, images = small
    before, _ = d[0].apply(variables[0], downscale(images[1]), train=True)
    after, _ = d[1].apply(variables[1], images[1], train=True, alpha=0.0)
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-6)
    whole, _ = d[1].apply(variables[1], images[1], train=True)
    assert np.abs(whole - after).max() > 1e-3


def test_a_level_learns_nothing_before_it_fades_in(small):
    g, _, (variables, _), z, _ = small
    loss = lambda params, alpha: jnp.sum(g[1].apply({"params": params}, z, train=True, alpha=alpha) ** 2)
    of_level = lambda alpha: jax.grad(loss)(variables[1]["params"], alpha)["level_1_conv_0"]["kernel"]
    assert not of_level(0.0).any() and of_level(0.01).any()


@pytest.mark.parametrize(
    "progress, weights",
    [
        (0.0, [1, 0, 0]),
        (0.2, [0.8, 0.2, 0]),
        (1.0, [0, 1, 0]),
        (1.2, [0, 0.8, 0.2]),
        (2.0, [0, 0, 1]),
    ],
)
def test_images_of_levels_weigh_what_tf_gan_s_do(progress, weights):
    """Level L is faded in by progress - (L - 1). All weights are 0 but one level's last bias, 1: the image is its weight."""
    level = max(1, int(np.ceil(progress)))
    module = progressive.Generator((4, 4), level, 1, base=8, most=4)
    zeros = jax.tree.map(jnp.zeros_like, module.init(KEY, jnp.zeros((1, 2)), train=False))
    for number, weight in enumerate(weights[: level + 1]):
        zeros["params"][f"to_image_{number}"]["bias"] = jnp.ones(1)
        image = module.apply(zeros, jnp.zeros((1, 2)), train=True, alpha=progress - (level - 1))
        np.testing.assert_allclose(image, weight, atol=1e-6)
        zeros["params"][f"to_image_{number}"]["bias"] = jnp.zeros(1)
    assert sum(weights) == 1


@pytest.mark.parametrize("alpha", [0.2, 0.7])
def test_the_discriminator_blends_what_two_levels_see(alpha, small):
    """After the new level's layers, 1 - α is of the layer that sees the image's half: what the next layer is given is linear."""
    _, d, (_, variables), _, images = small

    def next_layer(alpha):
        _, seen = d[1].apply(variables[1], images[1], train=False, alpha=alpha, capture_intermediates=True)
        return seen["intermediates"]["MinibatchStddev_0"]["__call__"][0][..., :-1]

    blended = alpha * next_layer(1.0) + (1 - alpha) * next_layer(0.0)
    np.testing.assert_allclose(next_layer(alpha), blended, rtol=1e-5, atol=1e-6)
    assert np.abs(next_layer(1.0) - next_layer(0.0)).max() > 0.1
