"""The datasets by name. Each is a function that returns a `Source`."""

import contextlib
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_jax.data import (
    cifar,
    download,
    few,
    folder,
    furniture,
    idx,
    label_maps,
    moving,
    paired,
    pixels,
    published,
    shapes,
    stacked,
    video_files,
)
from gan_jax.data import classes as classes_lib
from gan_jax.data.photos import photos
from gan_jax.data.pixels import Decoding, Size
from gan_jax.data.printed import printed
from gan_jax.data.recolored import PAINTED
from gan_jax.data.source import ArraySource, NoSplit, Source

DIGITS_SIZE = 16  # The digits are 8x8, which is one layer of a DCGAN.
DIGITS = tuple("0123456789")
CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
KANA = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
THINGS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
DATA_DIR = "data"  # the folder of datasets, unless another is named
SYSTEM_FOLDER = Path("/usr/share/datasets")  # Debian's package dataset-fashion-mnist


class Form(NamedTuple):
    """How a dataset's files are read.

    Fields:
      find: (folders, split) -> where its files are, in the first of the folders that has them; None if none has.
      read: (*where, num_classes=) -> images uint8 [N,H,W,C] and labels int32 [N]. Raises ValueError for damaged files.
    """

    find: Callable[[Sequence[Path], str], tuple | None]
    read: Callable[..., tuple[np.ndarray, np.ndarray]]


IDX = Form(idx.find, idx.read_pair)
CIFAR = Form(cifar.find, cifar.read)


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


def published_dataset(
    name: str, classes: tuple[str, ...], form: Form, *, data_dir: str, split: str, image_size: Size | None
) -> Source:
    """One of `published.PUBLISHED`: from its files; or from TFDS, if it lies there prepared; or else downloaded.

    Args:
      name: its folder in data_dir and in SYSTEM_FOLDER, and TFDS's name.
      classes: what its classes are called.
      form: of its files.
      data_dir: folder of datasets, to which it is downloaded too, unless it is DATA_DIR: then to the user's cache.
      split: "train" or "test".
      image_size: side to which images are resized; None keeps their own.
    """
    folders = [Path(data_dir) / name, SYSTEM_FOLDER / name.replace("_", "-")]
    if data_dir == DATA_DIR:
        folders.append(download.cache_folder() / "data" / name)
    found = form.find(folders, split)
    if found is None and any(folders[0].glob("*/*.array_record*")):
        with contextlib.suppress(FileNotFoundError):  # an older version, or TFDS is not installed
            return tfds_dataset(name, data_dir=data_dir, split=split, image_size=image_size)
    if found is None:
        home = folders[-1] if data_dir == DATA_DIR else folders[0]
        # The other split too, for when it is needed there may be no network.
        lacking = [each for each in published.PUBLISHED[name].splits if form.find(folders, each) is None]
        try:
            published.fetch(name, lacking, home)
        except download.Unavailable as error:
            if form.find(folders, split) is None:
                return _otherwise(name, folders, error, data_dir=data_dir, split=split, image_size=image_size)
        found = form.find(folders, split)
    images, labels = form.read(*found, num_classes=len(classes))
    if image_size is not None:
        images = pixels.resize(images, image_size)
    return ArraySource({"image": images, "label": labels}, classes)


def _otherwise(name: str, folders: Sequence[Path], reason: download.Unavailable, *, split: str, **asked) -> Source:
    """From TFDS what could not be downloaded. Raises FileNotFoundError, saying what to do."""
    try:
        return tfds_dataset(name, split=split, **asked)
    except FileNotFoundError as error:
        mirrors, splits = published.PUBLISHED[name]
        raise FileNotFoundError(
            f"no {splits[split][-1].name.removesuffix('.gz')}[.gz] in {' or '.join(map(str, folders))}; "
            f"put the files of {mirrors[0]} there, for they cannot be downloaded ({reason}). Or: {error}"
        ) from None


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
    "print": printed,
    "mnist": functools.partial(published_dataset, "mnist", DIGITS, IDX),
    "fashion_mnist": functools.partial(published_dataset, "fashion_mnist", CLOTHES, IDX),
    "kmnist": functools.partial(published_dataset, "kmnist", KANA, IDX),
    "cifar10": functools.partial(published_dataset, "cifar10", THINGS, CIFAR),
    "photos": photos,
    "furniture": furniture.furniture,
}
DATASETS |= {stacked.PREFIX + name: functools.partial(stacked.stacked, DATASETS[name]) for name in ("digits", "mnist")}

