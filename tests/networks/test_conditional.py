"""Conditional networks against numpy, around inner networks that are one line of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from gan_jax.networks import conditional
from gan_jax.networks.conditional import CONDITIONINGS

K = 3
LABELS = np.array([2, 0, 1, 2], np.int32)
TOLD = {"label": LABELS}  # the condition that both players are given
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
    "auxiliary": lambda params: np.concatenate([Z, ONE_HOT], axis=1),
}
DISCRIMINATORS = {
    "embed": lambda params: beside_the_image(params, params["Embed_0"]["embedding"][LABELS]),
    "concat": lambda params: beside_the_image(
        params, ONE_HOT @ params["Dense_0"]["kernel"] + params["Dense_0"]["bias"]
    ),
    "projection": projected,
    "auxiliary": lambda params: ((params["discriminator"]["w"] * IMAGES).sum((1, 2, 3)), 2 * IMAGES),
}


def test_every_conditioning_has_a_case():
    for table, cases in {"GENERATORS": GENERATORS, "DISCRIMINATORS": DISCRIMINATORS}.items():
        for name in CONDITIONINGS:
            assert name in cases, f"add {table}[{name!r}] in tests/networks/test_conditional.py"
        assert set(cases) == set(CONDITIONINGS)


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
def test_the_generator_is_what_numpy_says(conditioning):
    module = conditional.Generator(Reshaped(), K, conditioning)
    variables = variables_of(module, Z, TOLD)
    expected = GENERATORS[conditioning](variables["params"])
    made = module.apply(variables, Z, TOLD, train=True)
    np.testing.assert_allclose(made, expected.reshape(4, 1, -1, 1), rtol=1e-5)


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
def test_a_generator_takes_weights_of_classes(conditioning):
    """One-hot vectors are the labels; and what the inner generator gets is linear in the weights."""
    module = conditional.Generator(Reshaped(), K, conditioning)
    variables = variables_of(module, Z, TOLD)
    made = lambda labels: np.asarray(module.apply(variables, Z, {"label": labels}, train=False))
    one_hot, others = np.float32(ONE_HOT), np.float32(ONE_HOT[::-1])
    np.testing.assert_allclose(made(one_hot), made(LABELS), rtol=1e-6)
    between = 0.3 * made(LABELS) + 0.7 * made(LABELS[::-1])
    np.testing.assert_allclose(made(0.3 * one_hot + 0.7 * others), between, rtol=1e-5, atol=1e-6)
    assert np.abs(made(one_hot) - made(others)).max() > 0.1


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
def test_the_discriminator_is_what_numpy_says(conditioning):
    module = conditional.Discriminator(Weighted(), K, conditioning)
    variables = variables_of(module, IMAGES, TOLD)
    assert set(variables) == {"params"}
    score, out = module.apply(variables, IMAGES, TOLD, train=True)
    expected, features = DISCRIMINATORS[conditioning](variables["params"])
    np.testing.assert_allclose(score, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(out["features"], features, rtol=1e-4, atol=1e-5)


def test_features_without_space_are_projected_as_they_are():
    module = conditional.Discriminator(Weighted(flat=True), K, "projection")
    variables = variables_of(module, IMAGES, TOLD)
    params = variables["params"]
    score, _ = module.apply(variables, IMAGES, TOLD, train=True)
    inner = (params["discriminator"]["w"] * IMAGES).sum((1, 2, 3))
    label = params["Embed_0"]["embedding"][LABELS]
    assert label.shape == (4, 30)
    np.testing.assert_allclose(score, inner + (label * 2 * IMAGES.reshape(4, 30)).sum(-1), rtol=1e-4, atol=1e-5)


def test_gs_label_vectors_start_with_deviation_1():
    """So that z times such a vector has the mean square of a latent."""
    module = conditional.Generator(Reshaped(), 200)
    variables = module.init(jax.random.key(0), np.ones((1, 100)), {"label": np.zeros(1, np.int32)}, train=False)
    embedding = variables["params"]["Embed_0"]["embedding"]
    np.testing.assert_allclose([embedding.mean(), embedding.std()], [0, 1], atol=0.03)


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
def test_one_class_is_allowed(conditioning):
    condition, key = {"label": np.zeros(4, np.int32)}, jax.random.key(0)
    players = (
        conditional.Generator(Reshaped(), 1, conditioning),
        conditional.Discriminator(Weighted(), 1, conditioning),
    )
    made, (score, _) = jax.eval_shape(
        lambda: [
            player.init_with_output(key, x, condition, train=False)[0]
            for player, x in zip(players, (Z, IMAGES), strict=True)
        ]
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
        told, _ = module.apply(variables_of(module, x, TOLD), x, TOLD, train=train)
        np.testing.assert_array_equal(told, float(train))


def test_an_auxiliary_classifier_is_told_no_label():
    module = conditional.Discriminator(Weighted(), K, "auxiliary")
    variables = variables_of(module, IMAGES, TOLD)
    score, out = module.apply(variables, IMAGES, TOLD, train=True)
    classifier = variables["params"]["Dense_0"]
    expected = 2 * IMAGES.reshape(4, -1) @ classifier["kernel"] + classifier["bias"]
    np.testing.assert_allclose(out["class_logits"], expected, rtol=1e-4, atol=1e-4)
    others, _ = module.apply(variables, IMAGES, {"label": (LABELS + 1) % K}, train=True)
    np.testing.assert_array_equal(others, score)


def test_an_auxiliary_classifier_is_spectrally_normalised_too():
    module = conditional.Discriminator(Weighted(), K, "auxiliary", spectral=True)
    variables = variables_of(module, IMAGES, TOLD)
    kernel = variables["params"]["Dense_0"]["kernel"]
    vectors, values, _ = np.linalg.svd(kernel.T, full_matrices=False)
    start = jax.tree_util.tree_map_with_path(
        lambda path, leaf: vectors[:, 0][None] if "/u" in jax.tree_util.keystr(path) else leaf, variables["spectral"]
    )
    _, out = module.apply({"params": variables["params"], "spectral": start}, IMAGES, TOLD, train=False)
    expected = 2 * IMAGES.reshape(4, -1) @ kernel / values[0] + variables["params"]["Dense_0"]["bias"]
    np.testing.assert_allclose(out["class_logits"], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("conditioning", [name for name in CONDITIONINGS if name != "auxiliary"])
def test_the_labels_layer_is_spectrally_normalised_too(conditioning):
    """The score is numpy's with the layer's matrix divided by its largest singular value.

    One step of power iteration finds that, since it starts from the singular vector.
    """
    module = conditional.Discriminator(Weighted(), K, conditioning, spectral=True)
    variables = variables_of(module, IMAGES, TOLD)
    params = variables["params"]
    name, matrix = ("Dense_0", "kernel") if conditioning == "concat" else ("Embed_0", "embedding")
    _, values, vectors = np.linalg.svd(params[name][matrix])
    is_u = lambda path: "/u" in jax.tree_util.keystr(path)
    start = jax.tree_util.tree_map_with_path(
        lambda path, leaf: vectors[:1] if is_u(path) else leaf, variables["spectral"]
    )
    apply = lambda train: module.apply(
        {"params": params, "spectral": start}, IMAGES, TOLD, train=train, mutable=["spectral"]
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


@pytest.mark.parametrize(
    "module, x",
    [(conditional.Generator(Reshaped(), K, "embedd"), Z), (conditional.Discriminator(Weighted(), K, "embedd"), IMAGES)],
)
def test_an_unknown_conditioning_raises(module, x):
    with pytest.raises(ValueError, match="unknown conditioning 'embedd'; choose from embed, concat, projection"):
        module.init(jax.random.key(0), x, TOLD, train=False)
