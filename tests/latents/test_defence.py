"""A generator as a defence: of a linear one all is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.attacks import Threat, fgsm
from gan_jax.attacks.gradient import predictor
from gan_jax.latents import defence
from gan_jax.latents.model import Model
from gan_jax.latents.paths import SearchConfig

SHAPE, SIZE = (4, 4, 1), 3
BASIS = np.linalg.qr(np.random.RandomState(0).randn(16, SIZE))[0].T.astype(np.float32)  # [3, 16], orthonormal
MEAN = jnp.full(16, 0.0)


def generate(latents):
    return (MEAN + 0.8 * latents @ BASIS).reshape(-1, *SHAPE)


MODEL = Model(
    generate=generate,
    render=lambda latents: np.asarray(generate(latents)),
    draw=lambda key, count: np.asarray(jax.random.uniform(key, (count, SIZE), minval=-1, maxval=1)),
    prior="uniform",
)
SEARCH = SearchConfig(drawn=200, starts=2, descent_steps=200, descent_rate=0.1)
LATENTS = np.float32(np.random.RandomState(1).uniform(-0.7, 0.7, (8, SIZE)))
IMAGES = (np.asarray(generate(LATENTS)) + 1) / 2  # in [0, 1], of those that are drawn
KEYS = jax.random.split(jax.random.key(0), 8)
OFF = np.float32(np.linalg.svd(BASIS)[2][-1])  # a direction that is not drawn


def classify(images):
    """Two classes, by the sign of the first latent; and, seen by nobody but attacks, by a direction that is not drawn."""
    flat = (2 * images - 1).reshape(len(images), -1)
    score = flat @ BASIS[0] + 8 * flat @ OFF
    return jnp.stack([-score, score], axis=1)


LABELS = np.int32(LATENTS[:, 0] > 0)


@pytest.fixture(scope="module")
def project():
    return defence.defence(MODEL, SEARCH)


def test_the_nearest_image_is_the_projection(project):
    """What is orthogonal to all that is drawn goes away; what is drawn stays."""
    nearest, latents = project(IMAGES + 0.1 * OFF.reshape(SHAPE))
    np.testing.assert_allclose(nearest, IMAGES, atol=2e-3)
    np.testing.assert_allclose(latents, LATENTS, atol=1e-2)


def test_an_attack_that_does_not_know_of_it_is_undone(project):
    threat, said = Threat(0.05), predictor(classify)
    found = np.asarray(fgsm(classify, IMAGES, LABELS, threat))
    alone, behind = (np.asarray(said(images)) == LABELS for images in (found, project(found)[0]))
    assert not alone.any()
    assert behind.sum() >= 7


def test_through_the_generator_it_is_misled(project):
    threat, said = Threat(0.3), predictor(classify)
    nearest = lambda images: project(images)[0]
    found = defence.bpda(classify, nearest, IMAGES, LABELS, KEYS, threat, steps=12, step_size=0.06)
    assert np.abs(found - IMAGES).max() <= 0.3 + 1e-6
    assert (np.asarray(said(nearest(found))) == LABELS).sum() <= 2


def test_over_latents_it_finds_what_is_drawn(project):
    """So the defence leaves it as it is."""
    threat, said = Threat(0.3), predictor(classify)
    found = defence.over_latents(MODEL, classify, IMAGES, LABELS, LATENTS, threat, steps=200)
    assert np.abs(found - IMAGES).max() <= 0.3 + 1e-6
    misled = np.asarray(said(found)) != LABELS
    nearest = project(found)[0]
    assert misled.sum() >= 4
    np.testing.assert_array_equal(np.asarray(said(nearest))[misled], 1 - LABELS[misled])


@pytest.mark.parametrize("attack", ["through", "over latents"])
def test_without_a_threat_nothing_changes(attack, project):
    if attack == "through":
        nearest = lambda images: project(images)[0]
        found = defence.bpda(classify, nearest, IMAGES, LABELS, KEYS, Threat(0.0), steps=2, step_size=0.0)
    else:
        found = defence.over_latents(MODEL, classify, IMAGES, LABELS, LATENTS, Threat(0.0), steps=5)
    np.testing.assert_allclose(found, IMAGES, atol=1e-6)
