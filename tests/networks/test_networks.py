import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from gan_jax.layers.norm import NORMS, norm_layer
from gan_jax.networks import cnn, dcgan, mlp

Z = jax.random.normal(jax.random.key(0), (2, 100))

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def initial(module, inputs):
    return jax.jit(lambda: module.init(jax.random.key(0), inputs, train=False))()


def count(module, inputs):
    variables = jax.eval_shape(lambda: module.init(jax.random.key(0), inputs, train=False))
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


def images(side, channels):
    return jnp.zeros((2, side, side, channels))


# Parameters, by hand. A dense or convolution layer before batch normalisation has no bias; that has gain and bias.
COUNTS = {
    "mlp generator 128-784": (mlp.Generator((28, 28, 1)), Z, 100 * 128 + 128 + 128 * 784 + 784),
    "mlp generator 500-500-784": (
        mlp.Generator((28, 28, 1), (500, 500)), Z, 100 * 500 + 500 + 500 * 500 + 500 + 500 * 784 + 784,
    ),
    "mlp discriminator": (mlp.Discriminator(), images(28, 1), 784 * 128 + 128 + 128 + 1),
    "dcgan generator 28": (
        dcgan.Generator((28, 28, 1)), Z, (100 * 49 * 128 + 2 * 128) + (16 * 128 * 64 + 2 * 64) + (16 * 64 + 1),
    ),
    "dcgan discriminator 28": (
        dcgan.Discriminator(), images(28, 1), (16 * 64 + 64) + (16 * 64 * 128 + 2 * 128) + (49 * 128 + 1),
    ),
    "dcgan generator 28, depth 1": (
        dcgan.Generator((28, 28, 1), depth=1), Z,
        (100 * 49 * 128 + 2 * 128) + (9 * 128 * 128 + 2 * 128) + (16 * 128 * 64 + 2 * 64) + (9 * 64 * 64 + 2 * 64)
        + (16 * 64 + 1),
    ),
    "dcgan discriminator 28, depth 1": (
        dcgan.Discriminator(depth=1), images(28, 1),
        (16 * 64 + 64) + (9 * 64 * 64 + 2 * 64) + (16 * 64 * 128 + 2 * 128) + (9 * 128 * 128 + 2 * 128) + (49 * 128 + 1),
    ),
    # Radford et al. 2016 with the authors' ngf = ndf = 64, as in PyTorch's tutorial: 3,576,704 and 2,765,568 but for
    # the biases of the first and last layers, which that lacks, and G's dense layer, which there is a convolution.
    "dcgan generator 64": (dcgan.Generator((64, 64, 3)), Z, 3_576_704 + 3),
    "dcgan discriminator 64": (dcgan.Discriminator(), images(64, 3), 2_765_568 + 64 + 1),
}  # fmt: skip


@pytest.mark.parametrize("name", COUNTS)
def test_parameter_counts(name):
    module, inputs, expected = COUNTS[name]
    assert count(module, inputs) == expected


def test_the_generators_first_map_is_normalised_per_channel():
    """So the dense layer's batch normalisation has as many gains as there are channels, not pixels."""
    variables = jax.eval_shape(lambda: dcgan.Generator((28, 28, 1)).init(jax.random.key(0), Z, train=False))
    assert variables["params"]["BatchNorm_0"]["scale"].shape == (128,)


SIDES = (*range(8, 129, 5), 33, 127, 128, 129, 255, 256)


@pytest.mark.parametrize("shape", [*((side, side) for side in SIDES), (64, 96), (96, 64), (8, 256), (255, 31)])
def test_dcgan_fits_all_sizes_from_8_to_256(shape):
    shape = (*shape, 3)
    generator, discriminator = dcgan.Generator(shape, width=2, depth=1), dcgan.Discriminator(width=2, depth=1)
    made, _ = jax.eval_shape(lambda: generator.init_with_output(jax.random.key(0), Z, train=False))
    assert made.shape == (2, *shape)
    (score, out), _ = jax.eval_shape(
        lambda: discriminator.init_with_output(jax.random.key(0), jnp.zeros((2, *shape)), train=False)
    )
    assert score.shape == (2,)
    assert 4 <= max(out["features"].shape[1:3]) <= 7


def test_feature_maps_halve():
    square = lambda *sides: [(side, side) for side in sides]
    assert dcgan.sides((28, 28)) == square(28, 14, 7)
    assert dcgan.sides((64, 64)) == square(64, 32, 16, 8, 4)
    assert dcgan.sides((25, 25)) == square(25, 13, 7)
    assert dcgan.sides((64, 96)) == [(64, 96), (32, 48), (16, 24), (8, 12), (4, 6)]


def test_channels_double_up_to_16_times_the_width():
    assert dcgan.channels(64, 5) == [64, 128, 256, 512, 1024]  # as published, of 128 pixels
    assert dcgan.channels(32, 6) == [32, 64, 128, 256, 512, 512]  # of 256


@pytest.mark.parametrize("shape", [(7, 7), (257, 257), (64, 7)])
def test_other_sizes_raise(shape):
    with pytest.raises(ValueError, match=f"8 to 256 pixels a side, got {shape[0]}×{shape[1]}"):
        dcgan.Generator((*shape, 1)).init(jax.random.key(0), Z, train=False)


@pytest.mark.parametrize("generator", [mlp.Generator((8, 8, 3)), dcgan.Generator((8, 8, 3), width=4)])
def test_images_are_in_range(generator):
    variables = initial(generator, Z)
    loud = jax.tree.map(lambda leaf: 50 * leaf, variables)
    made = generator.apply(loud, Z, train=False)
    assert np.abs(made).max() <= 1 and np.abs(made).max() > 0.9


