"""Any image dataset of TensorFlow Datasets, read by index.

Only *preparing* a dataset (downloading it and writing it as array_record) needs TensorFlow. Reading does not.
"""

import dataclasses
import difflib
import functools
import importlib.util
import io
from collections.abc import Sequence

import numpy as np
import tensorflow_datasets as tfds
import tqdm

from gan_jax.data import pixels
from gan_jax.data.fingerprint import of_names
from gan_jax.data.pixels import Decoding, Size
from gan_jax.data.source import NoSplit
from gan_jax.data.spec import Spec, labelled_image

CHUNK = 256  # records read at a time; one at a time takes ten times as long


@dataclasses.dataclass(frozen=True)
class TfdsSource:
    """A `Source` of serialized examples.

    Attributes:
      records: random access to the examples' bytes.
      features: of "image" and, if there are labels, "label".
      spec: of what indexing returns.
      classes: () if unlabelled.
      decoding: how their images become arrays.
      digest: of the dataset's name and version, and the bytes of the split.
    """

    records: Sequence[bytes]
    features: tfds.features.FeaturesDict
    spec: Spec
    classes: tuple[str, ...]
    decoding: Decoding
    digest: str

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        shape = self.spec["image"].shape
        batch = np.empty((len(indices), *shape), np.uint8)
        labels = np.zeros(len(indices), np.int32)
        # TFDS decodes with OpenCV where that is installed; we always decode with Pillow, so pixels do not depend on it.
        encoded = {"image": tfds.decode.SkipDecoding()}
        for i, record in enumerate(self.records.__getitems__([int(index) for index in indices])):
            example = self.features.deserialize_example_np(record, decoders=encoded)
            batch[i] = pixels.decode(io.BytesIO(example["image"]), channels=shape[-1], decoding=self.decoding)
            labels[i] = example.get("label", 0)
        return {"image": batch, "label": labels}

    @functools.cached_property
    def labels(self) -> np.ndarray:
        """int32 [len(self)]. Reads the whole dataset, without decoding its images."""
        features = tfds.features.FeaturesDict({"label": self.features["label"]})
        labels = np.empty(len(self), np.int32)
        for start in tqdm.trange(0, len(self), CHUNK, desc="reading labels", delay=2):
            records = self.records.__getitems__(range(start, min(start + CHUNK, len(self))))
            labels[start : start + CHUNK] = [features.deserialize_example_np(record)["label"] for record in records]
        return labels


def load(name: str, *, data_dir: str, split: str, image_size: Size | None, crop: str = "center") -> TfdsSource:
    """Opens a dataset that lies prepared in data_dir, or prepares it there if TensorFlow is installed.

    Args:
      name: TFDS's own, with its config if it has any: "cifar10", "imagenet_resized/32x32".
      data_dir: TFDS's folder of prepared datasets.
      split: one of the dataset's splits.
      image_size: to which images are cropped and resized: a side, or (H, W); None keeps them as they are if all have one
        size.
      crop: as of `pixels.Decoding`.

    Raises:
      FileNotFoundError: when the dataset is not prepared and TensorFlow is not installed.
      ValueError: when TFDS does not know the name, or the dataset has no 8-bit feature "image", no such split, images
        of varying sizes while image_size is None, or lies there prepared in a format without access by index.
    """
    builder = _builder(name, data_dir)
    features = dict(builder.info.features.items())
    image = features.get("image")
    if not isinstance(image, tfds.features.Image) or image.np_dtype != np.uint8:
        raise ValueError(f"tfds:{name} has no 8-bit feature 'image'; its features are {', '.join(sorted(features))}")
    height, width, channels = image.shape
    if image_size is not None:
        height, width = pixels.both_sides(image_size)
    elif height is None or width is None:
        raise ValueError(f"tfds:{name} has images of varying sizes; give image_size, such as 64")
    if not builder.is_prepared():
        _prepare(builder)
    if split not in builder.info.splits:
        raise NoSplit(f"tfds:{name} has no split {split!r}; it has {', '.join(builder.info.splits)}")
    wanted = {"image": image}
    label = features.get("label")
    if isinstance(label, tfds.features.ClassLabel) and label.num_classes:
        wanted["label"] = label
    try:
        records = builder.as_data_source(split, deserialize_method=tfds.decode.DeserializeMethod.RAW_BYTES)
    except NotImplementedError:
        found = builder.info.file_format.value
        raise ValueError(
            f"{builder.data_dir} is in format {found}, which cannot be read by index; name a data_dir without it, "
            "or see `tfds convert_format --out_file_format=array_record`"
        ) from None
    return TfdsSource(
        records=records,
        features=tfds.features.FeaturesDict(wanted),
        spec=labelled_image(height, width, 1 if channels == 1 else 3),
        classes=tuple(label.names) if "label" in wanted else (),
        decoding=Decoding(None if image_size is None else (height, width), crop),
        digest=of_names([(f"{builder.info.full_name} {split}", builder.info.splits[split].num_bytes)]),
    )


def _builder(name: str, data_dir: str):
    try:
        return tfds.builder(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError:
        known = tfds.list_builders(with_community_datasets=False)
        close = difflib.get_close_matches(name.partition("/")[0], known)
        hint = f"did you mean {' or '.join(close)}? " if close else ""
        raise ValueError(f"TFDS has no dataset {name!r}; {hint}see tensorflow.org/datasets/catalog") from None
    except (ImportError, ValueError) as error:
        raise ValueError(f"TFDS cannot build {name!r}: {' '.join(str(error).split())}") from error


def _prepare(builder) -> None:
    if importlib.util.find_spec("tensorflow") is None:
        raise FileNotFoundError(
            f"{builder.info.full_name} is not prepared as array_record in {builder.data_dir}; "
            "to prepare it (not to read it) TFDS needs TensorFlow, 1.3 GB: pip install tensorflow-cpu"
        )
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")  # TensorFlow would take the memory that JAX needs.
    builder.download_and_prepare(file_format="array_record")
