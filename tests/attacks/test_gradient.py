"""Attacks on classifiers whose gradients are known."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.attacks import NORMS, Threat, bim, fgsm, pgd
from gan_jax.attacks.gradient import losses

SHAPE, CLASSES = (4, 4, 1), 3
WEIGHTS = jax.random.normal(jax.random.key(0), (16, CLASSES))
IMAGES = 0.5 + 0.1 * jax.random.uniform(jax.random.key(1), (6, *SHAPE), minval=-1)  # far from 0 and 1
LABELS = jnp.arange(6) % CLASSES
KEY = jax.random.key(2)


def linear(images, scale=1.0):
    return scale * images.reshape(len(images), -1) @ WEIGHTS


def binary(images):
    """Two classes of a linear score: the loss is softplus(-score) of the first, softplus(score) of the other."""
    score = images.reshape(len(images), -1) @ WEIGHTS[:, 0]
    return jnp.stack([score, jnp.zeros_like(score)], axis=1)


def curved(images):
    hidden = jnp.tanh(images.reshape(len(images), -1) @ jax.random.normal(jax.random.key(3), (16, 12)))
    return hidden @ jax.random.normal(jax.random.key(4), (12, CLASSES))


ATTACKS = {
    "fgsm": lambda classify, images, labels, threat, **given: fgsm(classify, images, labels, threat, **given),
    "bim": partial(bim, steps=3, step_size=0.05),
    "pgd": lambda classify, images, labels, threat, **given: pgd(
        classify, images, labels, KEY, threat, steps=4, step_size=0.05, restarts=2, **given
    ),
}


def test_fgsm_changes_each_number_by_epsilon():
    found = fgsm(linear, IMAGES, LABELS, Threat(0.1))
    np.testing.assert_allclose(jnp.abs(found - IMAGES), 0.1, rtol=1e-5)


@pytest.mark.parametrize("epsilon", [0.05, 0.2])
@pytest.mark.parametrize("scale", [1.0, 1e-8])
def test_a_step_of_l2_has_length_epsilon(epsilon, scale):
    """Also where gradients are so small that a guard against dividing by 0 would swallow them."""
    found = fgsm(partial(linear, scale=scale), IMAGES, LABELS, Threat(epsilon, "l2"))
    np.testing.assert_allclose(NORMS["l2"].size(found - IMAGES), epsilon, rtol=1e-4)


def test_a_linear_score_falls_by_epsilon_times_the_weights_l1_norm():
    labels = jnp.zeros(len(IMAGES), int)
    score = lambda images: binary(images)[:, 0]
    found = fgsm(binary, IMAGES, labels, Threat(0.1))
    wanted = 0.1 * jnp.sum(jnp.abs(WEIGHTS[:, 0]))
    np.testing.assert_allclose(score(IMAGES) - score(found), wanted, rtol=1e-4)
    np.testing.assert_allclose(losses(binary, found, labels), jax.nn.softplus(wanted - score(IMAGES)), rtol=1e-4)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", ATTACKS)
def test_what_is_found_is_within_the_threat(name, norm):
    images = jax.random.uniform(jax.random.key(5), (6, *SHAPE))  # some next to the bounds
    found = ATTACKS[name](curved, images, LABELS, Threat(0.3, norm))
    assert found.min() >= 0
    assert found.max() <= 1
    assert (NORMS[norm].size(found - images) <= 0.3 * (1 + 1e-5)).all()


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", ATTACKS)
def test_an_epsilon_of_0_changes_nothing(name, norm):
    np.testing.assert_array_equal(ATTACKS[name](curved, IMAGES, LABELS, Threat(0.0, norm)), IMAGES)


def test_more_steps_gain_more():
    """Than one, where the loss is curved; and one more than none."""
    loss = lambda images: float(jnp.mean(losses(curved, images, LABELS)))
    threat = Threat(0.2)
    one = loss(fgsm(curved, IMAGES, LABELS, threat))
    many = loss(bim(curved, IMAGES, LABELS, threat, steps=40, step_size=0.02))
    assert loss(IMAGES) < one < many


@pytest.mark.parametrize("name", ATTACKS)
def test_a_targeted_attack_leads_to_its_label(name):
    probability = lambda images: jax.nn.softmax(linear(images))[jnp.arange(6), LABELS]
    found = ATTACKS[name](linear, IMAGES, LABELS, Threat(0.1), targeted=True)
    assert (probability(found) > probability(IMAGES)).all()


@pytest.mark.parametrize("name", ATTACKS)
def test_units_are_the_images_own(name):
    """The same attack in [0, 1] and in [-1, 1], where epsilon and steps are twice as long."""
    options = {"fgsm": {}, "bim": {"steps": 3}, "pgd": {"steps": 4, "restarts": 2}}[name]
    attack = {"fgsm": fgsm, "bim": bim, "pgd": partial(pgd, key=KEY)}[name]

    def found(classify, images, threat, size):
        steps = options | ({"step_size": size} if options else {})
        return attack(classify, images, LABELS, threat=threat, **steps)

    here = found(curved, IMAGES, Threat(0.1), 0.05)
    there = found(lambda x: curved((x + 1) / 2), 2 * IMAGES - 1, Threat(0.2, low=-1, high=1), 0.1)
    np.testing.assert_allclose((there + 1) / 2, here, atol=1e-5)


def test_without_labels_it_leads_away_from_what_is_said():
    said = jnp.argmax(linear(IMAGES), axis=-1)
    np.testing.assert_array_equal(fgsm(linear, IMAGES, None, Threat(0.1)), fgsm(linear, IMAGES, said, Threat(0.1)))


def test_of_several_restarts_one_that_succeeds_is_returned():
    """Each image that one restart fools is fooled by all of them together, and there are others that only later ones fool."""
    images = jax.random.uniform(jax.random.key(5), (60, *SHAPE))
    labels, threat = jnp.argmax(curved(images), axis=-1), Threat(0.3)
    attack = partial(pgd, curved, images, labels, KEY, threat, steps=1, step_size=0.01)
    one, many = (np.asarray(jnp.argmax(curved(attack(restarts=count)), axis=-1) != labels) for count in (1, 6))
    assert (one <= many).all()
    assert 0 < one.sum() < many.sum()


def test_an_image_is_attacked_alike_alone_and_among_others():
    keys = jax.random.split(KEY, len(IMAGES))
    kind = dict(steps=3, step_size=0.05)
    together = pgd(curved, IMAGES, LABELS, keys, Threat(0.1), **kind)
    alone = pgd(curved, IMAGES[2:3], LABELS[2:3], keys[2:3], Threat(0.1), **kind)
    np.testing.assert_allclose(together[2:3], alone, atol=1e-6)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (dict(images=IMAGES - 1), r"images have numbers from -0\.\d+ to .* must be from 0 to 1"),
        (dict(images=IMAGES.at[0, 0, 0, 0].set(jnp.nan)), "must be from 0 to 1"),
        (dict(labels=LABELS[:3]), r"labels are int32 \[3\]; must be whole numbers \[6\]"),
        (dict(labels=LABELS / 2), "must be whole numbers"),
        (
            dict(classify=lambda images: jax.nn.softmax(linear(images))),
            "probabilities, which add up to 1; must be logits",
        ),
        (dict(classify=lambda images: linear(images)[:, 0]), r"must be logits \[6, K\]"),
        (dict(labels=None, targeted=True), "a targeted attack needs the labels"),
    ],
)
def test_what_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        fgsm(**{"classify": linear, "images": IMAGES, "labels": LABELS, "threat": Threat(0.1), **given})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (dict(epsilon=-0.1), "epsilon=-0.1: must be at least 0"),
        (dict(epsilon=float("nan")), "epsilon=nan: must be at least 0"),
        (dict(epsilon=0.1, norm="l3"), "l3.*linf.*l2"),
        (dict(epsilon=0.1, low=1.0), "low must be below high"),
    ],
)
def test_threats_that_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        Threat(**given)


def test_no_restart_is_refused():
    with pytest.raises(ValueError, match="restarts=0: must be at least 1"):
        pgd(linear, IMAGES, LABELS, KEY, Threat(0.1), steps=1, step_size=0.1, restarts=0)
