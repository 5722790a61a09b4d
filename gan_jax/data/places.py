"""Where datasets lie: a run remembers absolute paths, so that it does not matter where a command is started."""

import os
from collections.abc import Callable

# Of datasets that are named by paths, as in folder:PATH and pairs:PATH_A,PATH_B; and what stands between these.
KINDS = {"folder": None, "aligned": None, "pairs": ",", "maps": ",", "unaligned": ","}


def has_place(dataset: str | None) -> bool:
    """Whether a dataset's name is a path: then its content is what it is, and not its name. None, no name, is none."""
    kind, colon, _ = (dataset or "").partition(":")
    return bool(colon) and kind in KINDS


def absolute(dataset: str | None) -> str | None:
    """The name with an absolute path, if it has one: folder:cats is folder:/home/me/cats."""
    return _each(absolute_path, dataset)


def absolute_path(path: str) -> str:
    """The path from the root, "~" being the user's own folder."""
    return os.path.abspath(os.path.expanduser(path))


def title(dataset: str) -> str:
    """The name without the folders above it: folder:/home/me/cats is folder:cats."""
    return _each(lambda path: os.path.basename(absolute_path(path)), dataset)


def _each(act: Callable[[str], str], dataset: str | None) -> str | None:
    """The name with something done to each of its paths, if it has any."""
    if not has_place(dataset):
        return dataset
    kind, _, rest = dataset.partition(":")
    between = KINDS[kind]
    paths = [rest] if between is None else rest.split(between)
    return f"{kind}:{(between or '').join(path and act(path) for path in paths)}"
