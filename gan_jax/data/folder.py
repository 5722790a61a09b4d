"""A folder of image files as a dataset, decoded when they are asked for."""

import dataclasses
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tqdm

from gan_jax.data import examined, folder_splits, image_paths, pixels
from gan_jax.data.classes import in_natural_order, listed
from gan_jax.data.fingerprint import of_names
from gan_jax.data.pixels import AS_IT_IS, Decoding, TooManyPixels
from gan_jax.data.spec import Spec, labelled_image


@dataclasses.dataclass(frozen=True)
class FolderSource:
    """A `Source` of image files, decoded as `decoding` says.

    Attributes: digest: of the files' names, from their folder on, and sizes.
    """

    paths: tuple[str, ...]
    labels: np.ndarray
    classes: tuple[str, ...]
    spec: Spec
    decoding: Decoding
    digest: str

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        shape = self.spec["image"].shape
        batch = np.empty((len(indices), *shape), np.uint8)
        for out, index in zip(batch, indices, strict=True):
            try:
                out[:] = pixels.decode(self.paths[index], channels=shape[-1], decoding=self.decoding)
            except Exception as error:  # They were whole when `load` read them.
                raise OSError(f"{self.paths[index]}: can no longer be read as an image ({error})") from error
        return {"image": batch, "label": self.labels[indices]}


def load(
    path: str, *, split: str, decoding: Decoding = AS_IT_IS, skip_broken: bool = False, say=tqdm.tqdm.write
) -> FolderSource:
    """Lists and checks the images of a folder, and says in a line or two what it was taken for.

    Images right in the folder are unlabelled. Images in subfolders, however deep, take their label from the first one:
    the names of the subfolders, in their natural order (1, 2, 10), are classes 0, 1, .... Folders named train and test
    or val are splits (`folder_splits`). Images are gray if every one is gray by the mode of its file, else RGB. What is
    hidden is passed over; a file counts once, whatever links lead to it (`image_paths`).

    Every image is decoded once here, so that a broken one stops the run before it starts.

    Args:
      path: the folder.
      split: "train" or "test".
      decoding: how files become arrays; without a size all images must be of one, and square unless nothing is cropped.
      skip_broken: whether what cannot be read is left out, and named.
      say: what is called with each line.

    Raises:
      FileNotFoundError: when the folder is missing or has no images.
      NoSplit: when a split "test" is asked for and there is none.
      ValueError: when images are unreadable (naming ten at most), lie both in the folder and in subfolders, need a size,
        or have names that are not UTF-8.
    """
    whole = Path(path).expanduser()
    image_paths.require_utf8(str(whole))
    if not whole.is_dir():
        raise FileNotFoundError(f"{whole}: no such folder")
    splits = folder_splits.find(whole)
    root = splits.of(split)
    found = image_paths.find(root)
    if not found.files:
        there = f", only {image_paths.counted(found.passed_over)}" if found.passed_over else ""
        raise FileNotFoundError(
            f"{root}: no images in this folder{there}; it may hold .png, .jpg and what else Pillow reads"
        )
    looked = examined.examine(root, found.files, decoding.max_pixels)
    broken = [*found.unreadable, *looked.broken]
    if broken and not (skip_broken and looked.whole):
        raise ValueError(_refused(root, broken, len(found.files)))
    labels, classes = labels_of(root, looked.whole)
    spec = labelled_image(*_size(root, looked.sizes, decoding), 1 if looked.gray else 3)
    if split == "train":
        for line in _taken_for(whole, splits, labels, classes):
            say(f"{whole}: {line}")
    if found.passed_over:
        say(f"{root}: passed over what is no image that Pillow reads: {image_paths.counted(found.passed_over)}")
    if found.links:
        say(f"{root}: {found.links:,} links to images that are there already left out")
    if broken:
        say(f"{root}: left out {len(broken)} that cannot be read: {examined.named(broken)}")
    if decoding.white_level is None:
        for line in examined.depth_warnings(looked.integers, looked.floats):
            say(f"warning: {root}: {line}")
    paths = tuple(os.path.join(root, file) for file in looked.whole)
    digest = of_names(
        (Path(file).as_posix(), os.path.getsize(path)) for file, path in zip(looked.whole, paths, strict=True)
    )
    return FolderSource(paths, labels, classes, spec, decoding, digest)


def _refused(root: Path, broken: list[tuple[str, Exception]], count: int) -> str:
    """What to say of images that cannot be read, and the flags that help."""
    flags = ["--skip_broken leaves them out"]
    if any(isinstance(error, TooManyPixels) for _, error in broken):
        flags.append("--max_pixels=N allows more pixels")
    return f"{root}: {len(broken)} of {count:,} images cannot be read: {examined.named(broken)}; {', '.join(flags)}"


def _taken_for(
    whole: Path, splits: folder_splits.Splits, labels: np.ndarray, classes: tuple[str, ...]
) -> Iterator[str]:
    """What a folder with folders below was taken for."""
    counts = np.bincount(labels, minlength=len(classes))
    names = listed([f"{name} ({count:,})" for name, count in zip(classes, counts)])
    if splits.said:
        yield splits.said + (f"; classes: {names}" if classes else "; no classes")
    elif classes:
        yield f"no images of its own; its folders are classes: {names}"
    if len(classes) == 1:
        only = splits.train / classes[0]
        below = sorted(each.name for each in only.iterdir() if each.is_dir() and not each.name.startswith("."))
        if below:
            yield f"its only class {classes[0]} holds folders, which are no classes: name it, folder:{only}, if they are"


def _size(root: Path, sizes: set[tuple[int, int]], decoding: Decoding) -> tuple[int, int]:
    """(H, W) of the arrays. Raises ValueError if that has to be said."""
    if decoding.size is not None:
        return decoding.size
    ((width, height), *others) = sizes
    if others:
        raise ValueError(
            f"{root}: its images are not all square and of one size; give image_size, such as 64, or 48x96 (height x width)"
        )
    if width != height and decoding.crop != "none":
        raise ValueError(
            f"{root}: its images are not square: give image_size, such as 64, or keep them {height}x{width} by crop=none"
        )
    return height, width


def labels_of(root: Path, files: list[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """The labels of files below a folder, int32 [N], by their first subfolders; and these, the classes; () without any.

    Raises ValueError if files lie both in the folder and in subfolders.
    """
    subfolders = [os.path.dirname(file).partition(os.sep)[0] for file in files]
    counts = Counter(subfolders)
    classes = in_natural_order(counts)
    if classes == [""]:
        return np.zeros(len(files), np.int32), ()
    if "" in classes:
        raise ValueError(
            f"{root}: images both in it ({counts['']:,}) and in its folder {classes[1]}; put all or none in class folders"
        )
    numbers = {name: number for number, name in enumerate(classes)}
    return np.array([numbers[name] for name in subfolders], np.int32), tuple(classes)
