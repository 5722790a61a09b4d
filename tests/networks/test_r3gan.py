"""R3GAN's networks: parameters as published, blocks that begin as the identity, first weights that keep the scale."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.networks import r3gan

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

KEY = jax.random.key(0)
LABELS = {"label": jnp.array([0, 1, 2, 0], jnp.int32)}


def count(module, x):
    variables = jax.eval_shape(lambda: module.init(KEY, x, {"label": jnp.zeros(1, jnp.int32)}, train=False))
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


@pytest.mark.parametrize(
    "side, classes, g, d", [(32, 10, 20_781_952, 21_280_512), (256, 0, 23_057_952, 23_009_568)], ids=["cifar", "ffhq"]
)
def test_parameters_are_those_published(side, classes, g, d):
    shape = (side, side, 3)
    assert count(r3gan.Generator(shape, num_classes=classes), jnp.zeros((1, 64))) == g
    assert count(r3gan.Discriminator(num_classes=classes), jnp.zeros((1, *shape))) == d


def test_widths():
    assert r3gan.widths((256, 256), 768) == [768, 768, 768, 768, 384, 192, 96]
    with pytest.raises(ValueError, match="width=4: leaves the largest maps no channels"):
        r3gan.widths((256, 256), 4)


def test_a_block_begins_as_the_identity_and_learns():
    x, block = jax.random.normal(KEY, (2, 4, 4, 8)), r3gan.Block(group=4, blocks=6)
    variables = block.init(KEY, x)
    np.testing.assert_array_equal(block.apply(variables, x), x)
    gradient = jax.grad(lambda v: jnp.sum(block.apply(v, x) ** 2))(variables)["params"]
    assert np.any(gradient["Conv_1"]["kernel"]) and not np.any(gradient["Conv_0"]["kernel"])


def test_first_weights_have_the_published_deviations():
    block = r3gan.Block(group=16, blocks=16)
    params = block.init(KEY, jnp.zeros((1, 4, 4, 256)))["params"]
    gain = (2 / 1.04) ** 0.5 / 16**0.25
    assert float(params["Conv_0"]["kernel"].std()) == pytest.approx(gain / 256**0.5, rel=0.02)
    assert float(params["GroupedConv_0"]["kernel"].std()) == pytest.approx(gain / (9 * 16) ** 0.5, rel=0.02)
    assert not np.any(params["Conv_1"]["kernel"])


@pytest.fixture(scope="module")
def networks():
    g, d = (
        make(width=8, group=4, num_classes=3) for make in (partial(r3gan.Generator, (28, 28, 1)), r3gan.Discriminator)
    )
    made = []
    for module, x in ((g, jax.random.normal(KEY, (4, 6))), (d, jax.random.normal(KEY, (4, 28, 28, 1)))):
        made.append((module, jax.jit(partial(module.init, train=False))(KEY, x, LABELS), x))
    return made


def test_shapes_and_features(networks):
    (g, g_variables, z), (d, d_variables, image) = networks
    assert g.apply(g_variables, z, LABELS, train=False).shape == image.shape
    score, out = d.apply(d_variables, image, LABELS, train=False)
    assert score.shape == (4,) and out["features"].shape == (4, 8)
    assert set(g_variables) == set(d_variables) == {"params"}  # nothing that is remembered between steps


def test_a_label_is_a_weight_of_one_and_changes_what_comes_out(networks):
    for module, variables, x in networks:
        first = lambda label: jax.tree.leaves(module.apply(variables, x, {"label": label}, train=False))[0]
        label = LABELS["label"]
        np.testing.assert_allclose(first(label), first(jax.nn.one_hot(label, 3)), rtol=1e-5, atol=1e-6)
        assert np.abs(first(label) - first((label + 1) % 3)).max() > 1e-4


def test_the_score_is_of_the_scale_of_a_unit_normal(networks):
    """So first losses are neither vast nor nothing."""
    _, (d, variables, _) = networks
    images = jax.random.normal(jax.random.key(1), (64, 28, 28, 1))
    scores, _ = d.apply(variables, images, {"label": jnp.zeros(64, jnp.int32)}, train=False)
    assert 0.02 < float(jnp.sqrt(jnp.mean(scores**2))) < 5
