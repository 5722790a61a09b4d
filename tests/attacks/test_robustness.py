"""How often a classifier is right under attacks."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.attacks import Threat, fgsm, gaussian_noise, pgd, robustness
from gan_jax.attacks.gradient import predictor
from gan_jax.attacks.noise import uniform_noise
from gan_jax.attacks.robustness import CLEAN, without_gradient

WEIGHTS = jax.random.normal(jax.random.key(0), (16, 3))
IMAGES = np.asarray(jax.random.uniform(jax.random.key(1), (600, 4, 4, 1)))
KEY = jax.random.key(2)


def classify(images):
    return 2 * jnp.tanh(images.reshape(len(images), -1) @ WEIGHTS)


LABELS = np.where(np.arange(600) % 10, np.asarray(classify(IMAGES).argmax(-1)), 0)  # of which some are wrong


def robust(classify, images, labels, attacks, key, **options):
    found = {}
    for name, right in robustness.robust({"it": predictor(classify)}, images, labels, attacks, key, **options):
        found.setdefault(name, []).append(right["it"])
    return {name: np.concatenate(each) for name, each in found.items()}


def attacks(threat):
    return {
        "noise": lambda x, y, keys: uniform_noise(x, keys, threat),
        "fgsm": lambda x, y, keys: fgsm(classify, x, y, threat),
        "pgd": lambda x, y, keys: pgd(classify, x, y, keys, threat, steps=8, step_size=threat.epsilon / 4, restarts=3),
    }


def test_the_stronger_the_attack_the_less_is_left():
    found = {name: each.mean() for name, each in robust(classify, IMAGES, LABELS, attacks(Threat(0.05)), KEY).items()}
    assert found["pgd"] <= found["fgsm"] < found["noise"] <= found[CLEAN] < 1


def test_half_of_the_range_leaves_no_more_than_chance():
    """All images can become the same gray."""
    found = robust(classify, IMAGES, LABELS, attacks(Threat(0.5)), KEY)
    assert found["pgd"].mean() <= 1 / 3


def test_an_attack_never_makes_it_right():
    """Of images about which it is wrong none counts, though their labels' own attack is targeted at being right."""
    helps = {"helps": lambda x, y, keys: fgsm(classify, x, y, Threat(0.3), targeted=True)}
    found = robust(classify, IMAGES, LABELS, helps, KEY)
    assert not found["helps"][~found[CLEAN]].any()


def test_images_are_attacked_alike_however_many_there_are():
    kind = attacks(Threat(0.1))
    few, many = (robust(classify, IMAGES[:n], LABELS[:n], kind, KEY) for n in (20, 520))
    for name, each in few.items():
        assert len(each) == 20
        np.testing.assert_array_equal(each, many[name][:20])


def test_it_goes_on_from_any_image():
    kind = attacks(Threat(0.1))
    whole, rest = robust(classify, IMAGES, LABELS, kind, KEY), robust(classify, IMAGES, LABELS, kind, KEY, first=500)
    for name, each in rest.items():
        np.testing.assert_array_equal(each, whole[name][500:])


def test_several_are_asked_about_the_same_images():
    """Each is measured by what it says without an attack."""
    other = lambda images: jnp.zeros(len(images), int)
    asked = {"it": predictor(classify), "other": other}
    found = dict(robustness.robust(asked, IMAGES[:500], LABELS[:500], attacks(Threat(0.1)), KEY))
    assert set(found) == {CLEAN, "noise", "fgsm", "pgd"}
    for name, right in found.items():
        np.testing.assert_array_equal(right["other"], LABELS[:500] == 0)
        np.testing.assert_array_equal(
            right["it"], robust(classify, IMAGES, LABELS, attacks(Threat(0.1)), KEY)[name][:500]
        )


def test_gradients_that_vanish_are_counted():
    rounded = lambda images: classify(jnp.round(images))
    assert without_gradient(classify, IMAGES, LABELS) == 0
    assert without_gradient(rounded, IMAGES, LABELS) == 1


def test_noise_has_its_mean_and_deviation():
    found = gaussian_noise(jnp.full((50, 20, 20, 1), 0.5), KEY, 0.1, 0.05)
    np.testing.assert_allclose([found.mean(), found.std()], [0.6, 0.05], atol=2e-3)
    assert gaussian_noise(IMAGES[:4], KEY, 0.0, 5.0).max() <= 1
    np.testing.assert_array_equal(gaussian_noise(IMAGES[:4], KEY, 0.0, 0.0), IMAGES[:4])
