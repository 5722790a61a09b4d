"""Conditional networks against numpy, around inner networks that are one line of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from gan_jax.networks import conditional, dcgan, mlp
from gan_jax.networks.conditional import CONDITIONINGS

K = 3
LABELS = np.array([2, 0, 1, 2], np.int32)
ONE_HOT = np.eye(K)[LABELS]
Z = np.random.RandomState(0).randn(4, 6).astype(np.float32)
IMAGES = np.random.RandomState(1).randn(4, 2, 5, 3).astype(np.float32)


class Reshaped(nn.Module):
    """A generator that makes each number of z a pixel."""

    @nn.compact
    def __call__(self, z, *, train):
        return z.reshape(len(z), 1, -1, 1)


class Weighted(nn.Module):
    """A discriminator that adds up an image's numbers, each with a weight; its features are twice the image."""

    flat: bool = False

    @nn.compact
    def __call__(self, image, *, train):
        w = self.param("w", nn.initializers.normal(1.0), image.shape[1:])
        features = 2 * image
        return (w * image).sum((1, 2, 3)), {"features": features.reshape(len(image), -1) if self.flat else features}


def variables_of(module, *inputs):
    """Variables of a module with random numbers in them, biases too, which start from 0."""
    shapes = jax.eval_shape(lambda: module.init(jax.random.key(0), *inputs, train=False))
    random = np.random.RandomState(2)
    return {"params": {}} | jax.tree.map(lambda leaf: random.uniform(0.3, 1.5, leaf.shape).astype(np.float32), shapes)


def count(module, *inputs):
    variables = jax.eval_shape(lambda: module.init(jax.random.key(0), *inputs, train=False))
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


def times_embedding(params):
    return Z * params["Embed_0"]["embedding"][LABELS]


def beside_the_image(params, plane):
    joined = np.concatenate([IMAGES, plane.reshape(4, 2, 5, 1)], axis=-1)
    return (params["discriminator"]["w"] * joined).sum((1, 2, 3)), 2 * joined


def projected(params):
    score = (params["discriminator"]["w"] * IMAGES).sum((1, 2, 3))
    return score + (params["Embed_0"]["embedding"][LABELS] * 2 * IMAGES.sum((1, 2))).sum(-1), 2 * IMAGES


# What the inner generator gets, and what the discriminator returns: score and features.
GENERATORS = {
    "embed": times_embedding,
    "concat": lambda params: np.concatenate([Z, ONE_HOT], axis=1),
    "projection": lambda params: np.concatenate([Z, ONE_HOT], axis=1),
}
DISCRIMINATORS = {
    "embed": lambda params: beside_the_image(params, params["Embed_0"]["embedding"][LABELS]),
    "concat": lambda params: beside_the_image(
        params, ONE_HOT @ params["Dense_0"]["kernel"] + params["Dense_0"]["bias"]
    ),
    "projection": projected,
}
# Parameters that the label adds: to G with latents of 6 numbers, to D by the number of pixels and of features.
ADDED_TO_G = {"embed": K * 6, "concat": 0, "projection": 0}
ADDED_TO_D = {
    "embed": lambda pixels, features: K * pixels,
    "concat": lambda pixels, features: K * pixels + pixels,
    "projection": lambda pixels, features: K * features,
}


