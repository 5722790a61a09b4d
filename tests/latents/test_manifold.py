"""The adversary that changes latents: of a linear generator and classifier all is known."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.latents import manifold
from gan_jax.latents.inversion import into_box

WEIGHTS = jax.random.normal(jax.random.key(0), (3, 4))
KEYS = jax.random.split(jax.random.key(1), 6)
LABELS = jnp.array([0, 0, 1, 1, 0, 1])
IMAGES = jnp.full((6, 2, 2, 1), 7.0)


def draw(keys):
    return jax.vmap(lambda key: jax.random.uniform(key, (3,), minval=-0.2, maxval=0.2))(keys)


def generate(latents, labels):
    return (latents @ WEIGHTS + labels[:, None]).reshape(-1, 2, 2, 1)


def classify(images):
    """By the first latent alone: what makes 0 less likely is more of it."""
    first = images.reshape(len(images), -1) @ jnp.linalg.pinv(WEIGHTS)[:, 0]
    return jnp.stack([-first, first], axis=1)


def test_latents_go_the_whole_way_where_the_loss_is_monotone():
    attack = manifold.adversary(draw, generate, lambda latents: latents, 0.5, steps=4)
    found = attack(classify, IMAGES, LABELS, KEYS)
    np.testing.assert_array_equal(found[::2], IMAGES[::2])  # every other is as it was
    towards = jnp.where(LABELS == 0, 0.5, -0.5)
    wanted = draw(KEYS).at[:, 0].add(towards)
    first = lambda images: images.reshape(len(images), -1) @ jnp.linalg.pinv(WEIGHTS)[:, 0]
    np.testing.assert_allclose(first(found[1::2]), first(generate(wanted, LABELS)[1::2]), atol=1e-5)


def test_latents_stay_within_epsilon_and_in_the_prior():
    seen = []

    def watched(latents, labels):
        seen.append(latents)
        return generate(latents, labels)

    manifold.adversary(draw, watched, into_box, 0.9, steps=3)(classify, IMAGES, LABELS, KEYS)
    last = seen[-1]
    assert jnp.abs(last - draw(KEYS)).max() <= 0.9 + 1e-6
    assert jnp.abs(last).max() <= 1


def test_without_epsilon_latents_are_those_drawn():
    found = manifold.adversary(draw, generate, into_box, 0.0, steps=2)(classify, IMAGES, LABELS, KEYS)
    np.testing.assert_allclose(found[1::2], generate(draw(KEYS), LABELS)[1::2], atol=1e-6)
