import io
import json
import pickle
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from array_record.python.array_record_module import ArrayRecordWriter
from PIL import Image
from tensorflow_datasets.proto import tf_example_pb2, tf_feature_pb2

from gan_jax.data import in_memory, load
from gan_jax.data.spec import labelled_image

FASHION = Path("/usr/share/datasets/fashion-mnist")
LABEL = tfds.features.ClassLabel(num_classes=4)
WITHOUT_TENSORFLOW = """
import sys
from importlib.machinery import PathFinder

find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *rest: None if name.partition(".")[0] == "tensorflow" else find(name, *rest)
"""


def feature(value: bytes | int) -> tf_feature_pb2.Feature:
    if isinstance(value, bytes):
        return tf_feature_pb2.Feature(bytes_list=tf_feature_pb2.BytesList(value=[value]))
    return tf_feature_pb2.Feature(int64_list=tf_feature_pb2.Int64List(value=[value]))


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def prepared(data_dir, features, examples, file_format="array_record", name="tiny", version="1.0.0"):
    """Writes what TFDS would have written, TensorFlow being needed for that."""
    folder = data_dir / name / version
    folder.mkdir(parents=True)
    tfds.features.FeaturesDict(features).save_config(folder)
    writer = ArrayRecordWriter(str(folder / f"{name}-train.{file_format}-00000-of-00001"), "group_size:1")
    for example in examples:
        fields = tf_feature_pb2.Features(feature={name: feature(value) for name, value in example.items()})
        writer.write(tf_example_pb2.Example(features=fields).SerializeToString())
    writer.close()
    template = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
    split = {"name": "train", "shardLengths": [str(len(examples))], "numBytes": "1", "filepathTemplate": template}
    info = {"name": name, "version": version, "fileFormat": file_format, "splits": [split]}
    (folder / "dataset_info.json").write_text(json.dumps(info))
    return str(data_dir)


@pytest.fixture
def tiny(tmp_path):
    """Five images of value (10 i, 20 i, 30 i) and growing height, of class i mod 4, beside a feature not read."""
    features = {"image": tfds.features.Image(shape=(None, None, 3)), "label": LABEL, "name": tfds.features.Text()}
    colours = [Image.new("RGB", (8, 6 + i), (10 * i, 20 * i, 30 * i)) for i in range(5)]
    examples = [{"image": png(image), "label": i % 4, "name": b"x"} for i, image in enumerate(colours)]
    return prepared(tmp_path, features, examples)


def test_reading(tiny):
    source = load("tfds:tiny", data_dir=tiny, image_size=4)
    assert (len(source), source.spec, source.classes) == (5, labelled_image(4, 4, 3), tuple("0123"))
    for reader in (source, pickle.loads(pickle.dumps(source)), in_memory(source)):
        batch = reader[np.array([4, 1, 1])]
        assert batch["image"].dtype == np.uint8 and batch["image"].shape == (3, 4, 4, 3)
        assert batch["image"][:, 0, 0].tolist() == [[40, 80, 120], [10, 20, 30], [10, 20, 30]]
        assert batch["label"].dtype == np.int32 and batch["label"].tolist() == [0, 1, 1]


def test_classes(tiny):
    source = load("tfds:tiny", data_dir=tiny, image_size=4, classes="3,0")
    batch = source[np.arange(3)]
    assert len(source) == 3 and batch["label"].tolist() == [1, 0, 1]
    assert batch["image"][:, 0, 0, 0].tolist() == [0, 30, 40]


@pytest.mark.parametrize("channels, mode, value, expected", [(1, "L", 7, [7]), (4, "RGBA", (1, 2, 3, 255), [1, 2, 3])])
def test_unlabelled_of_known_size(tmp_path, channels, mode, value, expected):
    features = {"image": tfds.features.Image(shape=(6, 8, channels)), "label": tfds.features.Text()}
    examples = [{"image": png(Image.new(mode, (8, 6), value)), "label": b"text, so no class"}]
    source = load("tfds:tiny", data_dir=prepared(tmp_path, features, examples))
    assert (source.spec, source.classes) == (labelled_image(6, 8, len(expected)), ())
    batch = source[np.array([0])]
    assert batch["image"][0, 0, 0].tolist() == expected and batch["label"].tolist() == [0]


def test_varying_sizes(tiny):
    with pytest.raises(ValueError, match="^tfds:tiny has images of varying sizes; give image_size"):
        load("tfds:tiny", data_dir=tiny)


def test_wrong_split(tiny):
    with pytest.raises(ValueError, match="^tfds:tiny has no split 'test'; it has train$"):
        load("tfds:tiny", data_dir=tiny, split="test", image_size=4)


def test_no_image(tmp_path):
    features = {"picture": tfds.features.Image(shape=(8, 8, 3)), "label": LABEL}
    with pytest.raises(ValueError, match="^tfds:tiny has no 8-bit feature 'image'; its features are label, picture$"):
        load("tfds:tiny", data_dir=prepared(tmp_path, features, []))


def test_sixteen_bit_image(tmp_path):
    features = {"image": tfds.features.Image(shape=(8, 8, 1), dtype=np.uint16)}
    with pytest.raises(ValueError, match="^tfds:tiny has no 8-bit feature 'image'"):
        load("tfds:tiny", data_dir=prepared(tmp_path, features, []))


