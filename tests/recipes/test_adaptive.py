"""ADA: p follows how sure D is of real images, and is remembered."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import ada, augment, games
from gan_jax.networks import mlp
from gan_jax.recipes import adaptive, gan
from gan_jax.recipes.adaptive import Adaptation, adapted, start

KEY = jax.random.key(0)
SHAPE = (8, 8, 1)
QUICK = Adaptation(images=64, every=2)

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def setup_of(axis_name=None, **changes):
    sgd = optax.sgd(0.01)
    setup = gan.Setup(mlp.Generator(SHAPE, (8,)), mlp.Discriminator((8,)), games.hinge, sgd, sgd, latent_size=4)
    return setup._replace(axis_name=axis_name, **changes)


def batch(seed=0):
    return {"image": np.random.RandomState(seed).randint(0, 256, (2, 8, *SHAPE)).astype(np.uint8)}


def test_p_moves_by_the_images_shown_every_few_steps():
    """By hand: batches of 64, every 4 steps 256 of 500,000 images; the mean sign decides, and 0 is the least."""
    memory, found = start(), []
    for sign in (1, 1, 1, 0, 1, 0, 1, 1, 0.5, 0.5, 0.5, 0.5, -1, -1, -1, -1, -1, -1, -1, -1):
        memory = adapted(memory, jnp.float32(sign), Adaptation(), 64)
        found.append(float(memory["augment_p"]))
    unit = 256 / 500_000  # means of fours: .75, .75, .5, -1, -1
    np.testing.assert_allclose(found[3::4], [unit, 2 * unit, unit, 0, 0], atol=1e-9)
    assert found[:3] == [0, 0, 0] and len(set(found[4:7])) == 1
    sure = {"augment_p": jnp.float32(0.999), "real_signs": jnp.float32(3), "d_steps": jnp.int32(3)}
    assert adapted(sure, jnp.float32(1), Adaptation(), 10_000)["augment_p"] == 1


def test_without_an_adaptation_it_is_the_plain_recipe():
    plain, same = gan.make(setup_of()), adaptive.make(setup_of(), None)
    (a, _), (b, _) = (recipe.step(recipe.init(KEY, batch()), batch(), KEY) for recipe in (plain, same))
    jax.tree.map(np.testing.assert_array_equal, a, b)


def test_a_round_is_that_of_a_setup_with_the_augmentation_of_p():
    """Both steps: real images and fakes, in D's and in G's."""
    recipe = adaptive.make(setup_of(), QUICK)
    state = recipe.init(KEY, batch())
    state = state.replace(memory=state.memory | {"augment_p": jnp.float32(0.4)})
    after, metrics = jax.jit(recipe.step)(state, batch(), KEY)
    fixed = gan.make(setup_of(augment=augment.chain(augment.identity, ada.pipe(jnp.float32(0.4)))))
    expected, _ = jax.jit(fixed.step)(state, batch(), KEY)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), after.players, expected.players)
    assert metrics["augment_p"] == jnp.float32(0.4) and -1 <= metrics["real_sign"] <= 1


def test_p_goes_on_where_it_was_and_is_the_same_on_two_devices():
    one = adaptive.make(setup_of(), QUICK)
    two = adaptive.make(setup_of(axis_name="data"), QUICK)
    halves = lambda batch: jax.tree.map(lambda x: x.reshape(2, 2, 4, *SHAPE).swapaxes(0, 1), batch)
    step = jax.jit(one.step)
    shared = jax.jit(jax.vmap(two.step, axis_name="data", in_axes=(None, 0, None), out_axes=None))
    state = both = one.init(KEY, batch())
    seen = []
    for i in range(6):
        state, _ = step(state, batch(i), KEY)
        both, _ = shared(both, halves(batch(i)), KEY)
        seen.append(float(state.memory["augment_p"]))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), both, state)
    assert len(set(seen)) > 1
