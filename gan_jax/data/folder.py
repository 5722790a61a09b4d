"""A folder of image files as a dataset, decoded when they are asked for."""

import dataclasses
import os
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np
import tqdm
from PIL import Image

from gan_jax.data import pixels
from gan_jax.data.fingerprint import of_names
from gan_jax.data.source import NoSplit
from gan_jax.data.spec import Spec, labelled_image

EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")


@dataclasses.dataclass(frozen=True)
class FolderSource:
    """A `Source` of image files.

    Attributes: size: their side after cutting and resizing, None when they keep their own; digest: of the files' names,
    from their folder on, and sizes.
    """

    paths: tuple[str, ...]
    labels: np.ndarray
    classes: tuple[str, ...]
    spec: Spec
    size: int | None
    digest: str

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        shape = self.spec["image"].shape
        batch = np.empty((len(indices), *shape), np.uint8)
        for out, index in zip(batch, indices, strict=True):
            try:
                out[:] = pixels.decode(self.paths[index], channels=shape[-1], size=self.size)
            except Exception as error:  # They were whole when `load` read them.
                raise OSError(f"{self.paths[index]}: can no longer be read as an image ({error})") from error
        return {"image": batch, "label": self.labels[indices]}


def load(path: str, *, split: str, image_size: int | None) -> FolderSource:
    """Lists and checks the images of a folder.

    Images right in the folder are unlabelled. Images in subfolders, however deep, take their label from the first one:
    the names of the subfolders, sorted, are classes 0, 1, .... If the folder holds folders "train" and "test", these
    are the splits; otherwise all of it is "train". Images are gray if every one is gray by the mode of its file, else
    RGB. Hidden files are passed over.

    Every image is decoded once here, so that a broken one stops the run before it starts.

    Args:
      path: the folder.
      split: "train" or "test".
      image_size: side to which the centre squares are resized; None is allowed when all images are square and equal.

    Raises:
      FileNotFoundError: when the folder is missing or has no images.
      ValueError: when images are unreadable (naming the first), lie both in the folder and in subfolders, or need an
        image_size; when a split "test" is asked for and there is none.
    """
    root = _split_folder(Path(path).expanduser(), split)
    files = _image_files(root)
    if not files:
        raise FileNotFoundError(f"{root}: no images in this folder; it may hold {', '.join(EXTENSIONS)}")
    labels, classes = _labels(root, files)
    paths = tuple(os.path.join(root, file) for file in files)
    sizes, gray = _examine(paths)
    if image_size is None:
        if len(sizes) > 1 or any(width != height for width, height in sizes):
            raise ValueError(f"{root}: its images are not all square and of one size; give image_size, such as 64")
        side = sizes.pop()[0]
    else:
        side = image_size
    digest = of_names((Path(file).as_posix(), os.path.getsize(path)) for file, path in zip(files, paths, strict=True))
    return FolderSource(paths, labels, classes, labelled_image(side, side, 1 if gray else 3), image_size, digest)


def _split_folder(root: Path, split: str) -> Path:
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such folder")
    if (root / "train").is_dir() and (root / "test").is_dir():
        return root / split
    if split == "test":
        raise NoSplit(f"{root}: no test split; that takes folders named train and test in it")
    return root


def _image_files(root: Path) -> list[str]:
    """Paths below root, sorted so that they do not depend on the file system's order."""
    files = []
    for folder, subfolders, names in os.walk(root, followlinks=True):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        images_here = [name for name in names if name.lower().endswith(EXTENSIONS) and not name.startswith(".")]
        files += [os.path.relpath(os.path.join(folder, name), root) for name in images_here]
    return sorted(files)


def _labels(root: Path, files: list[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    subfolders = [os.path.dirname(file).partition(os.sep)[0] for file in files]
    classes = sorted(set(subfolders))
    if classes == [""]:
        return np.zeros(len(files), np.int32), ()
    if "" in classes:
        raise ValueError(f"{root}: images both in it and in its folder {classes[1]}; put all or none in class folders")
    return np.searchsorted(classes, subfolders).astype(np.int32), tuple(classes)


def _examine(paths: tuple[str, ...]) -> tuple[set[tuple[int, int]], bool]:
    """The sizes that occur, and whether all images are gray; raises ValueError if any cannot be decoded."""
    sizes, gray, broken = set(), True, []
    with ThreadPool() as pool:
        examined = pool.imap(_examine_one, paths, chunksize=16)
        examined = tqdm.tqdm(examined, total=len(paths), desc="checking images", delay=2)
        for path, found in zip(paths, examined, strict=True):
            if isinstance(found, Exception):
                broken.append(f"{path} ({found})")
            else:
                sizes.add(found[0])
                gray = gray and found[1]
    if broken:
        raise ValueError(f"{len(broken)} of {len(paths)} images cannot be read, the first is {broken[0]}")
    return sizes, gray


def _examine_one(path: str) -> tuple[tuple[int, int], bool] | Exception:
    try:
        with Image.open(path) as image:
            size, gray = image.size, image.mode in pixels.GRAY_MODES
            image.draft("L", (1, 1))  # A JPEG is then read to its end, but most of its arithmetic is left out.
            image.load()
            return size, gray
    except Exception as error:  # Each of Pillow's decoders has exceptions of its own.
        return error
