"""The datasets by name. Each is a function that returns a `Source`."""

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gan_jax.data import classes as classes_lib
from gan_jax.data import folder, idx, pixels
from gan_jax.data.pixels import Decoding, Size
from gan_jax.data.source import ArraySource, NoSplit, Source

DIGITS_SIZE = 16  # The digits are 8x8, which is one layer of a DCGAN.
DIGITS = tuple("0123456789")
CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
KANA = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
SYSTEM_FOLDER = Path("/usr/share/datasets")  # Debian's package dataset-fashion-mnist


def digits(*, data_dir: str, split: str, image_size: Size | None) -> ArraySource:
    """The 1,797 handwritten digits that come with scikit-learn (8x8, UCI), enlarged; needs no download.

    All are the split "train": held out, a few hundred images would be missed in training and measure little.
    """
    from sklearn.datasets import load_digits  # Here, since it takes a second and only this dataset needs it.

    del data_dir
    if split != "train":
        raise NoSplit("digits has no test split; its split train has all of its images")
    content = load_digits()
    small = np.round(content.images * (255 / 16)).astype(np.uint8)[..., None]  # They count ink from 0 to 16.
    enlarged = pixels.resize(small, DIGITS_SIZE if image_size is None else image_size)
    return ArraySource({"image": enlarged, "label": content.target.astype(np.int32)}, DIGITS)


def idx_dataset(
    name: str, site: str, classes: tuple[str, ...], *, data_dir: str, split: str, image_size: Size | None
) -> Source:
    """One of MNIST's family: from IDX files if there are any, else from TFDS.

    Args:
      name: its folder in data_dir and in SYSTEM_FOLDER, and TFDS's name.
      site: where people find the files, for the error.
      classes: what its classes are called.
      data_dir: folder of datasets.
      split: "train" or "test".
      image_size: side to which images are resized; None keeps 28.
    """
    folders = [Path(data_dir) / name, SYSTEM_FOLDER / name.replace("_", "-")]
    pair = idx.find(folders, split)
    if pair is None:
        try:
            return tfds_dataset(name, data_dir=data_dir, split=split, image_size=image_size)
        except FileNotFoundError as error:
            looked = " or ".join(map(str, folders))
            raise FileNotFoundError(
                f"no {idx.PREFIXES[split]}-images-idx3-ubyte[.gz] in {looked}; "
                f"put the files of {site} there. Or: {error}"
            ) from None
    content, labels = idx.read_pair(*pair, num_classes=len(classes))
    if image_size is not None:
        content = pixels.resize(content, image_size)
    return ArraySource({"image": content, "label": labels}, classes)


def tfds_dataset(name: str, *, data_dir: str, split: str, image_size: Size | None, crop: str = "center") -> Source:
    """Any image dataset of TensorFlow Datasets; see `tfds_source.load`. Raises FileNotFoundError if TFDS is not installed."""
    try:
        from gan_jax.data import tfds_source  # Here, since TFDS takes half a second and most runs do not need it.
    except ImportError as error:
        raise FileNotFoundError(
            f"tfds:{name} needs TensorFlow Datasets ({error}): pip install tensorflow-datasets importlib_resources"
        ) from error

    return tfds_source.load(name, data_dir=data_dir, split=split, image_size=image_size, crop=crop)


DATASETS: dict[str, Callable[..., Source]] = {
    "digits": digits,
    "mnist": functools.partial(idx_dataset, "mnist", "storage.googleapis.com/cvdf-datasets/mnist", DIGITS),
    "fashion_mnist": functools.partial(
        idx_dataset,
        "fashion_mnist",
        "github.com/zalandoresearch/fashion-mnist (or: apt install dataset-fashion-mnist)",
        CLOTHES,
    ),
    "kmnist": functools.partial(idx_dataset, "kmnist", "codh.rois.ac.jp/kmnist/dataset/kmnist", KANA),
}


def load(
    name: str,
    *,
    data_dir: str,
    split: str = "train",
    image_size: Size | None = None,
    classes: str | None = None,
    crop: str = "center",
    white_level: float | None = None,
    max_pixels: int | None = None,
    skip_broken: bool = False,
) -> Source:
    """Opens a dataset.

    Args:
      name: one of DATASETS; or tfds:NAME, NAME being TFDS's, with its config if it has any (`tfds_source.load`); or
        folder:PATH, a folder of images (`folder.load`).
      data_dir: folder of datasets: data_dir/NAME has IDX files, or what TFDS prepared.
      split: "train" or "test"; with tfds:NAME any split of it.
      image_size: to which images are cropped and resized: a side, or (H, W); None keeps their own size.
      classes: labels to keep, "6" or "0,3,6", renumbered from 0 (`classes.keep_classes`); None keeps all.
      crop: "center", or "none" to resize images whole (`pixels.Decoding`); of folder:PATH and tfds:NAME.
      white_level, max_pixels, skip_broken: of folder:PATH (`pixels.Decoding`, `folder.load`).

    Raises:
      source.NoSplit: when the dataset has no such split.
      ValueError, FileNotFoundError: in one line, what is wrong with an argument or with a file.
    """
    if image_size is not None and min(pixels.both_sides(image_size)) < 1:
        raise ValueError(f"image_size={image_size}: must be at least 1")
    data_dir = str(Path(data_dir).expanduser())
    kind, _, rest = name.partition(":")
    if kind != "folder":
        of_folders = dict(white_level=white_level, max_pixels=max_pixels, skip_broken=skip_broken or None)
        for option, value in of_folders.items():
            if value is not None:
                raise ValueError(f"{option}={value}: of folder:PATH, not of {name}")
    if kind == "tfds":
        source = tfds_dataset(rest, data_dir=data_dir, split=split, image_size=image_size, crop=crop)
    elif split not in idx.PREFIXES:
        raise ValueError(f"split={split!r}: must be train or test")
    elif kind == "folder":
        size = None if image_size is None else pixels.both_sides(image_size)
        decoding = Decoding(size, crop, white_level, max_pixels)
        source = folder.load(rest, split=split, decoding=decoding, skip_broken=skip_broken)
    elif name in DATASETS:
        if crop != "center":
            raise ValueError(f"crop={crop}: of folder:PATH and tfds:NAME; the images of {name} are square")
        source = DATASETS[name](data_dir=data_dir, split=split, image_size=image_size)
    else:
        raise ValueError(f"unknown dataset {name!r}: must be {', '.join(DATASETS)}, tfds:NAME or folder:PATH")
    return source if classes is None else classes_lib.keep_classes(source, classes)