def test_an_even_kernel_leaves_no_checkerboard():
    """All weights 1: with a kernel divisible by the stride, pixels away from the border get equally much."""
    spread = {}
    for kernel_size in (3, 4):
        generator = dcgan.Generator((16, 16, 1), width=2, kernel_size=kernel_size, norm="none")
        variables = initial(generator, jnp.ones((1, 4)))
        small = jax.tree.map(lambda leaf: jnp.full_like(leaf, 0.01 if leaf.ndim > 1 else 0), variables)
        made = jax.jit(lambda variables: generator.apply(variables, jnp.ones((1, 4)), train=False))(small)
        middle = made[0, 6:10, 6:10, 0]
        spread[kernel_size] = float((middle.max() - middle.min()) / middle.mean())
    assert spread[4] < 1e-3 < 0.1 < spread[3]


def test_weights_start_as_in_the_authors_code():
    """Or from as wide a distribution as is asked for."""
    variables = initial(dcgan.Discriminator(width=64), images(32, 3))
    kernel = variables["params"]["Conv_2"]["kernel"]
    assert abs(float(kernel.std()) - 0.02) < 5e-4
    for wide in (
        initial(dcgan.Discriminator(width=32, weight_std=0.05), images(32, 3)),
        initial(dcgan.Generator((32, 32, 3), weight_std=0.05), Z),
    ):
        for leaf in jax.tree.leaves(wide["params"]):
            assert leaf.ndim == 1 or abs(float(leaf.std()) - 0.05) < 0.005
    gain = variables["params"]["BatchNorm_1"]["scale"]
    assert abs(float(gain.mean()) - 1) < 0.01 and 0.01 < float(gain.std()) < 0.03


def test_bounded_weights_are_at_most_as_wide_as_hes():
    """√(2/inputs), where inputs are those that one output sees; narrower ones stay as they are."""
    discriminator = initial(dcgan.Discriminator(width=32, weight_std=0.05, weight_bound=True, depth=1), images(32, 3))
    generator = initial(dcgan.Generator((32, 32, 3), weight_std=0.1, weight_bound=True, depth=1), Z)
    found = {name: float(each["kernel"].std()) for name, each in discriminator["params"].items() if "kernel" in each}
    inputs = {"Conv_2": 16 * 32, "Conv_3": 9 * 64, "Conv_4": 16 * 64, "Conv_5": 9 * 128, "Conv_6": 16 * 128}
    for name, count in inputs.items():
        assert found[name] == pytest.approx(min(0.05, (2 / count) ** 0.5), rel=0.05), name
    found = {name: float(each["kernel"].std()) for name, each in generator["params"].items() if "kernel" in each}
    inputs = {"Dense_0": Z.shape[-1], "Conv_0": 9 * 256, "ConvTranspose_0": 4 * 256, "ConvTranspose_2": 4 * 64}
    for name, count in inputs.items():
        assert found[name] == pytest.approx(min(0.1, (2 / count) ** 0.5), rel=0.05), name


class Normed(nn.Module):
    name_of_norm: str

    @nn.compact
    def __call__(self, x):
        return norm_layer(self.name_of_norm, train=True)()(x)


FEATURES = 3 + 2 * jax.random.normal(jax.random.key(4), (6, 5, 4, 3))


def test_batch_norm_is_over_batch_and_pixels():
    layer = norm_layer("batch", train=True)()
    out, variables = layer.init_with_output(jax.random.key(0), FEATURES)
    x = np.asarray(FEATURES)
    normal = (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + 1e-5)
    np.testing.assert_allclose(out, normal * variables["params"]["scale"], atol=1e-4)
    _, after = layer.apply(variables, FEATURES, mutable=["batch_stats"])
    np.testing.assert_allclose(after["batch_stats"]["mean"], 0.1 * x.mean((0, 1, 2)), rtol=1e-4)


def test_layer_norm_is_over_each_example_with_a_gain_per_channel():
    out, variables = Normed("layer").init_with_output(jax.random.key(0), FEATURES)
    x = np.asarray(FEATURES)
    normal = (x - x.mean((1, 2, 3), keepdims=True)) / np.sqrt(x.var((1, 2, 3), keepdims=True) + 1e-6)
    scale = variables["params"]["LayerNorm_0"]["scale"]
    assert scale.shape == (3,)
    np.testing.assert_allclose(out, normal * scale, atol=1e-4)


def test_norms_are_all_there_and_others_raise():
    for name in NORMS:
        assert callable(norm_layer(name, train=True))
    with pytest.raises(ValueError, match="unknown norm 'bath'; choose from batch, layer, none"):
        norm_layer("bath", train=True)


def test_classifier_counts_and_refusals():
    network = cnn.Classifier(10)
    kernels = 16 * 64 + 16 * 64 * 128 + 16 * 128 * 128 + 4 * 4 * 128 * 128
    assert count(network, images(28, 1)) == kernels + 2 * (64 + 128 + 128 + 128) + 128 * 10 + 10
    score, out = jax.jit(lambda: network.init_with_output(jax.random.key(0), images(28, 1), train=False)[0])()
    assert out["class_logits"].shape == (2, 10) and out["features"].shape == (2, 128)
    np.testing.assert_allclose(score, np.log(np.exp(out["class_logits"]).sum(-1)), rtol=1e-6)
    for side in (7, 257):
        with pytest.raises(ValueError, match=f"8 to 256 pixels a side, got {side}; --image_size resizes"):
            initial(network, images(side, 1))
    with pytest.raises(ValueError, match="square"):
        initial(network, jnp.zeros((2, 8, 9, 1)))
