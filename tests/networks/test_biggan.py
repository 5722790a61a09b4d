"""BigGAN's, BigGAN-deep's and SAGAN's networks: parameters as published, and what a condition does."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from gan_jax.layers.resample import downscale, upscale
from gan_jax.networks import biggan, biggan_deep

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

KEY = jax.random.key(0)
SAGAN = dict(shared=0, hierarchical=False)
SMALL = dict(width=2, num_classes=3, attention=0, spectral=False)


def labels(*numbers):
    return {"label": jnp.array(numbers, jnp.int32)}


def count(module, x):
    variables = jax.eval_shape(lambda: module.init(KEY, x, labels(0), train=False))
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


# side, classes, latent, options of both, of G, of D; G's parameters, D's
PUBLISHED = {
    "biggan-128": (biggan, 128, 1000, 120, {}, {}, {}, 70_433_988, 87_982_370),
    "biggan-256": (biggan, 256, 1000, 140, {}, dict(attention=128), {}, 82_097_604, 98_635_298),
    "biggan-512": (biggan, 512, 1000, 160, {}, {}, {}, 82_468_068, 98_801_378),
    "biggan-cifar": (biggan, 32, 10, 128, dict(width=64, attention=0), SAGAN, {}, 4_304_387, 4_207_361),
    "sagan-128": (biggan, 128, 1000, 128, dict(width=64), SAGAN, {}, 42_017_412, 39_448_258),
    "deep-128": (biggan_deep, 128, 1000, 128, {}, {}, {}, 50_244_484, 34_590_210),
    "deep-cifar": (biggan_deep, 32, 10, 128, dict(attention=0), {}, {}, 7_435_267, 2_581_249),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_those_published(name):
    networks, side, classes, latent, both, of_g, of_d, g, d = PUBLISHED[name]
    shape = (side, side, 3)
    assert count(networks.Generator(shape, num_classes=classes, **both, **of_g), jnp.zeros((1, latent))) == g
    assert count(networks.Discriminator(num_classes=classes, **both, **of_d), jnp.zeros((1, *shape))) == d


def test_a_norm_s_condition_is_the_class_s_vector_and_a_part_of_the_latent():
    generator = biggan.Generator((128, 128, 3), num_classes=1000)
    variables = jax.eval_shape(lambda: generator.init(KEY, jnp.zeros((1, 120)), labels(0), train=False))
    assert variables["params"]["ConditionalBatchNorm_0"]["gain"]["kernel"].shape == (148, 16 * 96)


@pytest.mark.parametrize("side", biggan.LAYOUTS)
def test_attention_is_over_a_map_that_there_is(side):
    for networks in (biggan, biggan_deep):
        g_side, d_side = networks.ATTENTION[side]
        g = networks.Generator((side, side, 3), width=8, num_classes=2, attention=g_side)
        d = networks.Discriminator(width=8, num_classes=2, attention=d_side)
        z = jnp.zeros((1, biggan.slots((side, side))))
        for module, x in ((g, z), (d, jnp.zeros((1, side, side, 3)))):
            variables = jax.eval_shape(partial(module.init, train=False), KEY, x, labels(0))
            assert ("SelfAttention_0" in variables["params"]) == bool(module.attention)


def test_attention_over_no_map():
    with pytest.raises(ValueError, match="attention=64: no map has this side; choose from 0, 8, 16, 32"):
        biggan.Generator((28, 28, 1), hierarchical=False).init(KEY, jnp.zeros((1, 3)), train=False)
    with pytest.raises(ValueError, match="attention=32: no map has this side; choose from 0, 16, 8"):
        biggan.Discriminator(attention=32).init(KEY, jnp.zeros((1, 28, 28, 1)), train=False)


def test_a_hierarchical_latent_has_equal_parts():
    assert biggan.latent_size((28, 28), 130) == 128 and biggan.latent_size((8, 8), 3) == 2
    with pytest.raises(ValueError, match="latent_size=3: fewer numbers than the 4 parts"):
        biggan.latent_size((28, 28), 3)
    generator = biggan.Generator((32, 32, 3), **SMALL)
    with pytest.raises(ValueError, match="of 4 parts cannot have 130 numbers"):
        generator.init(KEY, jnp.zeros((1, 130)), labels(0), train=False)


CASES = {
    "biggan": (biggan.Generator, biggan.Discriminator, {}),
    "sagan": (biggan.Generator, biggan.Discriminator, SAGAN),
    "deep": (biggan_deep.Generator, biggan_deep.Discriminator, {}),
}


@pytest.fixture(scope="module", params=CASES)
def networks(request):
    """Both networks of 12 pixels, made small, with spectral normalisation and attention, and no number as it begins."""
    generator, discriminator, options = CASES[request.param]
    small = dict(width=4, num_classes=3, attention=8, spectral=True)
    g, d = generator((12, 12, 1), **small, **options), discriminator(**small)
    z, image = jax.random.normal(KEY, (4, 6)), jax.random.normal(KEY, (4, 12, 12, 1))
    made = []
    for module, x in ((g, z), (d, image)):
        variables = jax.jit(partial(module.init, train=False))(KEY, x, labels(0, 1, 2, 0))
        learnt = jax.tree.map(lambda leaf: leaf + 0.05 * jax.random.normal(KEY, leaf.shape), variables["params"])
        made.append((module, variables | {"params": learnt}, x))
    return made


def test_shapes_ranges_and_features(networks):
    (g, g_variables, z), (d, d_variables, image) = networks
    images = jax.jit(partial(g.apply, train=False))(g_variables, z, labels(0, 1, 2, 0))
    assert images.shape == image.shape and np.abs(images).max() <= 1
    score, out = jax.jit(partial(d.apply, train=False))(d_variables, image, labels(0, 1, 2, 0))
    assert score.shape == (4,) and out["features"].shape == (4, 16)


def test_a_label_is_a_weight_of_one_and_changes_what_comes_out(networks):
    for module, variables, x in networks:
        apply = jax.jit(partial(module.apply, train=False))
        first = lambda label: jax.tree.leaves(apply(variables, x, {"label": label}))[0]
        label = jnp.array([0, 1, 2, 0], jnp.int32)
        np.testing.assert_allclose(first(label), first(jax.nn.one_hot(label, 3)), rtol=1e-5, atol=1e-6)
        assert np.abs(first(label) - first((label + 1) % 3)).max() > 1e-4


def test_two_calls_at_test_are_one(networks):
    """Neither power iteration nor batch statistics go on."""
    for module, variables, x in networks:
        remembered = {name: value for name, value in variables.items() if name != "params"}
        _, after = module.apply(variables, x, labels(0, 1, 2, 0), train=False, mutable=list(remembered))
        jax.tree.map(np.testing.assert_array_equal, dict(after), remembered)


@pytest.mark.parametrize("options", [dict(hierarchical=True), dict(hierarchical=False)])
def test_images_without_classes(options):
    generator = biggan.Generator((16, 16, 3), width=2, attention=0, **options)
    z = jax.random.normal(KEY, (2, 6))
    variables = generator.init(KEY, z, train=False)
    assert ("ConditionalBatchNorm_0" in variables["params"]) == options["hierarchical"]
    assert generator.apply(variables, z, train=False).shape == (2, 16, 16, 3)
    discriminator = biggan.Discriminator(width=2, attention=0)
    assert "classes" not in discriminator.init(KEY, jnp.zeros((1, 16, 16, 3)), train=False)["params"]


def test_up_and_down_blocks_resample_as_the_authors_do():
    """Ours put resampling where it costs least: the shortcut's convolution is before it in G, after it in D."""
    x, plain = jax.random.normal(KEY, (2, 4, 4, 3)), lambda layer: layer

    class Up(nn.Module):
        @nn.compact
        def __call__(self, x):
            norm = lambda x, c: 0.5 * x
            return biggan.up_block(x, None, 5, plain, norm, nn.initializers.normal(0.1))

    class Down(nn.Module):
        @nn.compact
        def __call__(self, x):
            return biggan.down_block(x, 5, True, True, plain, nn.initializers.normal(0.1), first=False)

    conv = lambda params, x: nn.Conv(5, params["kernel"].shape[:2]).apply({"params": params}, x)
    for module, by_hand in (
        (
            Up(),
            lambda p, x: (
                conv(p["b"], nn.relu(0.5 * conv(p["a"], upscale(nn.relu(0.5 * x))))) + conv(p["c"], upscale(x))
            ),
        ),
        (Down(), lambda p, x: downscale(conv(p["b"], nn.relu(conv(p["a"], nn.relu(x))))) + downscale(conv(p["c"], x))),
    ):
        variables = module.init(KEY, x)
        names = {"Up": ("ResampledConv_0", "Conv_0", "Conv_1"), "Down": ("Conv_0", "ResampledConv_0", "Conv_1")}
        params = {k: variables["params"][name] for k, name in zip("abc", names[type(module).__name__])}
        np.testing.assert_allclose(module.apply(variables, x), by_hand(params, x), rtol=1e-4, atol=1e-5)


