"""Extractors: saved and loaded, resizing, in batches of any size, on all devices."""

import os

import jax
import numpy as np
import pytest

from gan_jax.data import sources
from gan_jax.evaluation import features
from gan_jax.networks.cnn import Classifier
from gan_jax.pictures.kinds import kind_of

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
    _, out = network.apply(variables, images / 127.5 - 1, train=False)
    np.testing.assert_allclose(found.features, out["features"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.probabilities, jax.nn.softmax(out["class_logits"]), rtol=1e-4)
    assert found.features.shape == (11, 8) and found.probabilities.shape == (11, 3)


def test_batches_change_nothing(path, images, monkeypatch):
    extractor = features.load_classifier(path)
    whole = features.extract(extractor, [images], total=11)
    monkeypatch.setattr(features, "CHUNK", 1)  # of which there is one for each of four devices
    pieces = features.extract(extractor, [images[:1], images[1:8], images[8:]], total=11)
    for a, b in zip(whole, pieces):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("sizes", [[11], [1] * 11, [3, 0, 8], [4, 4, 3], [5, 6]])
def test_only_the_last_chunk_is_not_full(sizes):
    pieces = list(features._chunks(np.split(np.arange(11), np.cumsum(sizes)[:-1]), 4))
    assert [len(piece) for piece in pieces] == [4, 4, 3]
    np.testing.assert_array_equal(np.concatenate(pieces), np.arange(11))


def test_no_images(path):
    with pytest.raises(ValueError, match="no images"):
        features.extract(features.load_classifier(path), [], total=0)


def test_other_sizes_are_resized(path, images):
    """Smooth images, drawn with twice as many pixels, are much the same once they are shrunk."""
    extractor = features.load_classifier(path)
    wave = lambda n: np.cos(np.add.outer(np.arange(5), (np.arange(n) + 0.5) / n))
    draw = lambda n: (127 + 60 * wave(n)[:, :, None] + 60 * wave(n)[:, None] ** 2).astype(np.uint8)[..., None]
    small, large, other = (features.extract(extractor, [x], total=5) for x in (draw(8), draw(16), draw(8)[::-1]))
    apart = lambda a, b: np.abs(a.features - b.features).mean()
    assert apart(small, large) < 0.15 * apart(small, other)


def test_the_fingerprint_is_of_the_weights(path, variables, tmp_path):
    first = features.load_classifier(path).fingerprint
    features.save_classifier(tmp_path / "same.npz", variables, **DESCRIBED | {"name": "other"})
    assert features.load_classifier(tmp_path / "same.npz").fingerprint == first
    changed = jax.tree.map(lambda x: x + 1e-3, variables)
    features.save_classifier(tmp_path / "changed.npz", changed, **DESCRIBED)
    changed = features.load_classifier(tmp_path / "changed.npz")
    assert changed.fingerprint != first
    assert changed.name == f"tiny-cnn-{changed.fingerprint}"  # it does not come with the project


def test_wrong_channels(path, images):
    with pytest.raises(ValueError, match="tiny-cnn-.* takes images of 1 channels, these have 3"):
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


# Scores measured with them are only comparable while they stay as they are: their fingerprints, and what they get right.
SHIPPED = {
    "digits": ("b2927846", "train", 0.99),
    "print": ("9edba244", "test", 0.99),
    "mnist": ("ccdb70cb", "test", 0.993),
    "fashion_mnist": ("91cfab28", "test", 0.92),
    "furniture": ("647bfe06", "test", 0.97),  # 16 voxels; 99.75 % of 32, of which it learnt
    "moving_1_digits": ("b7c8f32b", "test", 0.95),
    "emoji": ("1778e49c", None, None),  # which are no dataset here; what it sees is in test_any_images
}


@pytest.mark.parametrize("name", sorted(path.stem for path in features.EXTRACTORS.glob("*.npz")))
def test_those_that_come_with_the_project(name):
    fingerprint, split, accuracy = SHIPPED[name]
    extractor = features.load_classifier(features.EXTRACTORS / f"{name}.npz")
    assert (extractor.name, extractor.fingerprint) == (f"{name}-cnn", fingerprint)
    if split is None:
        return
    try:
        data_dir = os.environ.get("GAN_JAX_TEST_DATA", "none")
        source = sources.load(name.replace("moving_1_", "moving:1:"), data_dir=data_dir, split=split)
    except FileNotFoundError:
        pytest.skip(f"{name} is not here; GAN_JAX_TEST_DATA may name a folder of datasets")
    examples = source[np.arange(len(source))]
    kind = kind_of(source.spec)
    found = features.extract(extractor, [kind.of_examples(examples[kind.name])], total=len(source))
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-5)
    assert (found.probabilities.argmax(axis=1) == examples["label"]).mean() >= accuracy


def test_all_that_come_with_the_project_are_there():
    assert {path.stem for path in features.EXTRACTORS.glob("*.npz")} == set(SHIPPED)


def test_what_sees_volumes_that_none_was_trained_for():
    """Grids of any side, and videos of any length, in colour by their gray; it says nothing of their classes."""
    videos = np.random.RandomState(0).randint(0, 256, (3, 7, 16, 16, 3)).astype(np.uint8)
    gray = videos.mean(axis=-1, keepdims=True).round().astype(np.uint8)
    for kind, name, volumes in (
        ("video", "moving_1_digits-cnn", videos),
        ("voxels", "furniture-cnn", gray[:, :, :7, :7]),
    ):
        extractor = features.for_any(kind, volumes.shape[1:])
        assert (extractor.name, extractor.knows_classes, extractor.rank) == (name, False, 4)
        assert features.extract(extractor, [volumes], total=3).features.shape == (3, 32)
    seen = [
        features.extract(features.for_any("video", each.shape[1:]), [each], total=3).features for each in (videos, gray)
    ]
    np.testing.assert_allclose(*seen, rtol=0.05, atol=0.05)
    assert features.for_any("video", (7, 16, 16, 2)) is None
    with pytest.raises(ValueError, match="moving_1_digits-cnn takes volumes, these are images"):
        features.extract(features.for_any("video", (7, 16, 16, 1)), [gray[:, 0]], total=3)
