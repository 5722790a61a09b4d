"""The classifying discriminators: their sizes, their score, their noise, and the published one against numpy."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.networks import semi_supervised

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

KEY = jax.random.key(0)
QUIET = dict(noise=0.0, dropout=0.0)


def variables_of(module, images):
    """Variables of a module with random numbers in them: weights for inputs of any size, the others from 0.5 to 1.5."""
    random = np.random.RandomState(1)

    def drawn(leaf):
        scale = np.sqrt(2 / np.prod(leaf.shape[:-1]))
        numbers = scale * random.randn(*leaf.shape) if leaf.ndim > 1 else random.uniform(0.5, 1.5, leaf.shape)
        return numbers.astype(np.float32)

    return jax.tree.map(drawn, jax.eval_shape(lambda: module.init(KEY, images, train=False)))


def shapes(module, image_shape):
    return jax.eval_shape(lambda: module.init(KEY, jnp.zeros((2, *image_shape)), train=False))["params"]


def count(module, image_shape):
    return sum(leaf.size for leaf in jax.tree.leaves(shapes(module, image_shape)))


def noisy_images(*shape):
    return np.random.RandomState(2).uniform(-1, 1, shape).astype(np.float32)


# Parameters, by hand. The published one has a weight matrix and a bias in each layer; the norms of the weights are
# parameters in the last layer alone. In the other a convolution before batch normalisation has no bias.
MAPS = (9 * 1 * 32 + 2 * 32) + (9 * 32 * 64 + 2 * 64) + (9 * 64 * 128 + 2 * 128)
COUNTS = {
    "784-1000-500-250-250-250-10": (
        semi_supervised.Dense(10),
        (784 * 1000 + 1000)
        + (1000 * 500 + 500)
        + (500 * 250 + 250)
        + (250 * 250 + 250)
        + (250 * 250 + 250)
        + (250 * 10 + 10 + 10),
    ),
    "convolutional": (semi_supervised.Convolutional(10), MAPS + (16 * 128 * 256 + 256) + (256 * 10 + 10)),
    "convolutional, minibatch discrimination": (
        semi_supervised.Convolutional(10, minibatch="discrimination"),
        MAPS + (16 * 128 * 256 + 256) + 256 * 100 * 5 + ((256 + 100) * 10 + 10),
    ),
    "convolutional, no normalisation": (
        semi_supervised.Convolutional(10, norm="none"),
        MAPS - (32 + 64 + 128) + (16 * 128 * 256 + 256) + (256 * 10 + 10),  # a bias in place of gain and bias
    ),
}


@pytest.mark.parametrize("name", COUNTS)
def test_parameter_counts(name):
    module, expected = COUNTS[name]
    assert count(module, (28, 28, 1)) == expected


NETWORKS = {
    "convolutional": semi_supervised.Convolutional(5, width=4, features=8, minibatch="stddev"),
    "dense": semi_supervised.Dense(5, hidden=(8,)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_score_is_the_odds_of_all_classes_against_fake(name):
    """With logit 0 for "fake", Z / (Z + 1) is the probability of the K classes together."""
    module, images = NETWORKS[name], noisy_images(6, 8, 8, 1)
    score, out = module.apply(variables_of(module, images), images, train=False)
    assert score.shape == (6,) and out["features"].shape == (6, 8) and out["class_logits"].shape == (6, 5)
    z = np.exp(np.asarray(out["class_logits"], np.float64)).sum(-1)
    np.testing.assert_allclose(score, np.log(z), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(1 / (1 + np.exp(-score)), z / (z + 1), rtol=1e-5)
    assert len(np.unique(score)) == 6


@pytest.mark.parametrize("name", NETWORKS)
def test_a_condition_changes_nothing(name):
    module, images = NETWORKS[name], noisy_images(6, 8, 8, 1)
    variables = variables_of(module, images)
    without, _ = module.apply(variables, images, train=False)
    told, _ = module.apply(variables, images, {"label": jnp.array([3, 1, 4, 1, 0, 2])}, train=False)
    np.testing.assert_array_equal(told, without)


@pytest.mark.parametrize("name", NETWORKS)
def test_there_is_noise_in_training_alone_which_belongs_to_the_example(name):
    """Shares of a batch get the noise, and the batch statistics, that they get in the whole."""
    module, images = NETWORKS[name], noisy_images(6, 8, 8, 1)
    variables = variables_of(module, images)
    module.apply(variables, images, train=False)  # without a key for noise

    def scores(module, images, key):
        return module.apply(variables, images, train=True, rngs={"noise": key}, mutable=["batch_stats"])[0][0]

    @jax.jit
    def both(key):
        spread = jax.vmap(lambda images: scores(module.clone(axis_name="data"), images, key), axis_name="data")
        return scores(module, images, key), spread(images.reshape(3, 2, 8, 8, 1)).reshape(6)

    whole, shares = both(KEY)
    np.testing.assert_allclose(shares, whole, rtol=1e-4, atol=1e-5)
    assert np.abs(both(jax.random.key(5))[0] - whole).min() > 1e-4


def test_dense_is_what_numpy_says():
    """Weights of norm √2 in the hidden layers, whose bias is scaled alike; of their own norm in the last."""
    module, images = semi_supervised.Dense(4, hidden=(20, 10, 6)), noisy_images(5, 4, 3, 2)
    params = variables_of(module, images)["params"]
    score, out = jax.jit(lambda: module.apply({"params": params}, images, train=False))()
    kernels, biases = ([params[f"Dense_{i}"][name] for i in range(4)] for name in ("kernel", "bias"))
    (norms,) = jax.tree.leaves({name: p for name, p in params.items() if not name.startswith("Dense")})
    directions = [kernel / np.linalg.norm(kernel, axis=0) for kernel in kernels]
    x = images.reshape(5, 24)
    for direction, bias in zip(directions[:-1], biases[:-1], strict=True):
        weights = np.sqrt(2) * direction
        np.testing.assert_allclose(np.linalg.norm(weights, axis=0), np.sqrt(2), rtol=1e-6)
        x = np.maximum(0, x @ weights + np.sqrt(2) * bias)
    np.testing.assert_allclose(out["features"], x, rtol=1e-4, atol=1e-5)
    logits = x @ (norms * directions[-1]) + biases[-1]
    np.testing.assert_allclose(out["class_logits"], logits, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(score, np.log(np.exp(logits).sum(-1)), rtol=1e-5)


def fresh(variables):
    """The same directions of weights, with biases of 0 and norms of 1, as they start."""
    start = lambda path, leaf: leaf if leaf.ndim > 1 else np.full_like(leaf, "scale" in jax.tree_util.keystr(path))
    return jax.tree_util.tree_map_with_path(start, variables)


def test_dense_keeps_mean_squares_at_the_start():
    """For which √2 is there: a direction makes a number of mean square 1 of n such numbers, and ReLU halves that."""
    images = np.random.RandomState(3).randn(50, 20, 20, 1).astype(np.float32)
    module = semi_supervised.Dense(10, hidden=(400, 400, 400))
    variables = fresh(variables_of(module, images))
    _, out = jax.jit(lambda: module.apply(variables, images, train=False))()
    np.testing.assert_allclose((out["features"] ** 2).mean(), 1, rtol=0.2)


def test_the_published_deviations():
    """Of 0.6 on images in [-1, 1], and 0.5 on what each hidden layer makes. Layers keep mean squares, as above."""
    module = semi_supervised.Dense(400, hidden=(400, 400))
    images = np.zeros((200, 20, 20, 1), np.float32)
    variables = fresh(variables_of(module, images))
    _, out = jax.jit(lambda: module.apply(variables, images, train=True, rngs={"noise": KEY}))()
    np.testing.assert_allclose((out["features"] ** 2).mean(), 0.6**2 + 0.5**2, rtol=0.05)
    kernel = variables["params"]["Dense_2"]["kernel"]
    noise = out["class_logits"] - out["features"] @ (kernel / np.linalg.norm(kernel, axis=0))
    np.testing.assert_allclose(noise.std(), 0.5, rtol=0.02)


@pytest.mark.parametrize("side, sides", [(4, []), (8, [4]), (16, [8, 4]), (28, [14, 7, 4]), (64, [32, 16, 8, 4])])
def test_convolutional_halves_images_until_4_pixels_are_left(side, sides):
    module = semi_supervised.Convolutional(10, width=2, features=6)
    params = shapes(module, (side, side, 3))
    channels = [3] + [2 * 2**i for i in range(len(sides))]
    kernels = [params[f"Conv_{i}"]["kernel"].shape for i in range(len(sides))]
    assert kernels == [(3, 3, *pair) for pair in itertools.pairwise(channels)]
    assert f"Conv_{len(sides)}" not in params
    assert params["Dense_0"]["kernel"].shape == (4 * 4 * channels[-1], 6)
    (score, out), _ = jax.eval_shape(lambda: module.init_with_output(KEY, jnp.zeros((2, side, side, 3)), train=False))
    assert score.shape == (2,) and out["features"].shape == (2, 6)


def test_features_of_convolutional_are_not_batch_normalised():
    """They differ in mean between batches, and that is what G matches. Of 4 pixels a side there is no convolution."""
    module = semi_supervised.Convolutional(3, features=7, **QUIET)
    images = noisy_images(10, 4, 4, 1)
    variables = variables_of(module, images)
    assert set(variables) == {"params"}
    dense = variables["params"]["Dense_0"]
    for batch in (images, images + 1):
        _, out = module.apply(variables, batch, train=True)
        x = batch.reshape(10, 16) @ dense["kernel"] + dense["bias"]
        np.testing.assert_allclose(out["features"], np.where(x > 0, x, 0.2 * x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("options, square", [({}, (1 + 0.3**2) / 0.5), ({"dropout": 0.0}, 1 + 0.3**2)])
def test_convolutional_has_noise_on_images_and_dropout_before_the_features(options, square):
    """White images of 4 pixels a side, whose mean square the two raise from 1."""
    module, images = semi_supervised.Convolutional(3, features=20, **options), np.ones((3000, 4, 4, 1), np.float32)
    variables = variables_of(module, images)
    kernel = variables["params"]["Dense_0"]["kernel"]
    variables["params"]["Dense_0"]["bias"][:] = 0
    _, out = jax.jit(lambda: module.apply(variables, images, train=True, rngs={"noise": KEY}))()
    features = np.where(out["features"] > 0, out["features"], out["features"] / 0.2)
    expected = kernel.sum(0) ** 2 + (square - 1) * (kernel**2).sum(0)
    np.testing.assert_allclose((features**2).mean(0), expected, rtol=0.15)


def test_maps_of_convolutional_are_batch_normalised_and_its_features_have_a_mean():
    module = semi_supervised.Convolutional(3, width=2, features=6, **QUIET)
    images = noisy_images(12, 16, 16, 1)
    variables = variables_of(module, images)
    gains = [
        leaf.shape
        for path, leaf in jax.tree_util.tree_leaves_with_path(variables["params"])
        if "scale" in jax.tree_util.keystr(path)
    ]
    assert gains == [(2,), (4,)]
    apply = jax.jit(lambda images: module.apply(variables, images, train=True, mutable=["batch_stats"])[0][1])
    features = apply(images)["features"]
    np.testing.assert_allclose(apply(3 * images + 0.5)["features"], features, atol=0.3)
    unbent = np.where(features > 0, features, features / 0.2)
    assert np.abs(unbent.mean(0)).max() > 0.1 and np.abs(unbent.std(0) - 1).max() > 0.1


def test_spectral_normalises_every_layer():
    module = semi_supervised.Convolutional(3, width=2, features=6, norm="none", spectral=True)
    variables = jax.eval_shape(lambda: module.init(KEY, jnp.zeros((2, 16, 16, 1)), train=False))
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(variables["spectral"])]
    assert sum("sigma" in path for path in paths) == 4


def test_oblong_images_raise():
    with pytest.raises(ValueError, match="square images, got 8×9"):
        semi_supervised.Convolutional(3).init(KEY, jnp.zeros((2, 8, 9, 1)), train=False)


def test_dense_takes_images_of_any_shape():
    assert count(semi_supervised.Dense(3, (5,)), (8, 9, 2)) == 144 * 5 + 5 + 5 * 3 + 3 + 3
