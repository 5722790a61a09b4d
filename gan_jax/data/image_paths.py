"""Which files of a folder are its images: by their endings, each once, in an order that is always the same."""

import os
import stat
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from PIL import Image

# Formats that Pillow knows and does not decode: by itself, on every system, or without running a program (PostScript).
NOT_DECODED = {"BUFR", "GRIB", "HDF5", "MPEG", "WMF", "EPS"}
SHOWN = 10  # in one line, at most

Place = tuple[int, int] | str  # what is equal for equal files, whatever links lead to them


class Found(NamedTuple):
    """What is below a folder.

    Fields:
      files: paths of images from the folder on, sorted.
      passed_over: how many files are no images by their endings, by ending.
      links: how many paths lead to an image that another path leads to already.
      unreadable: folders that cannot be listed, and why.
    """

    files: list[str]
    passed_over: Counter[str]
    links: int
    unreadable: list[tuple[str, OSError]]


def endings() -> set[str]:
    """The endings of files that this Pillow decodes, as {".png", ".tif", ...}."""
    known = Image.registered_extensions()  # which loads all of Pillow's plugins
    return {
        ending
        for ending, kind in known.items()
        if (kind in Image.OPEN or kind == "MPO")
        and kind not in NOT_DECODED  # MPO is opened as the JPEG that it begins with
    }


def find(root: Path, known: Collection[str] | None = None) -> Found:
    """The images below a folder, in folders and behind links however deep. What is hidden is passed over.

    Args: known: the endings of the files that are looked for, if they are no images.

    Where several paths lead to one file, the first that is no link itself counts. Raises ValueError for a name that is
    not UTF-8.
    """
    known, passed_over, unreadable = known or endings(), Counter(), []
    paths, folders = [], {_place(root)}
    onerror = lambda error: unreadable.append((os.path.relpath(error.filename, root), error))
    for folder, subfolders, names in os.walk(root, followlinks=True, onerror=onerror):
        # A link to a folder above would otherwise lead round and round.
        subfolders[:] = [
            name for name in _links_last(folder, subfolders) if _is_new(os.path.join(folder, name), folders)
        ]
        for name in names:
            if name.startswith("."):
                continue
            if os.path.splitext(name)[1].lower() in known and not _is_special(os.path.join(folder, name)):
                paths.append(os.path.relpath(os.path.join(folder, name), root))
            else:
                passed_over[os.path.splitext(name)[1].lower()] += 1
    require_utf8(*paths)
    places: set[Place] = set()
    files = [path for path in _links_last(root, paths) if _is_new(os.path.join(root, path), places)]
    return Found(sorted(files), passed_over, len(paths) - len(files), unreadable)


def require_utf8(*names: str) -> None:
    """Raises ValueError if one cannot be said in UTF-8: config.json, pictures and pages could not name it."""
    strange = [name for name in names if not _is_utf8(name)]
    if strange:
        more = f" and {len(strange) - 1:,} more" if len(strange) > 1 else ""
        raise ValueError(f"{shown(strange[0])}{more}: a name that is not UTF-8; rename it (convmv does)")


def shown(text: str) -> str:
    """A path as it can be printed: bytes that are not UTF-8 as \\xe9."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def counted(passed_over: Counter[str]) -> str:
    """Counts by ending in words, the largest first: "25 .heic, 3 .txt, 1 without an ending"."""
    order = sorted(passed_over.items(), key=lambda item: (-item[1], item[0]))
    parts = [f"{count:,} {shown(ending)}" if ending else f"{count:,} without an ending" for ending, count in order]
    rest = sum(count for _, count in order[SHOWN:])
    return ", ".join(parts[:SHOWN] + ([f"{rest:,} with others"] if rest else []))


def _links_last(folder: str | Path, names: Collection[str]) -> list[str]:
    visible = [name for name in names if not os.path.basename(name).startswith(".")]
    return sorted(visible, key=lambda name: (os.path.islink(os.path.join(folder, name)), name))


def _is_new(path: str, places: set[Place]) -> bool:
    """Whether a path leads to a place that is not among these yet; it then is."""
    place = _place(path)
    if place in places:
        return False
    places.add(place)
    return True


def _place(path: str | Path) -> Place:
    try:
        found = os.stat(path)
    except OSError:  # a link to nowhere: it is found to be broken when it is read
        return str(path)
    return (found.st_dev, found.st_ino) if found.st_ino else os.path.realpath(path)


def _is_special(path: str) -> bool:
    """Whether it is a pipe or a device, which would be waited for without end."""
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
