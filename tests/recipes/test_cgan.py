"""GANs with a condition: labels reach both players, fakes have the labels of the real images beside them."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from gan_jax import games, penalties, terms
from gan_jax.networks import conditional, mlp
from gan_jax.networks.conditional import CONDITIONINGS
from gan_jax.randomness import example_keys
from gan_jax.recipes import gan
from gan_jax.recipes.batch import part
from gan_jax.recipes.conditions import labels_by_frequency

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

KEY = jax.random.key(0)
SHAPE = (8, 8, 1)
K = 3


def batch(batches=2, size=8, seed=0):
    random = np.random.RandomState(seed)
    labels = random.randint(0, K, (batches, size)).astype(np.int32)
    images = (
        random.randint(0, 60, (batches, size, *SHAPE)) + 60 * labels[..., None, None, None]
    )  # brighter by the label
    return {"image": images.astype(np.uint8), "label": labels}


def setup_of(conditioning="embed", axis_name=None, **changes):
    generator = mlp.Generator(SHAPE, (16,), norm="batch", axis_name=axis_name)
    discriminator = mlp.Discriminator((16,))
    setup = gan.Setup(
        conditional.Generator(generator, K, conditioning),
        conditional.Discriminator(discriminator, K, conditioning),
        games.non_saturating,
        optax.sgd(0.01),
        optax.sgd(0.01),
        latent_size=5,
        condition=("label",),
        axis_name=axis_name,
    )
    if conditioning == "auxiliary":
        d_terms, g_terms = ({"class_loss": terms.auxiliary(real=real)} for real in (True, False))
        setup = setup._replace(d_terms=d_terms, g_terms=g_terms)
    return setup._replace(**changes)


def make(setup, counts=(1.0,) * K):
    return gan.make(setup, labels_by_frequency(counts))


class Says(nn.Module):
    """As generator: images that are their labels. As discriminator: the sum of an image and of its label."""

    @nn.compact
    def __call__(self, x, condition, *, train):
        label, w = condition["label"], self.param("w", nn.initializers.ones, ())
        if x.ndim == 2:
            return w * jnp.broadcast_to(label[:, None, None, None], (len(x), 1, 1, 1)).astype(jnp.float32)
        return w * (x.sum(axis=(1, 2, 3)) + 10 * label), {}


class Adds(nn.Module):
    """A generator whose one pixel is the sum of its latent and its label."""

    @nn.compact
    def __call__(self, z, condition, *, train):
        pixel = z.sum(axis=1) + condition["label"]
        return self.param("w", nn.initializers.ones, ()) * pixel[:, None, None, None]


class Shows(nn.Module):
    """A generator that shows its latent."""

    @nn.compact
    def __call__(self, z, condition, *, train):
        return self.param("w", nn.initializers.ones, ()) * z[:, None, None]


def test_fakes_have_the_labels_of_the_real_images_beside_them():
    """Real images that are their labels too are scored as the fakes are, one by one."""
    seen = []

    def game(real, fake):
        seen.append((real, fake))
        return games.wasserstein(real, fake)

    setup = setup_of(generator=Says(), discriminator=Says(), game=game)
    labels = jnp.array([2, 0, 1, 1])
    real = labels[:, None, None, None].astype(jnp.float32)
    examples = {"image": real, "label": labels}
    state = gan.init_state(setup, KEY, examples)
    with jax.disable_jit():
        for step in (gan.make_d_step(setup), gan.make_g_step(setup)):
            step(state, examples, KEY)
    assert len(seen) == 2
    for pair in seen:
        for scores in pair:
            np.testing.assert_allclose(getattr(scores, "primal", scores), 11 * labels)


def test_a_round_is_n_critic_d_steps_and_a_g_step_each_on_labels_of_its_own():
    setup = setup_of(n_critic=2, generator=Adds(), discriminator=Says())
    recipe = make(setup)
    examples = batch(recipe.batches_per_step)
    assert recipe.batches_per_step == 3
    start = recipe.init(KEY, examples).replace(step=jnp.int32(7))
    keys = jax.random.split(jax.random.fold_in(KEY, 7), 3)
    expected = start
    for i in range(2):
        expected, _ = gan.make_d_step(setup)(expected, part(examples, i), keys[i])
    expected, _ = gan.make_g_step(setup)(expected, part(examples, 2), keys[2])
    after, _ = jax.jit(recipe.step)(start, examples, KEY)
    assert after.step == 8
    same = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    jax.tree.map(same, after.replace(step=0), expected.replace(step=0))


@pytest.mark.parametrize("conditioning, penalised", [("embed", True), ("concat", False), ("projection", False)])
def test_four_shares_of_a_batch_are_the_whole_batch(conditioning, penalised, require_shares_are_the_whole):
    """BatchNorm in G included."""
    penalty = dict(d_terms={"penalty": terms.penalty(penalties.gradient_penalty, 10.0)}) if penalised else {}
    one = make(setup_of(conditioning, **penalty))
    four = make(setup_of(conditioning, "data", **penalty))
    require_shares_are_the_whole(one, four, batch(2, 16), KEY)


def draw(recipe, state, key, labels):
    return recipe.sampler.generate(state, recipe.sampler.latents(key, len(labels)), {"label": labels})


def test_an_image_depends_on_its_own_key_and_label():
    recipe = make(setup_of())
    state = jax.jit(recipe.init)(KEY, batch())
    labels = np.arange(9, dtype=np.int32) % K
    nine = draw(recipe, state, KEY, labels)
    assert nine.shape == (9, *SHAPE)
    np.testing.assert_allclose(draw(recipe, state, KEY, labels[:4]), nine[:4], atol=1e-6)
    np.testing.assert_allclose(draw(recipe, state, example_keys(KEY, 9)[4:], labels[4:]), nine[4:], atol=1e-6)
    others = draw(recipe, state, KEY, (labels + 1) % K)
    assert np.abs(others - nine).max(axis=(1, 2, 3)).min() > 1e-3


def test_labels_are_drawn_by_the_data_s_frequencies():
    recipe = make(setup_of(), [5, 0, 15])
    sampler = recipe.sampler
    assert sampler.takes("label") and not sampler.takes("caption")
    labels = sampler.conditions(KEY, 4000)["label"]
    assert labels.dtype == jnp.int32
    np.testing.assert_allclose(np.bincount(labels, minlength=K) / 4000, [0.25, 0, 0.75], atol=0.03)
    np.testing.assert_array_equal(sampler.conditions(KEY, 10)["label"], labels[:10])
    state = jax.jit(recipe.init)(KEY, batch())
    np.testing.assert_allclose(sampler.sample(state, KEY, 6), draw(recipe, state, KEY, labels[:6]), atol=1e-6)


def test_labels_and_latents_are_independent():
    recipe = make(setup_of(generator=Shows(), discriminator=Says()), np.ones(2))
    labels = recipe.sampler.conditions(KEY, 2000)["label"]
    z = draw(recipe, recipe.init(KEY, batch()), KEY, labels)[:, 0, 0]
    assert z.shape == (2000, 5)
    assert np.abs(np.corrcoef(labels, z, rowvar=False)[0, 1:]).max() < 0.08


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
def test_it_learns_to_draw_what_it_is_asked_for(conditioning):
    """Labels are brightnesses: -0.76, -0.29 and 0.18 in the mean."""
    adam = optax.adam(3e-3, b1=0.5)
    setup = setup_of(conditioning, g_optimizer=adam, d_optimizer=adam, game=games.least_squares)
    setup = setup._replace(generator=conditional.Generator(mlp.Generator(SHAPE, (32,)), K, conditioning))
    recipe = make(setup)
    state, step = recipe.init(KEY, batch()), jax.jit(recipe.step)
    for i in range(400):
        state, _ = step(state, batch(2, 32, seed=i), KEY)
    labels = np.repeat(np.arange(K, dtype=np.int32), 20)
    means = np.asarray(draw(recipe, state, KEY, labels)).reshape(K, -1).mean(axis=1)
    assert np.diff(means).min() > 0.15  # of 0.47; without labels it would be about 0


def test_packs_are_refused():
    with pytest.raises(ValueError, match="pack=2: a pack of images has no one label"):
        make(setup_of(pack=2))


def test_a_condition_and_how_it_is_drawn_go_together():
    for setup, draw_condition in ((setup_of(), None), (setup_of(condition=()), labels_by_frequency([1.0]))):
        with pytest.raises(ValueError, match="draw_condition go together"):
            gan.make(setup, draw_condition)