def test_bottlenecks_drop_and_add_channels_in_their_shortcuts():
    """As the authors' code: a 1×1 convolution, twice the size, 3×3, 3×3, 1×1; D halves after the rectifier that comes last."""
    x, plain, init = jax.random.normal(KEY, (2, 4, 4, 8)), lambda layer: layer, nn.initializers.normal(0.1)

    class Up(nn.Module):
        @nn.compact
        def __call__(self, x):
            return biggan_deep.up_block(x, None, 4, True, plain, lambda x, c: 0.5 * x, init)

    class Down(nn.Module):
        @nn.compact
        def __call__(self, x):
            return biggan_deep.down_block(x, 12, True, plain, init)

    conv = lambda p, x: nn.Conv(p["kernel"].shape[-1], p["kernel"].shape[:2]).apply({"params": p}, x)

    def up(p, x):
        act = lambda x: nn.relu(0.5 * x)
        h = conv(p["ResampledConv_0"], upscale(act(conv(p["Conv_0"], act(x)))))
        return conv(p["Conv_2"], act(conv(p["Conv_1"], act(h)))) + upscale(x[..., :4])

    def down(p, x):
        h = conv(p["Conv_2"], nn.relu(conv(p["Conv_1"], nn.relu(conv(p["Conv_0"], nn.relu(x))))))
        x = downscale(x)
        return conv(p["Conv_3"], downscale(nn.relu(h))) + jnp.concatenate([x, conv(p["Conv_4"], x)], axis=-1)

    for module, by_hand in ((Up(), up), (Down(), down)):
        variables = module.init(KEY, x)
        np.testing.assert_allclose(module.apply(variables, x), by_hand(variables["params"], x), rtol=1e-4, atol=1e-5)


def test_what_is_too_narrow_says_so():
    for module, said in (
        (biggan.Discriminator(width=2, attention=32), "attention takes maps of 8 channels at least"),
        (biggan_deep.Discriminator(width=1, attention=0), "has none inside"),
    ):
        with pytest.raises(ValueError, match=said):
            jax.eval_shape(partial(module.init, train=False), KEY, jnp.zeros((1, 64, 64, 3)))
