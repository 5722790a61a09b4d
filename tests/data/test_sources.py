import os
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from gan_jax.data import DATASETS, in_memory, load, nbytes, sources
from gan_jax.data.spec import labelled_image
from gan_jax.data.stacked import base_of

SYSTEM = Path("/usr/share/datasets/fashion-mnist")
PIECES = 2 * 25 * (18 + 9)  # of two photographs: from a height of 427 and widths of 320 and 192, at each 15th pixel
CASES = {
    # name: number of examples where conftest's `examples` are its files, and the shape of an image
    "digits": (1797, (16, 16, 1)),
    "print": (14 * 3 * 3 * 2 * 10, (16, 16, 1)),  # fonts, sizes, slants, places, digits
    "mnist": (12, (28, 28, 1)),
    "fashion_mnist": (12, (28, 28, 1)),
    "kmnist": (12, (28, 28, 1)),
    "cifar10": (12, (32, 32, 3)),
    "photos": (PIECES, (64, 64, 3)),
    "furniture": (2000, (16, 16, 16)),
    "stacked_digits": (128_000, (16, 16, 3)),
    "stacked_mnist": (128_000, (28, 28, 3)),
}
MNIST_FAMILY = ["mnist", "fashion_mnist", "kmnist"]
PUBLISHED = [*MNIST_FAMILY, "cifar10"]


@pytest.fixture
def real_data():
    folder = os.environ.get("GAN_JAX_TEST_DATA")
    if folder is None:
        pytest.skip("GAN_JAX_TEST_DATA does not name a folder with real datasets (mnist/...)")
    return folder


def test_every_dataset_has_a_case():
    assert set(DATASETS) == set(CASES)


@pytest.mark.parametrize("name", [name for name in CASES if name != "furniture"])
def test_contract(name, tmp_path, dataset_files):
    base = base_of(name)
    dataset_files(base or name, tmp_path / (base or name))
    source = load(name, data_dir=str(tmp_path))
    length, shape = CASES[name]
    assert (len(source), source.spec) == (length, labelled_image(*shape))
    assert len(source.classes) == {"photos": 2}.get(name, 1000 if base else 10)
    assert nbytes(source) == length * (np.prod(shape) + 4)
    batch = source[np.array([7, 0, 7])]
    assert batch["image"].dtype == np.uint8 and batch["image"].shape == (3, *shape)
    assert batch["label"].dtype == np.int32 and batch["label"].shape == (3,)
    np.testing.assert_array_equal(batch["image"][0], batch["image"][2])
    assert (batch["image"][0] != batch["image"][1]).any()
    unpickled = pickle.loads(pickle.dumps(source))
    np.testing.assert_array_equal(unpickled[np.array([7])]["image"][0], batch["image"][0])
    assert load(name, data_dir=str(tmp_path), image_size=16).spec == labelled_image(16, 16, shape[-1])


def test_contract_of_voxels():
    source = load("furniture", data_dir="unused")
    length, shape = CASES["furniture"]
    assert (len(source), source.spec["voxels"].shape, source.spec["voxels"].dtype) == (length, shape, bool)
    batch = pickle.loads(pickle.dumps(source))[np.array([7, 0, 7])]
    assert batch["label"].tolist() == [7, 0, 7]
    np.testing.assert_array_equal(batch["voxels"][0], batch["voxels"][2])
    assert (batch["voxels"][0] != batch["voxels"][1]).any()
    assert load("furniture", data_dir="unused", image_size=32).spec["voxels"].shape == (32, 32, 32)


def test_photographs_learnt_and_not_learnt_share_no_pixel():
    """Pieces of a strip of a photograph, and of what is beside it; all of each part, but for what is less than a step."""
    from sklearn.datasets import load_sample_images

    for label, photo in enumerate(load_sample_images().images):
        for split, parts in (("train", (photo[:, :320], photo[:, 448:])), ("test", (photo[:, 320:448],))):
            source = load("photos", data_dir="unused", split=split)
            pieces = source[np.flatnonzero(source.labels == label)]["image"]
            places = [
                part[y : y + 64, x : x + 64]
                for part in parts
                for y in range(0, 427 - 63, 15)
                for x in range(0, part.shape[1] - 63, 15)
            ]
            np.testing.assert_array_equal(pieces, places)
    assert load("photos", data_dir="unused", split="train", image_size=256).spec["image"].shape == (256, 256, 3)
    with pytest.raises(ValueError, match="image_size=256x256: the photographs' parts to test on have 427x128 pixels"):
        load("photos", data_dir="unused", split="test", image_size=256)


@pytest.mark.parametrize("name", MNIST_FAMILY)
@pytest.mark.parametrize("split, prefix", [("train", "train"), ("test", "t10k")])
def test_idx_content(name, split, prefix, tmp_path, idx_folder, examples):
    idx_folder(tmp_path / name, *examples, prefix=prefix)
    batch = load(name, data_dir=str(tmp_path), split=split)[np.arange(12)]
    np.testing.assert_array_equal(batch["image"][..., 0], examples[0])
    np.testing.assert_array_equal(batch["label"], examples[1])