# What is read from files of one's own, by what stands before the colon: (path, split=, decoding=, skip_broken=) -> a source.
FILES: dict[str, Callable[..., Source]] = {
    "folder": folder.load,
    "aligned": paired.aligned,
    "pairs": paired.in_two_folders,
    "maps": label_maps.load,
    "voxels": shapes.voxels,
    "meshes": shapes.of_meshes,
    "videos": video_files.load,
}


def listed() -> str:
    """The datasets by name, with what a download takes: "digits, mnist (downloads 11 MB)"."""
    sizes = {name: f" (downloads {each.megabytes} MB)" for name, each in published.PUBLISHED.items()}
    return ", ".join(name + sizes.get(stacked.base_of(name) or name, "") for name in DATASETS)


def load(
    name: str,
    *,
    data_dir: str = DATA_DIR,
    split: str = "train",
    image_size: Size | None = None,
    classes: str | None = None,
    crop: str = "center",
    white_level: float | None = None,
    max_pixels: int | None = None,
    skip_broken: bool = False,
    num_labels: int | None = None,
    frames: int | None = None,
) -> Source:
    """Opens a dataset.

    Args:
      name: one of DATASETS; or tfds:NAME, NAME being TFDS's, with its config if it has any (`tfds_source.load`); or
        folder:PATH, a folder of images (`folder.load`); or pairs of them, aligned:PATH and pairs:PATH_A,PATH_B (`paired`), and
        maps:MAPS,IMAGES (`label_maps.load`); or gray images of another dataset in colour, recolored:NAME and colored:NAME
        (`recolored`); or few of each class, few:N:NAME (`few`).
      data_dir: folder of datasets: data_dir/NAME has a dataset's files, or what TFDS prepared. What is downloaded goes
        there; by default into the user's cache.
      split: "train" or "test"; with tfds:NAME any split of it.
      image_size: to which images are cropped and resized: a side, or (H, W); None keeps their own size.
      classes: labels to keep, "6" or "0,3,6", renumbered from 0 (`classes.keep_classes`); None keeps all.
      crop: "center", or "none" to resize images whole (`pixels.Decoding`); of files and tfds:NAME.
      white_level, max_pixels, skip_broken: of files (`pixels.Decoding`, `folder.load`).
      num_labels: of maps:MAPS,IMAGES.
      frames: of a video; of moving:NAME (`moving`) and videos:PATH (`video_files`).

    Raises:
      source.NoSplit: when the dataset has no such split.
      ValueError, FileNotFoundError: in one line, what is wrong with an argument or with a file.
    """
    if image_size is not None and min(pixels.both_sides(image_size)) < 1:
        raise ValueError(f"image_size={image_size}: must be at least 1")
    data_dir = str(Path(data_dir).expanduser())
    kind, _, rest = name.partition(":")
    if kind in PAINTED or kind == few.KIND:
        given = dict(data_dir=data_dir, image_size=image_size, classes=classes, crop=crop)
        of_files = dict(white_level=white_level, max_pixels=max_pixels, skip_broken=skip_broken)
        of = lambda name, split: load(name, split=split, **given, **of_files)
        return few.load(name, split, of) if kind == few.KIND else PAINTED[kind](of(rest, split), rest, split)
    if kind == moving.KIND:
        of = lambda name, split: load(name, split=split, data_dir=data_dir, classes=classes)
        return moving.load(name, split, image_size, frames, of)
    if kind not in FILES:
        of_files = dict(white_level=white_level, max_pixels=max_pixels, skip_broken=skip_broken or None)
        for option, value in of_files.items():
            if value is not None:
                raise ValueError(f"{option}={value}: of folder:PATH and other files, not of {name}")
    if kind == "tfds":
        source = tfds_dataset(rest, data_dir=data_dir, split=split, image_size=image_size, crop=crop)
    elif split not in idx.PREFIXES:
        raise ValueError(f"split={split!r}: must be train or test")
    elif kind in FILES:
        size = None if image_size is None else pixels.both_sides(image_size)
        decoding = Decoding(size, crop, white_level, max_pixels)
        own = {"maps": {"num_labels": num_labels}, "videos": {"frames": frames}}.get(kind, {})
        source = FILES[kind](rest, split=split, decoding=decoding, skip_broken=skip_broken, **own)
    elif name in DATASETS:
        if crop != "center":
            raise ValueError(f"crop={crop}: of files, as folder:PATH, and tfds:NAME; the images of {name} are square")
        source = DATASETS[name](data_dir=data_dir, split=split, image_size=image_size)
    else:
        raise ValueError(f"unknown dataset {name!r}: must be {', '.join(DATASETS)}, tfds:NAME or folder:PATH")
    return source if classes is None else classes_lib.keep_classes(source, classes)
