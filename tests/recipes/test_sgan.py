"""The semi-supervised GAN's D-step against the same loss worked out, and against itself on shares of a batch."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from gan_jax import augment, games, penalties, terms
from gan_jax.networks import mlp, semi_supervised
from gan_jax.recipes import gan, sgan
from gan_jax.recipes.batch import part

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

KEY = jax.random.key(0)
SHAPE = (8, 8, 1)
K = 3


def batch(n_critic=1, size=8, seed=0):
    """Labelled and other images of three classes: which third of the rows is bright."""
    random = np.random.RandomState(seed)

    def draw(batches):
        labels = random.randint(0, K, (batches, size)).astype(np.int32)
        bright = np.arange(8) // 3 == labels[..., None]
        images = random.randint(0, 100, (batches, size, *SHAPE)) + 150 * bright[..., None, None]
        return {"image": images.astype(np.uint8), "label": labels}

    return {"unlabelled": {"image": draw(n_critic + 1)["image"]}, "labelled": draw(n_critic)}


class Linear(nn.Module):
    """Logits W x of the flattened image."""

    @nn.compact
    def __call__(self, image, condition=None, *, train):
        features = image.reshape(len(image), -1)
        logits = nn.Dense(K, use_bias=False)(features)
        return jax.nn.logsumexp(logits, axis=-1), {"features": features, "class_logits": logits}


def setup_of(axis_name=None, discriminator=None, **changes):
    setup = gan.Setup(
        mlp.Generator(SHAPE, (16,), norm="batch", axis_name=axis_name),
        discriminator or Linear(),
        games.non_saturating,
        optax.sgd(0.01),
        optax.sgd(0.01),
        latent_size=5,
        axis_name=axis_name,
    )
    return setup._replace(**changes)


@pytest.mark.parametrize("weight", [1.0, 0.3])
def test_d_minimises_the_published_loss(weight):
    """-log p(y|x) of labelled images and, with D = Z/(Z+1), -log D(x) - log(1 - D(G(z))) of the others."""
    setup, examples = setup_of(), batch()
    recipe = sgan.make(setup, supervised_weight=weight)
    state, first, key = recipe.init(KEY, examples), part(examples, 0), jax.random.key(1)
    real, labelled, labels = first["unlabelled"]["image"], first["labelled"]["image"], first["labelled"]["label"]
    latent_key = jax.random.split(key, 5)[0]
    fake, _ = gan.generate_fakes(setup, state.players["generator"], latent_key, first["unlabelled"])

    def expected(w):
        real_z, fake_z, own = (jnp.exp(x.reshape(len(x), -1) @ w) for x in (real, fake, labelled))
        probability = own[jnp.arange(len(own)), labels] / own.sum(-1)
        judged = [z.sum(-1) / (z.sum(-1) + 1) for z in (real_z, fake_z)]
        game = -jnp.mean(jnp.log(judged[0])) - jnp.mean(jnp.log(1 - judged[1]))
        supervised = -jnp.mean(jnp.log(probability))
        return game + weight * supervised, (game, supervised)

    w = state.players["discriminator"].params["Dense_0"]["kernel"]
    gradient, (game, supervised) = jax.grad(expected, has_aux=True)(w)
    after, metrics = jax.jit(sgan.make_d_step(setup, supervised_weight=weight))(state, first, key)
    np.testing.assert_allclose(metrics["d_loss"], game, rtol=1e-4)
    np.testing.assert_allclose(metrics["supervised_loss"], supervised, rtol=1e-5)
    discriminator = after.players["discriminator"]
    np.testing.assert_allclose(discriminator.params["Dense_0"]["kernel"], w - 0.01 * gradient, rtol=1e-4, atol=1e-6)
    own = (labelled.reshape(len(labelled), -1) @ w).argmax(-1)
    assert metrics["accuracy"] == pytest.approx(float(np.mean(own == labels)))
    # After the first step the average is 1/10 of the first weights and 9/10 of the new ones.
    ema = discriminator.ema["params"]["Dense_0"]["kernel"]
    np.testing.assert_allclose(ema, w - 0.9 * 0.01 * gradient, rtol=1e-4, atol=1e-6)


def test_g_s_step_is_that_of_a_gan():
    setup, examples = setup_of(), batch()
    recipe = sgan.make(setup)
    assert recipe.batches_per_step == {"unlabelled": 2, "labelled": 1}
    start = recipe.init(KEY, examples)
    keys = jax.random.split(jax.random.fold_in(KEY, 0), 2)
    d_step, g_step = jax.jit(sgan.make_d_step(setup)), jax.jit(gan.make_g_step(setup))
    expected, _ = d_step(start, part(examples, 0), keys[0])
    expected, _ = g_step(expected, part(examples["unlabelled"], 1), keys[1])
    after, metrics = jax.jit(recipe.step)(start, examples, KEY)
    assert after.step == 1 and {"d_loss", "g_loss", "supervised_loss"} <= set(metrics)
    same = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    jax.tree.map(same, after.replace(step=0), expected.replace(step=0))


CASES = {
    "penalty": lambda axis_name: dict(d_terms={"penalty": terms.penalty(penalties.gradient_penalty, 10.0)}),
    "augment": lambda axis_name: dict(augment=augment.translate(1), n_critic=2),
    "matching": lambda axis_name: dict(
        discriminator=semi_supervised.Convolutional(K, 4, 16, axis_name=axis_name),
        g_terms={"matching": terms.feature_matching(axis_name=axis_name)},
        g_adversarial=False,
    ),
    "dense": lambda axis_name: dict(discriminator=semi_supervised.Dense(K, (16, 8), axis_name=axis_name)),
}


@pytest.mark.parametrize("case", CASES)
def test_four_shares_of_a_batch_are_the_whole_batch(case, require_shares_are_the_whole):
    """BatchNorm, noise included."""
    one, four = (sgan.make(setup_of(axis_name, **CASES[case](axis_name))) for axis_name in (None, "data"))
    require_shares_are_the_whole(one, four, batch(one.batches_per_step["labelled"], 16), KEY)


def test_labelled_images_are_augmented_as_the_others_are():
    seen = []
    note = lambda images, keys, step: seen.append(len(images)) or images
    setup, examples = setup_of(augment=note), batch()
    recipe = sgan.make(setup)
    recipe.step(recipe.init(KEY, examples), examples, KEY)
    assert len(seen) == 5  # labelled, real, fake in D's step; real, fake in G's


def test_it_classifies_from_its_moving_average():
    adam = optax.adam(3e-3, b1=0.5)
    setup = setup_of(discriminator=semi_supervised.Convolutional(K, 4, 16), d_optimizer=adam, g_optimizer=adam)
    recipe = sgan.make(setup, d_ema=0.9)
    state, step = recipe.init(KEY, batch()), jax.jit(recipe.step)
    for i in range(100):
        state, metrics = step(state, batch(1, 16, seed=i), KEY)
    assert metrics["supervised_loss"] < 0.3
    test = part(batch(1, 50, seed=1000)["labelled"], 0)
    logits = recipe.classify(state, test["image"])
    _, out = setup.discriminator.apply(state.players["discriminator"].ema, test["image"], train=False)
    np.testing.assert_array_equal(logits, out["class_logits"])
    assert np.mean(logits.argmax(-1) == test["label"]) > 0.95
    assert recipe.sampler.sample(state, KEY, 3).shape == (3, *SHAPE)


def test_packs_are_refused():
    with pytest.raises(ValueError, match="pack=2: a pack of images has no one class"):
        sgan.make(setup_of(pack=2))