def test_format_without_access_by_index(tmp_path):
    features = {"image": tfds.features.Image(shape=(8, 8, 3))}
    data_dir = prepared(tmp_path, features, [], file_format="tfrecord")
    with pytest.raises(ValueError, match=f"^{data_dir}/tiny/1.0.0 is in format tfrecord, which cannot be"):
        load("tfds:tiny", data_dir=data_dir)


def test_unknown_name(tmp_path):
    with pytest.raises(ValueError, match="^TFDS has no dataset 'cifr10'; did you mean cifar10 or .*catalog$"):
        load("tfds:cifr10", data_dir=str(tmp_path))


@pytest.mark.parametrize("name", ["imagenet_resized/7x7", "no name"])
def test_unknown_config(name, tmp_path):
    with pytest.raises(ValueError, match=f"^TFDS cannot build '{name}': ") as error:
        load(f"tfds:{name}", data_dir=str(tmp_path))
    assert "\n" not in str(error.value)


def test_unprepared_without_tensorflow(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError) as error:
        load("tfds:cifar10", data_dir=str(tmp_path))
    message = str(error.value)
    assert message.startswith("cifar10/") and f" is not prepared as array_record in {tmp_path}/cifar10/" in message
    assert message.endswith("TFDS needs TensorFlow, 1.3 GB: pip install tensorflow-cpu") and "\n" not in message


def read_without_tensorflow(tmp_path, name, data_dir, split="train", image_size=None):
    """All examples as `load` finds them in a Python in which TensorFlow cannot be imported."""
    out = tmp_path / "read.npz"
    script = WITHOUT_TENSORFLOW + (
        "import numpy\n"
        "from gan_jax.data import load\n"
        f"source = load({name!r}, data_dir={str(data_dir)!r}, split={split!r}, image_size={image_size})\n"
        f"numpy.savez({str(out)!r}, **source[numpy.arange(len(source))])\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=300)
    return np.load(out)


def test_reading_does_not_import_tensorflow(tmp_path, tiny):
    read = read_without_tensorflow(tmp_path, "tfds:tiny", tiny, image_size=4)
    assert read["image"][:, 0, 0, 2].tolist() == [0, 30, 60, 90, 120]


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_what_is_prepared_is_read_by_its_name_too(name, tmp_path, monkeypatch, published, dataset_files):
    """In place of a download; what is prepared in a format without access by index is not."""
    builder = tfds.builder(name, data_dir=str(tmp_path))
    shape, version = builder.info.features["image"].shape, str(builder.version)
    server = published(name, dataset_files(name, tmp_path / "there"))
    features = {"image": tfds.features.Image(shape=shape), "label": tfds.features.ClassLabel(num_classes=10)}
    image = Image.new("L" if shape[-1] == 1 else "RGB", shape[:2], "white")
    for folder, file_format in (("a", "array_record"), ("b", "tfrecord")):
        prepared(tmp_path / folder, features, [{"image": png(image), "label": 3}], file_format, name, version)
    batch = load(name, data_dir=str(tmp_path / "a"))[np.arange(1)]
    assert batch["image"].shape == (1, *shape) and batch["image"].min() == 255 and batch["label"].tolist() == [3]
    assert server.asked == []
    assert len(load(name, data_dir=str(tmp_path / "b"))) == 12 and server.asked


def debian_to_original(archive: Path, folder: Path) -> None:
    """Debian repacked the archives without name and time of the content; TFDS knows the checksums of the originals."""
    content = archive.read_bytes()
    assert content[3] == 0  # No name: the compressed data follow after ten bytes.
    time = 1504176627 if archive.name.startswith("t10k") else 1504176606
    header = content[:3] + b"\x08" + struct.pack("<I", time) + content[8:10] + archive.stem.encode() + b"\0"
    (folder / archive.name).write_bytes(header + content[10:])


def sorted_by_pixels(batch) -> list[tuple[bytes, int]]:
    """TFDS shuffles when it prepares, so only what is sorted can be compared."""
    return sorted((image.tobytes(), int(label)) for image, label in zip(batch["image"], batch["label"], strict=True))


@pytest.mark.skipif(not FASHION.is_dir(), reason=f"{FASHION} (Debian's package dataset-fashion-mnist) is absent")
def test_prepare_and_read_fashion_mnist(tmp_path):
    pytest.importorskip("tensorflow", reason="TensorFlow, which prepares TFDS's datasets, is not installed")
    manual = tmp_path / "downloads" / "manual"  # Where TFDS looks before it downloads.
    manual.mkdir(parents=True)
    for archive in FASHION.glob("*.gz"):
        debian_to_original(archive, manual)
    assert len(load("tfds:fashion_mnist", data_dir=str(tmp_path))) == 60000  # This prepares it.

    for split in ("train", "test"):
        ours = read_without_tensorflow(tmp_path, "tfds:fashion_mnist", tmp_path, split)
        idx = load("fashion_mnist", data_dir="unused", split=split)
        theirs = idx[np.arange(len(idx))]
        assert ours["image"].shape == theirs["image"].shape
        assert sorted_by_pixels(ours) == sorted_by_pixels(theirs)