@pytest.mark.parametrize("name", PUBLISHED)
def test_missing_files_say_where_and_how(name, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "SYSTEM_FOLDER", tmp_path / "system")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError) as error:
        load(name, data_dir=str(tmp_path))
    message = str(error.value)
    looked = f"{tmp_path}/{name} or {tmp_path}/system/{name.replace('_', '-')}"
    file = "cifar-10-binary.tar[.gz]" if name == "cifar10" else "train-images-idx3-ubyte[.gz]"
    assert message.startswith(f"no {file} in {looked}; put the files of ")
    assert " there, for they cannot be downloaded (GAN_JAX_OFFLINE is set). Or: " in message
    assert message.endswith("pip install tensorflow-cpu") and "\n" not in message


def test_system_folder(tmp_path, monkeypatch, idx_folder, examples):
    monkeypatch.setattr(sources, "SYSTEM_FOLDER", tmp_path / "system")
    idx_folder(tmp_path / "system" / "fashion-mnist", *examples)
    assert len(load("fashion_mnist", data_dir=str(tmp_path))) == 12


def test_digits():
    small = load("digits", data_dir="unused", image_size=8)
    batch = small[np.arange(3)]
    assert batch["label"].tolist() == [0, 1, 2]
    assert batch["image"][0, 0, :, 0].tolist() == [0, 0, 80, 207, 143, 16, 0, 0]  # 0 0 5 13 9 1 0 0 of 16
    assert load("digits", data_dir="unused")[np.arange(100)]["image"].max() == 255
    with pytest.raises(ValueError, match="digits has no test split"):
        load("digits", data_dir="unused", split="test")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            {"name": "cifar"},
            f"unknown dataset 'cifar': must be {', '.join(CASES)}, tfds:NAME or folder:PATH",
        ),
        ({"name": "digits", "split": "val"}, "split='val': must be train or test"),
        ({"name": "digits", "image_size": 0}, "image_size=0: must be at least 1"),
        ({"name": "digits", "image_size": (8, 0)}, "image_size=(8, 0): must be at least 1"),
        (
            {"name": "digits", "crop": "none"},
            "crop=none: of files, as folder:PATH, and tfds:NAME; the images of digits are square",
        ),
        ({"name": "digits", "skip_broken": True}, "skip_broken=True: of folder:PATH and other files, not of digits"),
        ({"name": "digits", "white_level": 9.0}, "white_level=9.0: of folder:PATH and other files, not of digits"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError) as error:
        load(**arguments, data_dir="unused")
    assert str(error.value) == message


def test_in_memory():
    lazy = load("digits", data_dir="unused", classes="1,2,3")
    source = in_memory(lazy)
    assert (len(source), source.classes, source.spec) == (len(lazy), ("1", "2", "3"), labelled_image(16, 16, 1))
    rows = np.random.RandomState(0).permutation(len(lazy))
    for name in ("image", "label"):
        np.testing.assert_array_equal(source[rows][name], lazy[rows][name])
        assert source[rows][name].dtype == lazy[rows][name].dtype
    assert in_memory(source) is source


@pytest.mark.parametrize("split, length, counts", [("train", 60000, (5923, 6742)), ("test", 10000, (980, 1135))])
def test_real_mnist(real_data, split, length, counts):
    source = load("mnist", data_dir=real_data, split=split)
    labels = source[np.arange(length)]["label"]
    assert len(source) == length
    assert tuple(np.bincount(labels)[:2]) == counts


def test_real_mnist_pixels(real_data):
    images = load("mnist", data_dir=real_data)[np.arange(60000)]["image"]
    assert round(float(images.mean()) / 255, 4) == 0.1307 and round(float(images.std()) / 255, 4) == 0.3081


@pytest.mark.skipif(not SYSTEM.is_dir(), reason=f"{SYSTEM} (Debian's package dataset-fashion-mnist) is absent")
def test_real_fashion_mnist(tmp_path):
    source = load("fashion_mnist", data_dir=str(tmp_path), split="test")
    assert len(source) == 10000
    assert np.bincount(source[np.arange(10000)]["label"]).tolist() == [1000] * 10


def test_without_tensorflow_datasets_one_line_says_how_to_get_it(monkeypatch, tmp_path):
    """It is an extra of the installed package."""
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    monkeypatch.delitem(sys.modules, "gan_jax.data.tfds_source", raising=False)
    monkeypatch.delattr("gan_jax.data.tfds_source", raising=False)
    for name in ("tfds:cifar10", "kmnist"):
        with pytest.raises(FileNotFoundError, match="pip install tensorflow-datasets") as error:
            sources.load(name, data_dir=str(tmp_path))
        assert "\n" not in str(error.value)
