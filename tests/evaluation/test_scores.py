"""Scores by name: what their names state, and what is kept of the images."""

import numpy as np
import pytest

from gan_jax.evaluation import scores
from gan_jax.evaluation.features import Extractor, Features
from gan_jax.evaluation.scores import SCORES, Images

SHAPES = {"image": (8, 8, 1), "voxels": (8, 8, 8, 1), "video": (6, 8, 8, 1)}


def pool(count, seed=0, kind="image"):
    random = np.random.RandomState(seed)
    features = Features(random.randn(count, 3), random.dirichlet(np.ones(4), count))
    return Images(count, random.randint(0, 256, (min(count, 20), *SHAPES[kind])).astype(np.uint8), features)


def extractor(name):
    return Extractor(name, (1,), None, {})


def test_names_state_the_extractor_and_the_counts():
    found = scores.compute(["frechet_distance", "ms_ssim"], pool(1000), pool(1000, 1), extractor("mnist-cnn"))
    assert list(found) == ["frechet_distance[mnist-cnn,1k]", "ms_ssim[20]"]
    (name,) = scores.compute(["modes"], pool(30), pool(2000, 1), extractor("x"))
    assert name == "modes[x,30 real,2k fake]"


def test_only_inceptions_are_called_fid_and_kid():
    names = ["frechet_distance", "kernel_distance", "precision_recall"]
    found = scores.compute(names, pool(30), pool(30, 1), extractor("inception"))
    assert list(found) == ["FID[inception,30]", "KID[inception,30]", "precision[inception,30]", "recall[inception,30]"]
    found = scores.compute(names, pool(30), pool(30, 1), extractor("inception-like"))
    assert not any(name.startswith(("FID", "KID")) for name in found)


@pytest.mark.parametrize("name", SCORES)
def test_every_score_is_a_number_and_best_where_it_says(name):
    """Of the data itself no score is worse than of other features."""
    kind = SCORES[name].sees if SCORES[name].sees in SHAPES else "image"
    real, other = pool(60, 0, kind), pool(60, 1, kind)
    other = other._replace(features=other.features._replace(features=other.features.features + 5))
    one, two = (scores.compute([name], real, fake, extractor("x")) for fake in (real, other))
    assert np.isfinite(list(one.values())).all() and np.isfinite(list(two.values())).all()
    if name in ("frechet_distance", "kernel_distance", "precision_recall", "density_coverage"):
        sign = 1 if SCORES[name].better == "lower" else -1
        assert all(sign * a < sign * b for a, b in zip(one.values(), two.values()))


def test_too_few_images_are_told_with_the_score():
    with pytest.raises(ValueError, match="precision_recall of 4 real and 4 other images: k=5: must be"):
        scores.compute(["precision_recall"], pool(4), pool(4, 1), extractor("x"))
    with pytest.raises(ValueError, match="ms_ssim .* at least 2 images, got 1"):
        scores.compute(["ms_ssim"], pool(1), pool(1, 1), None)
    with pytest.raises(ValueError, match="no images"):
        scores.look([], 0, None)


def test_the_first_images_are_kept(monkeypatch):
    monkeypatch.setattr(scores, "PIXELS", 5)
    images = np.arange(8, dtype=np.uint8).reshape(8, 1, 1, 1).repeat(8, axis=1)
    read = []

    def batches():
        for start in range(0, 8, 3):
            read.append(start)
            yield images[start : start + 3]

    found = scores.look(batches(), 8, None)
    np.testing.assert_array_equal(found.pixels, images[:5])
    assert found.count == 8 and found.features is None
    assert read == [0, 3, 6][: len(read)]


def test_what_can_be_computed_without_an_extractor():
    assert scores.computable(None) == ["sliced_wasserstein", "ms_ssim"]
    of_images = {name for name, score in SCORES.items() if score.sees not in ("voxels", "video")}
    assert set(scores.computable(extractor("x"))) == of_images == set(scores.of_kind("image"))
    classes = {"inception_score", "mode_score", "modes", "reverse_kl"}
    assert set(scores.computable(extractor("x")._replace(knows_classes=False))) == of_images - classes
    assert scores.computable(None, "voxels") == ["components", "symmetry"]
    assert scores.computable(None, "video") == ["speed", "bounces", "repeats"]
    assert {"frechet_distance", "speed"} <= set(scores.computable(extractor("x"), "video"))
    assert not {"ms_ssim", "components"} & set(scores.of_kind("video"))


def test_what_is_to_be_as_of_real_ones_ranks_nothing():
    """Neither is a shape of one piece better than one of two, nor a fast video than a slow one, but where real ones are."""
    unranked = {"components", "symmetry", "speed", "bounces", "repeats"}
    assert {name for kind in scores.KINDS for name in scores.ranking(kind)} == set(SCORES) - unranked
    assert all(scores.better(f"{name}[60]") is None for name in unranked)


def test_which_way_each_number_is_better():
    """Every name that compute gives is known, and by Inception's features too."""
    ways = {
        number: scores.better(f"{number}[mnist-cnn,10k]") for number in ("precision", "recall", "density", "coverage")
    }
    assert set(ways.values()) == {"higher"}
    for name in SCORES.keys() - {"precision_recall", "density_coverage"}:  # which are two numbers each
        assert scores.better(f"{name}[mnist-cnn,10k]") == SCORES[name].better
    assert (
        scores.better("sliced_wasserstein_28[2k]") == scores.better("FID[10k]") == scores.better("KID[10k]") == "lower"
    )
    assert scores.better("d_loss") is None
