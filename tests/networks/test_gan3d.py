"""3D-GAN's networks: as many weights as published, and what they make of latents and grids."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.networks import gan3d

KEY = jax.random.key(0)

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def sizes(module, *inputs):
    shapes = jax.eval_shape(lambda: module.init(KEY, *inputs, train=True))["params"]
    found = {"kernel": 0, "norm": 0}
    for path, leaf in jax.tree_util.tree_leaves_with_path(shapes):
        found["kernel" if path[-1].key == "kernel" else "norm"] += leaf.size
    return found


def test_as_many_weights_as_published():
    """By hand: 64 (200·512 + 512·256 + 256·128 + 128·64 + 64) = 17,567,744, and gains and biases 2 (512 + 256 + 128 + 64)."""
    assert sizes(gan3d.Generator(64), jnp.zeros((1, 200))) == {"kernel": 17_567_744, "norm": 1_920}
    found = sizes(gan3d.Discriminator(), jnp.zeros((1, 64, 64, 64, 1)))
    assert found == {"kernel": 11_046_912, "norm": 2 * (128 + 256 + 512)}


@pytest.mark.parametrize("side", gan3d.SIDES)
def test_shapes(side):
    generator, discriminator = gan3d.Generator(side, 2), gan3d.Discriminator(2)
    z = jnp.zeros((3, 5))
    grids = jax.eval_shape(lambda: generator.init_with_output(KEY, z, train=True)[0])
    assert grids.shape == (3, side, side, side, 1)
    scores, out = jax.eval_shape(lambda: discriminator.init_with_output(KEY, jnp.zeros(grids.shape), train=True)[0])
    assert scores.shape == (3,)
    # All maps but the first, each 2³: of 64 voxels as published 8 (128 + 256 + 512) = 7,168 at the width 64.
    maps = gan3d.channels(side, 2)[1:]
    assert out["features"].shape == (3, 8 * sum(maps))


def test_grids_are_probabilities():
    """G's grids are 2 σ(x) - 1: within [-1, 1], 0 where the last convolution gives 0."""
    generator = gan3d.Generator(16, 2)
    z = 3 * jax.random.normal(KEY, (4, 5))
    variables = generator.init(KEY, z, train=True)
    zero = jax.tree_util.tree_map_with_path(
        lambda path, leaf: 0 * leaf if "ConvTranspose3D_1" in str(path) else leaf, variables
    )
    assert np.abs(generator.apply(variables, z, train=False)).max() < 1
    assert (generator.apply(zero, z, train=False) == 0).all()


@pytest.mark.parametrize("side", [8, 17, 128])
def test_other_sides_are_refused(side):
    with pytest.raises(ValueError, match=rf"16, 32, 64 voxels a side, got {side}"):
        gan3d.channels(side, 2)


def test_what_a_discriminator_begins_with():
    """As published beside normalisations; without them biases, and weights by which a grid's spread comes through."""
    grid = jax.random.normal(KEY, (4, 16, 16, 16, 1))
    for norm, biased in (("batch", False), ("none", True)):
        variables = gan3d.Discriminator(16, norm).init(KEY, grid, train=True)
        kernels = [
            leaf for path, leaf in jax.tree_util.tree_leaves_with_path(variables["params"]) if path[-1].key == "kernel"
        ]
        wanted = [0.02] * 3 if norm == "batch" else [np.sqrt(2 / (np.prod(kernel.shape[:-1]))) for kernel in kernels]
        np.testing.assert_allclose([kernel.std() for kernel in kernels], wanted, rtol=0.1)
        assert ("bias" in variables["params"]["Conv3D_0"]) is biased
    scores = gan3d.Discriminator(16, "none").apply(variables, grid, train=True)[0]
    assert 0.1 < scores.std() < 10