def test_every_conditioning_has_a_case():
    for cases in (GENERATORS, DISCRIMINATORS, ADDED_TO_G, ADDED_TO_D):
        assert set(cases) == set(CONDITIONINGS)


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
def test_the_generator_is_what_numpy_says(conditioning):
    module = conditional.Generator(Reshaped(), K, conditioning)
    variables = variables_of(module, Z, LABELS)
    expected = GENERATORS[conditioning](variables["params"])
    made = module.apply(variables, Z, LABELS, train=True)
    np.testing.assert_allclose(made, expected.reshape(4, 1, -1, 1), rtol=1e-5)


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
def test_a_generator_takes_weights_of_classes(conditioning):
    """One-hot vectors are the labels; and what the inner generator gets is linear in the weights."""
    module = conditional.Generator(Reshaped(), K, conditioning)
    variables = variables_of(module, Z, LABELS)
    made = lambda labels: np.asarray(module.apply(variables, Z, labels, train=False))
    one_hot, others = np.float32(ONE_HOT), np.float32(ONE_HOT[::-1])
    np.testing.assert_allclose(made(one_hot), made(LABELS), rtol=1e-6)
    between = 0.3 * made(LABELS) + 0.7 * made(LABELS[::-1])
    np.testing.assert_allclose(made(0.3 * one_hot + 0.7 * others), between, rtol=1e-5, atol=1e-6)
    assert np.abs(made(one_hot) - made(others)).max() > 0.1


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
def test_the_discriminator_is_what_numpy_says(conditioning):
    module = conditional.Discriminator(Weighted(), K, conditioning)
    variables = variables_of(module, IMAGES, LABELS)
    assert set(variables) == {"params"}
    score, out = module.apply(variables, IMAGES, LABELS, train=True)
    expected, features = DISCRIMINATORS[conditioning](variables["params"])
    np.testing.assert_allclose(score, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(out["features"], features, rtol=1e-4, atol=1e-5)


def test_features_without_space_are_projected_as_they_are():
    module = conditional.Discriminator(Weighted(flat=True), K, "projection")
    variables = variables_of(module, IMAGES, LABELS)
    params = variables["params"]
    score, _ = module.apply(variables, IMAGES, LABELS, train=True)
    inner = (params["discriminator"]["w"] * IMAGES).sum((1, 2, 3))
    label = params["Embed_0"]["embedding"][LABELS]
    assert label.shape == (4, 30)
    np.testing.assert_allclose(score, inner + (label * 2 * IMAGES.reshape(4, 30)).sum(-1), rtol=1e-4, atol=1e-5)


def test_gs_label_vectors_start_with_deviation_1():
    """So that z times such a vector has the mean square of a latent."""
    module = conditional.Generator(Reshaped(), 200)
    variables = module.init(jax.random.key(0), np.ones((1, 100)), np.zeros(1, np.int32), train=False)
    embedding = variables["params"]["Embed_0"]["embedding"]
    np.testing.assert_allclose([embedding.mean(), embedding.std()], [0, 1], atol=0.03)


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
def test_one_class_is_allowed(conditioning):
    labels, key = np.zeros(4, np.int32), jax.random.key(0)
    players = (
        conditional.Generator(Reshaped(), 1, conditioning),
        conditional.Discriminator(Weighted(), 1, conditioning),
    )
    made, (score, _) = jax.eval_shape(
        lambda: [player.init_with_output(key, x, labels, train=False)[0] for player, x in zip(players, (Z, IMAGES))]
    )
    assert made.shape == (4, 1, 6 if conditioning == "embed" else 7, 1) and score.shape == (4,)


class Tells(nn.Module):
    """A player of which all that is returned is whether it trains."""

    @nn.compact
    def __call__(self, x, *, train):
        return jnp.full(len(x), float(train)), {"features": jnp.zeros((len(x), 1))}


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
@pytest.mark.parametrize("train", [False, True])
def test_the_inner_networks_know_whether_they_train(conditioning, train):
    generator = conditional.Generator(Tells(), K, conditioning)
    discriminator = conditional.Discriminator(Tells(), K, conditioning)
    for module, x in ((generator, Z), (discriminator, IMAGES)):
        told, _ = module.apply(variables_of(module, x, LABELS), x, LABELS, train=train)
        np.testing.assert_array_equal(told, float(train))


# The experiment's networks, small, and how many features their D has of 28 or 16 pixels a side.
PAIRS = {
    "mlp": (lambda shape: mlp.Generator(shape, (8,)), mlp.Discriminator((8,)), 8),
    "dcgan": (lambda shape: dcgan.Generator(shape, width=2), dcgan.Discriminator(width=2), 4),
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
    seen = images if conditioning == "projection" else jnp.zeros((4, *shape[:2], shape[2] + 1))
    assert count(generator, Z, LABELS) == count(inner_generator(shape), z) + ADDED_TO_G[conditioning]
    added = ADDED_TO_D[conditioning](pixels, features)
    assert count(discriminator, images, LABELS) == count(inner_discriminator, seen) + added

    made, _ = jax.eval_shape(lambda: generator.init_with_output(jax.random.key(0), Z, LABELS, train=False))
    (score, _), _ = jax.eval_shape(
        lambda: discriminator.init_with_output(jax.random.key(0), images, LABELS, train=False)
    )
    assert made.shape == images.shape and score.shape == (4,)


@pytest.mark.parametrize("network", PAIRS)
@pytest.mark.parametrize("conditioning", CONDITIONINGS)
def test_a_label_changes_the_output_of_its_example_alone(conditioning, network, shape=(8, 8, 1)):
    """In both players. Of four labels the last two are changed."""
    others = np.array([2, 0, 0, 1], np.int32)
    images = np.random.RandomState(3).uniform(-1, 1, (4, *shape)).astype(np.float32)
    for module, x in zip(pair(network, conditioning, shape), (0.1 * Z, images)):
        variables = jax.tree.map(lambda leaf: 0.2 * leaf, variables_of(module, x, LABELS))
        apply = jax.jit(lambda labels: module.apply(variables, x, labels, train=False))
        out = [apply(labels) for labels in (LABELS, others)]
        before, after = (o[0] if isinstance(o, tuple) else o for o in out)
        change = np.abs(np.asarray(after - before)).reshape(4, -1).max(axis=1)
        assert change[:2].max() == 0 and change[2:].min() > 1e-5


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
def test_the_labels_layer_is_spectrally_normalised_too(conditioning):
    """The score is numpy's with the layer's matrix divided by its largest singular value.

    One step of power iteration finds that, since it starts from the singular vector.
    """
    module = conditional.Discriminator(Weighted(), K, conditioning, spectral=True)
    variables = variables_of(module, IMAGES, LABELS)
    params = variables["params"]
    name, matrix = ("Dense_0", "kernel") if conditioning == "concat" else ("Embed_0", "embedding")
    _, values, vectors = np.linalg.svd(params[name][matrix])
    is_u = lambda path: "/u" in jax.tree_util.keystr(path)
    start = jax.tree_util.tree_map_with_path(
        lambda path, leaf: vectors[:1] if is_u(path) else leaf, variables["spectral"]
    )
    apply = lambda train: module.apply(
        {"params": params, "spectral": start}, IMAGES, LABELS, train=train, mutable=["spectral"]
    )
    (score, _), after = apply(True)
    expected, _ = DISCRIMINATORS[conditioning](
        params | {name: params[name] | {matrix: params[name][matrix] / values[0]}}
    )
    assert values[0] > 1.5
    np.testing.assert_allclose(score, expected, rtol=1e-4, atol=1e-5)
    σ = lambda spectral: min(jax.tree.leaves(spectral), key=np.size)
    np.testing.assert_allclose(σ(after["spectral"]), values[0], rtol=1e-5)
    np.testing.assert_array_equal(σ(apply(False)[1]["spectral"]), σ(start))  # kept in training alone


def test_all_of_a_discriminator_can_be_spectrally_normalised():
    """Each of the inner network's two layers and the label's has its σ."""
    for conditioning in CONDITIONINGS:
        module = conditional.Discriminator(mlp.Discriminator((8,), spectral=True), K, conditioning, spectral=True)
        variables = jax.eval_shape(lambda: module.init(jax.random.key(0), IMAGES, LABELS, train=False))
        paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(variables["spectral"])]
        assert sum("sigma" in path for path in paths) == 3


@pytest.mark.parametrize(
    "module, x",
    [(conditional.Generator(Reshaped(), K, "embedd"), Z), (conditional.Discriminator(Weighted(), K, "embedd"), IMAGES)],
)
def test_an_unknown_conditioning_raises(module, x):
    with pytest.raises(ValueError, match="unknown conditioning 'embedd'; choose from embed, concat, projection"):
        module.init(jax.random.key(0), x, LABELS, train=False)
