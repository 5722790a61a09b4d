"""The scores tell known defects apart, on real digits: each defect moves the scores that it should, and no others."""

import os

import numpy as np
import pytest

from gan_jax.data import sources
from gan_jax.evaluation import features, scores
from gan_jax.evaluation.memorisation import memorisation

DATA = os.environ.get("GAN_JAX_TEST_DATA")
NAMES = ("frechet_distance", "kernel_distance", "precision_recall", "density_coverage", "modes", "reverse_kl")
real_mnist = pytest.mark.skipif(not DATA, reason="GAN_JAX_TEST_DATA names no folder with mnist in it")


@pytest.fixture(scope="module", params=["digits", pytest.param("mnist", marks=real_mnist)])
def images(request):
    """(extractor, real images, as many others, their labels)."""
    n = 898 if request.param == "digits" else 2000
    source = sources.load(request.param, data_dir=DATA or "")
    chosen = source[np.random.RandomState(0).permutation(len(source))[: 2 * n]]
    extractor = features.load_classifier(features.EXTRACTORS / f"{request.param}.npz")
    return extractor, chosen["image"][:n], chosen["image"][n:], chosen["label"][n:]


@pytest.fixture(scope="module")
def score(images):
    """score(images) compares them with the real ones: {"frechet_distance": ...}."""
    extractor, real, *_ = images
    look = lambda x: scores.look([x], len(x), extractor)
    known = look(real)

    def score(fake):
        found = scores.compute(NAMES, known, look(fake), extractor)
        return {name.split("[")[0]: value for name, value in found.items()}

    return score


@pytest.fixture(scope="module")
def floor(images, score):
    return score(images[2])


def test_other_real_images_are_as_good_as_can_be(floor):
    assert floor["precision"] > 0.9 and floor["recall"] > 0.9 and floor["coverage"] > 0.9
    assert 0.9 < floor["density"] < 1.1
    assert floor["modes"] == 10 and floor["reverse_kl"] < 0.02


def test_noise(images, score, floor):
    """More noise, more distance and less precision."""
    _, _, others, _ = images
    random = np.random.RandomState(0)
    noise = random.randn(*others.shape)
    found = [score(np.clip(others + deviation * noise, 0, 255).astype(np.uint8)) for deviation in (20, 60)]
    some, much = found
    assert floor["frechet_distance"] < some["frechet_distance"] < much["frechet_distance"]
    assert floor["kernel_distance"] < some["kernel_distance"] < much["kernel_distance"]
    assert floor["precision"] > some["precision"] > much["precision"]
    assert much["precision"] < floor["precision"] - 0.1 and much["density"] < floor["density"] - 0.2


def test_dropped_classes(images, score, floor):
    """Half the classes, each image twice as often as before."""
    _, _, others, labels = images
    kept = np.flatnonzero(labels < 5)
    found = score(others[np.resize(kept, len(others))])
    assert found["frechet_distance"] > 5 * floor["frechet_distance"]
    assert found["recall"] < floor["recall"] - 0.3
    assert found["coverage"] < floor["coverage"] - 0.3
    assert found["modes"] <= 7  # a few are taken for others
    assert found["reverse_kl"] > 0.5
    assert found["precision"] > floor["precision"] - 0.05


def test_one_image_again_and_again(images, score, floor):
    found = score(np.repeat(images[2][:1], len(images[2]), axis=0))
    assert found["recall"] < 0.1 and found["coverage"] < 0.1 and found["modes"] == 1
    assert all(np.isfinite(list(found.values())))


def test_training_images_returned(images, score, floor):
    """No score of features sees it; memorisation does."""
    _, real, others, _ = images
    copied = score(real)
    assert copied["frechet_distance"] == pytest.approx(0, abs=1e-6)
    assert copied["precision"] == copied["recall"] == copied["coverage"] == 1
    held_out, new = others[: len(others) // 2], others[len(others) // 2 :]
    assert memorisation(real[:300], [real], held_out)[0].flagged
    assert not memorisation(new, [real], held_out)[0].flagged


def test_constant_images_give_finite_scores(images, score):
    assert all(np.isfinite(list(score(np.full_like(images[2], 128)).values())))
