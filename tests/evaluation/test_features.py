"""Extractors: saved and loaded, resizing, in batches of any size, on all devices."""

import jax
import numpy as np
import pytest

from gan_jax.evaluation import features
from gan_jax.networks.cnn import Classifier

DESCRIBED = dict(name="tiny-cnn", image_shape=(8, 8, 1), num_classes=3, width=4)


@pytest.fixture(scope="module")
def network():
    return Classifier(3, 4)


@pytest.fixture(scope="module")
def variables(network):
    return network.init(jax.random.key(0), np.zeros((1, 8, 8, 1)), train=False)


@pytest.fixture
def path(tmp_path, variables):
    features.save_classifier(tmp_path / "tiny.npz", variables, **DESCRIBED)
    return tmp_path / "tiny.npz"


@pytest.fixture(scope="module")
def images():
    return np.random.RandomState(0).randint(0, 256, (11, 8, 8, 1)).astype(np.uint8)


def test_a_classifier_survives_its_file(path, network, variables, images):
    found = features.extract(features.load_classifier(path), [images], total=11)
    logits, out = network.apply(variables, images / 127.5 - 1, train=False)
    np.testing.assert_allclose(found.features, out["features"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.probabilities, jax.nn.softmax(logits), rtol=1e-4)
    assert found.features.shape == (11, 8) and found.probabilities.shape == (11, 3)


def test_batches_change_nothing(path, images, monkeypatch):
    extractor = features.load_classifier(path)
    whole = features.extract(extractor, [images], total=11)
    monkeypatch.setattr(features, "CHUNK", 1)  # of which there is one for each of four devices
    pieces = features.extract(extractor, [images[:1], images[1:8], images[8:]], total=11)
    for a, b in zip(whole, pieces):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_other_sizes_are_resized(path, images):
    """An image twice as large, pixel by pixel, is the same image once it is shrunk."""
    extractor = features.load_classifier(path)
    gray = np.full((2, 16, 16, 1), 77, np.uint8)
    small, large = (features.extract(extractor, [x], total=2) for x in (gray[:, :8, :8], gray))
    np.testing.assert_allclose(small.features, large.features, rtol=1e-4, atol=1e-5)


def test_the_fingerprint_is_of_the_weights(path, variables, tmp_path):
    first = features.load_classifier(path).fingerprint
    features.save_classifier(tmp_path / "same.npz", variables, **DESCRIBED | {"name": "other"})
    assert features.load_classifier(tmp_path / "same.npz").fingerprint == first
    changed = jax.tree.map(lambda x: x + 1e-3, variables)
    features.save_classifier(tmp_path / "changed.npz", changed, **DESCRIBED)
    assert features.load_classifier(tmp_path / "changed.npz").fingerprint != first


def test_wrong_channels(path, images):
    with pytest.raises(ValueError, match="tiny-cnn takes images of 1 channels, these have 3"):
        features.extract(features.load_classifier(path), [images.repeat(3, axis=-1)], total=11)


def test_files_that_are_no_extractors(tmp_path, path, variables):
    with pytest.raises(FileNotFoundError, match="no extractor .*none.npz"):
        features.load_classifier(tmp_path / "none.npz")
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    (tmp_path / "text.npz").write_text("hello")
    (tmp_path / "cut.npz").write_bytes(path.read_bytes()[:300])
    features.save_classifier(tmp_path / "narrow.npz", variables, **DESCRIBED | {"width": 3})
    for name in ("other", "text", "cut", "narrow"):
        with pytest.raises(ValueError, match=f"{name}.npz is no extractor, or damaged"):
            features.load_classifier(tmp_path / f"{name}.npz")


@pytest.mark.parametrize("name", sorted(path.stem for path in features.EXTRACTORS.glob("*.npz")))
def test_those_that_come_with_the_project(name):
    extractor = features.load_classifier(features.EXTRACTORS / f"{name}.npz")
    assert extractor.name == f"{name}-cnn"
    found = features.extract(extractor, [np.zeros((2, 28, 28, 1), np.uint8)], total=2)
    assert found.probabilities.shape == (2, 10)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-5)
