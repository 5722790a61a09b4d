"""Folders named train, val and test are splits, not classes."""

import os
from pathlib import Path
from typing import NamedTuple

from gan_jax.data.image_paths import endings
from gan_jax.data.source import NoSplit

# What the folders of the splits are called, in whatever case.
NAMES = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}


class Splits(NamedTuple):
    """A folder's splits.

    Fields:
      train: the folder of what is trained on: the folder itself, where it has no splits.
      test: the folder of what is held out: of the test images, or else of the validation images, also where only these are
        in folders of classes as those to train on are; None where there is neither.
      said: what it was taken for, in words; "" where it has no splits.
    """

    train: Path
    test: Path | None
    said: str

    def of(self, split: str) -> Path:
        """The folder of the split "train" or "test". Raises NoSplit if there is none."""
        if split == "train":
            return self.train
        if self.test is None:
            raise NoSplit(f"{self.train}: no test split; that takes folders named train and test (or val) side by side")
        return self.test


def find(root: Path) -> Splits:
    """The splits of a folder: of its folders train and test or val; or of its folder train, where it has no others.

    Raises ValueError if two folders look like one split, or if there are test and validation images and nothing to train on.
    """
    names = sorted(name for name in os.listdir(root) if not name.startswith("."))
    folders = [name for name in names if (root / name).is_dir()]
    found = {split: [name for name in folders if name.casefold() in known] for split, known in NAMES.items()}
    for split, same in found.items():
        if len(same) > 1:
            raise ValueError(f"{root}: its folders {' and '.join(same)} both look like the split {split}; rename one")
    train, val, test = ((root / same[0] if same else None) for same in found.values())
    others = [name for name in folders if not any(name in same for same in found.values())]
    others += [name for name in names if name not in folders and os.path.splitext(name)[1].lower() in endings()]
    if train is None and (val or test) and not others:
        held = (test or val).name
        raise ValueError(
            f"{root}: looks like splits without a folder train; to train on {held}, name it: folder:{root / held}"
        )
    if train is None or (others and not (val or test)):
        return Splits(root, None, "")
    held = [each for each in (test, val) if each]
    # Test images of a contest come without their labels, and so without folders of classes.
    held.sort(key=lambda each: _has_folders(each) != _has_folders(train))
    return Splits(train, held[0] if held else None, _said(train, held, others))


def _has_folders(folder: Path) -> bool:
    return any(each.is_dir() and not each.name.startswith(".") for each in folder.iterdir())


def _said(train: Path, held: list[Path], others: list[str]) -> str:
    parts = [f"{train.name} is trained on", f"{held[0].name} held out" if held else "nothing is held out"]
    left = [each.name for each in held[1:]] + others[:3] + ["..."] * (len(others) > 3)
    return "splits: " + ", ".join(parts + ([f"{' '.join(left)} not used"] if left else []))
