"""The extractor for any images: it tells known defects of photographs, which it was not trained on, apart."""

import numpy as np
import pytest
from PIL import Image, ImageFilter
from sklearn.datasets import load_sample_images

from gan_jax.evaluation import features, scores

SIDE, COUNT = 64, 400


@pytest.fixture(scope="module")
def photographs():
    """Crops of scikit-learn's two photographs: COUNT, and as many others."""
    random, found = np.random.RandomState(0), []
    for photograph in load_sample_images().images:
        for _ in range(COUNT):
            row, column = (random.randint(size - SIDE) for size in photograph.shape[:2])
            found.append(photograph[row : row + SIDE, column : column + SIDE])
    found = random.permutation(np.stack(found))
    return found[:COUNT], found[COUNT:]


def changed(images, change):
    return np.stack([np.asarray(change(Image.fromarray(image))) for image in images])


def test_defects_of_photographs(photographs):
    extractor = features.for_any_images((SIDE, SIDE, 3))
    assert extractor.name == "emoji-cnn" and not extractor.knows_classes
    real, others = photographs
    look = lambda images: scores.look([images], len(images), extractor)
    names = ("frechet_distance", "precision_recall")
    known = look(real)

    def score(images):
        found = scores.compute(names, known, look(images), extractor)
        return {name.split("[")[0]: value for name, value in found.items()}

    floor = score(others)
    noise = np.random.RandomState(1).randn(*others.shape)
    defects = {
        "noise": [np.clip(others + amount * noise, 0, 255).astype(np.uint8) for amount in (15, 60)],
        "blur": [changed(others, lambda image: image.filter(ImageFilter.GaussianBlur(radius))) for radius in (2, 6)],
        "gray": [changed(others, lambda image: image.convert("L").convert("RGB"))],
        "colours in a wrong order": [others[..., ::-1]],
        "collapse": [np.repeat(others[:5], COUNT // 5, axis=0)],
    }
    for name, degrees in defects.items():
        distances = [floor["frechet_distance"], *(score(images)["frechet_distance"] for images in degrees)]
        assert distances == sorted(distances) and distances[-1] > 1.5 * distances[0], (name, distances)
    assert score(defects["collapse"][0])["recall"] < 0.5 * floor["recall"]
    assert floor["precision"] > 0.8


def test_gray_images_are_taken_as_rgb():
    images = np.random.RandomState(0).randint(0, 256, (5, 20, 30, 1)).astype(np.uint8)
    extractor = features.for_any_images(images.shape[1:])
    gray = features.extract(extractor, [images], total=5)
    rgb = features.extract(extractor, [np.repeat(images, 3, axis=3)], total=5)
    np.testing.assert_allclose(gray.features, rgb.features, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(2,), (8, 8, 2), (4, 8, 8, 3)])
def test_what_is_no_image_has_none(shape):
    assert features.for_any_images(shape) is None
