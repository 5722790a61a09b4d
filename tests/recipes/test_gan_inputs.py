"""What the terms of a GAN's losses are given: images that are augmented alike, the condition, and the target."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import augment, games, penalties, terms
from gan_jax.networks import conditional, mlp
from gan_jax.recipes import gan
from gan_jax.terms import Term

KEY = jax.random.key(0)
SHAPE = (8, 8, 1)
LABELS = jnp.array([1, 0, 2, 1, 2])
ALL = augment.make({"translate": 2}, augment.instance_noise(0.5, 10))

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def setup_of(**changes):
    generator, discriminator = mlp.Generator(SHAPE, (8,)), mlp.Discriminator((8,))
    sgd = optax.sgd(0.01)
    return gan.Setup(generator, discriminator, games.hinge, sgd, sgd, latent_size=4, augment=ALL)._replace(**changes)


def start(setup):
    return gan.init_state(setup, KEY, examples())


def examples(**others):
    images = jax.random.uniform(jax.random.key(1), (5, *SHAPE), minval=-1)
    return {"image": images, "label": LABELS, **others}


def l1(a, b):
    return Term(1.0, lambda inputs: jnp.abs(getattr(inputs, a) - getattr(inputs, b)).mean())


def drawn(setup, state, latent_key):
    return gan.generate_fakes(setup, state.players["generator"], latent_key, examples())[0]


def test_a_fake_image_that_is_its_target_stays_so_when_both_are_augmented():
    """An L1 term of the two is 0, in G's step and in D's; it is not, of targets that belong to other examples."""
    terms = {"l1": l1("target", "fake")}
    setup = setup_of(g_terms=terms, d_terms=terms)
    state = start(setup)
    for step, parts in ((gan.make_g_step(setup), 2), (gan.make_d_step(setup), 3)):
        fake = drawn(setup, state, jax.random.split(KEY, parts)[0])
        assert step(state, examples(target=fake), KEY)[1]["l1"] == 0
        assert step(state, examples(target=fake[::-1]), KEY)[1]["l1"] > 1e-3


def test_real_and_fake_images_of_one_example_are_augmented_alike():
    setup = setup_of(d_terms={"l1": l1("real", "fake")})
    state = start(setup)
    fake = drawn(setup, state, jax.random.split(KEY, 3)[0])
    step = gan.make_d_step(setup)
    assert step(state, examples() | {"image": fake}, KEY)[1]["l1"] == 0
    assert step(state, examples() | {"image": fake[::-1]}, KEY)[1]["l1"] > 1e-3


def test_examples_are_augmented_each_in_its_own_way():
    same = jnp.broadcast_to(examples()["image"][:1], (5, *SHAPE))
    seen = []
    setup = setup_of(d_terms={"look": Term(0.0, lambda inputs: seen.append(inputs.real) or jnp.float32(0))})
    gan.make_d_step(setup)(start(setup), examples() | {"image": same}, KEY)
    assert len(np.unique(np.asarray(seen[0])[:, 4, 4, 0])) == 5


@pytest.mark.parametrize("make_step", [gan.make_d_step, gan.make_g_step])
def test_terms_are_given_condition_and_target_if_there_are_any(make_step):
    seen = []
    look = {"look": Term(0.0, lambda inputs: seen.append((inputs.condition, inputs.target)) or jnp.float32(0))}
    plain = setup_of(d_terms=look, g_terms=look, augment=augment.identity)
    state = start(plain)
    make_step(plain)(state, examples(), KEY)
    target = examples()["image"] / 2
    make_step(plain)(state, examples(target=target), KEY)
    conditional_setup = plain._replace(
        generator=conditional.Generator(plain.generator, 3),
        discriminator=conditional.Discriminator(plain.discriminator, 3),
        condition=("label",),
    )
    make_step(conditional_setup)(start(conditional_setup), examples(target=target), KEY)
    assert seen[0] == (None, None)
    assert seen[1][0] is None
    np.testing.assert_array_equal(seen[1][1], target)
    assert list(seen[2][0]) == ["label"]
    np.testing.assert_array_equal(seen[2][0]["label"], LABELS)
    np.testing.assert_array_equal(seen[2][1], target)


@pytest.mark.parametrize("pack", [1, 2])
def test_the_critic_of_what_is_given_augments_it_as_d_does(pack):
    """Each image by the same key: so what it says of the real and of the fake ones is what D said; and so does D's own critic."""
    apart = lambda inputs: sum(
        jnp.abs(critic(images) - scores).max()
        for given, critic in ((inputs.given, inputs.given.critic), (inputs, inputs.critic))
        for images, scores in ((given.real, inputs.real_scores), (given.fake, inputs.fake_scores))
    )
    setup = setup_of(d_terms={"apart": Term(0.0, apart)}, pack=pack)
    batch = jax.tree.map(lambda x: x[:4], examples())
    _, metrics = gan.make_d_step(setup)(gan.init_state(setup, KEY, batch), batch, KEY)
    assert metrics["apart"] < 1e-5


def test_a_penalty_may_be_of_d_s_own_slope():
    """Of what it sees: the gradient penalty's target 1 is not that of an augmentation and D."""
    triple = lambda images, keys, step: 3 * images
    values = []
    for seen in (False, True):
        penalty = {"penalty": terms.penalty(penalties.r1, 1.0, seen=seen)}
        setup = setup_of(augment=triple, d_terms=penalty)
        values.append(gan.make_d_step(setup)(start(setup), examples(), KEY)[1]["penalty"])
    np.testing.assert_allclose(values[0], 9 * values[1], rtol=1e-4)


@pytest.mark.parametrize("name, which", [("r1", 0), ("r2", 1)])
@pytest.mark.parametrize("pack", [1, 2])
def test_penalties_are_of_d_s_slope_through_the_augmentation(name, which, pack):
    """Of three times an image it is three times that of what D sees; of real ones and of fake ones."""
    triple = lambda images, keys, step: 3 * images
    penalty = {"penalty": terms.penalty(penalties.PENALTIES[name], 1.0)}
    setup = setup_of(augment=triple, pack=pack, d_terms=penalty)
    batch = jax.tree.map(lambda x: x[:4], examples())
    state = gan.init_state(setup, KEY, batch)
    fake, _ = gan.generate_fakes(setup, state.players["generator"], jax.random.split(KEY, 3)[0], batch)
    critic = lambda images: setup.discriminator.apply(state.players["discriminator"].all_variables, images, train=True)[
        0
    ]
    given = augment.pack((batch["image"], fake)[which], pack)
    expected = penalties.r1(lambda images: critic(3 * images), given, given, KEY)
    _, metrics = gan.make_d_step(setup)(state, batch, KEY)
    np.testing.assert_allclose(metrics["penalty"], expected, rtol=1e-4)


def test_g_learns_through_the_augmentation():
    """Fake images are augmented in G's step too: where D sees none of them, G learns nothing."""
    setup = setup_of(augment=lambda images, keys, step: 0 * images, g_optimizer=optax.sgd(1.0))
    state = start(setup)
    after, _ = gan.make_g_step(setup)(state, examples(), KEY)
    jax.tree.map(np.testing.assert_array_equal, after.players["generator"].params, state.players["generator"].params)
