"""Conditional networks around the experiment's own: shapes, parameters, and what a label changes."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.networks import conditional, dcgan, mlp
from gan_jax.networks.conditional import CONDITIONINGS

K = 3
LABELS = np.array([2, 0, 1, 2], np.int32)
TOLD = {"label": LABELS}  # the condition that both players are given
Z = np.random.RandomState(0).randn(4, 6).astype(np.float32)
# Parameters that the label adds: to G with latents of 6 numbers, to D by the number of pixels and the shape of features.
ADDED_TO_G = {"embed": K * 6, "concat": 0, "projection": 0, "auxiliary": 0}
ADDED_TO_D = {
    "embed": lambda pixels, features: K * pixels,
    "concat": lambda pixels, features: K * pixels + pixels,
    "projection": lambda pixels, features: K * features[-1],
    "auxiliary": lambda pixels, features: K * (math.prod(features) + 1),
}


def test_every_conditioning_has_a_case():
    for table, cases in {"ADDED_TO_G": ADDED_TO_G, "ADDED_TO_D": ADDED_TO_D}.items():
        for name in CONDITIONINGS:
            assert name in cases, f"add {table}[{name!r}] in tests/networks/test_conditional_pairs.py"
        assert set(cases) == set(CONDITIONINGS)


def variables_of(module, *inputs):
    """Variables of a module with random numbers in them, biases too, which start from 0."""
    shapes = jax.eval_shape(lambda: module.init(jax.random.key(0), *inputs, train=False))
    random = np.random.RandomState(2)
    return {"params": {}} | jax.tree.map(lambda leaf: random.uniform(0.3, 1.5, leaf.shape).astype(np.float32), shapes)


def count(module, *inputs):
    variables = jax.eval_shape(lambda: module.init(jax.random.key(0), *inputs, train=False))
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


TOLD_TO_D = ("embed", "concat")  # whose D sees the label as a channel of the image
# Its networks, small, and the shape of the features that their D has of images of 28 or 16 pixels a side.
PAIRS = {
    "mlp": (lambda shape: mlp.Generator(shape, (8,)), mlp.Discriminator((8,)), lambda side: (8,)),
    "dcgan": (
        lambda shape: dcgan.Generator(shape, width=2),
        dcgan.Discriminator(width=2),
        lambda side: (side // 4, side // 4, 4),
    ),
}


def pair(network, conditioning, shape):
    generator, discriminator, _ = PAIRS[network]
    return (
        conditional.Generator(generator(shape), K, conditioning),
        conditional.Discriminator(discriminator, K, conditioning),
    )


@pytest.mark.parametrize("shape", [(28, 28, 1), (16, 16, 3)])
@pytest.mark.parametrize("network", PAIRS)
@pytest.mark.parametrize("conditioning", CONDITIONINGS)
def test_shapes_and_parameter_counts(conditioning, network, shape):
    """The inner networks count as they do alone on what they get: a longer z, an image with one more channel."""
    generator, discriminator = pair(network, conditioning, shape)
    inner_generator, inner_discriminator, features = PAIRS[network]
    pixels, images = shape[0] * shape[1], jnp.zeros((4, *shape))
    z = np.zeros((4, 6 + K)) if conditioning != "embed" else Z
    seen = jnp.zeros((4, *shape[:2], shape[2] + 1)) if conditioning in TOLD_TO_D else images
    assert count(generator, Z, TOLD) == count(inner_generator(shape), z) + ADDED_TO_G[conditioning]
    added = ADDED_TO_D[conditioning](pixels, features(shape[0]))
    assert count(discriminator, images, TOLD) == count(inner_discriminator, seen) + added

    made, _ = jax.eval_shape(lambda: generator.init_with_output(jax.random.key(0), Z, TOLD, train=False))
    (score, _), _ = jax.eval_shape(lambda: discriminator.init_with_output(jax.random.key(0), images, TOLD, train=False))
    assert made.shape == images.shape and score.shape == (4,)


@pytest.mark.parametrize("network", PAIRS)
@pytest.mark.parametrize("conditioning", CONDITIONINGS)
def test_a_label_changes_the_output_of_its_example_alone(conditioning, network, shape=(8, 8, 1)):
    """In both players, but for a D that is told none. Of four labels the last two are changed."""
    others = np.array([2, 0, 0, 1], np.int32)
    images = np.random.RandomState(3).uniform(-1, 1, (4, *shape)).astype(np.float32)
    for module, x in zip(pair(network, conditioning, shape), (0.1 * Z, images), strict=True):
        told = conditioning != "auxiliary" or isinstance(module, conditional.Generator)
        variables = jax.tree.map(lambda leaf: 0.2 * leaf, variables_of(module, x, TOLD))
        apply = jax.jit(lambda labels: module.apply(variables, x, {"label": labels}, train=False))
        out = [apply(labels) for labels in (LABELS, others)]
        before, after = (o[0] if isinstance(o, tuple) else o for o in out)
        change = np.abs(np.asarray(after - before)).reshape(4, -1).max(axis=1)
        assert change[:2].max() == 0
        assert change[2:].min() > 1e-5 if told else change[2:].max() == 0


def test_all_of_a_discriminator_can_be_spectrally_normalised():
    """Each of the inner network's two layers and the label's has its σ."""
    for conditioning in CONDITIONINGS:
        module = conditional.Discriminator(mlp.Discriminator((8,), spectral=True), K, conditioning, spectral=True)
        variables = jax.eval_shape(lambda: module.init(jax.random.key(0), jnp.zeros((4, 2, 5, 3)), TOLD, train=False))
        paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(variables["spectral"])]
        assert sum("sigma" in path for path in paths) == 3
