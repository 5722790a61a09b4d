"""Where datasets lie: a run remembers absolute paths, so that it does not matter where a command is started."""

import os

KINDS = frozenset({"folder"})  # of datasets that are named by a path, as in folder:PATH


def has_place(dataset: str) -> bool:
    """Whether a dataset's name is a path: then its content is what it is, and not its name."""
    kind, colon, _ = dataset.partition(":")
    return bool(colon) and kind in KINDS


def absolute(dataset: str) -> str:
    """The name with an absolute path, if it has one: folder:cats is folder:/home/me/cats."""
    kind, _, path = dataset.partition(":")
    return f"{kind}:{absolute_path(path)}" if has_place(dataset) else dataset


def absolute_path(path: str) -> str:
    """The path from the root, "~" being the user's own folder."""
    return os.path.abspath(os.path.expanduser(path))


def title(dataset: str) -> str:
    """The name without the folders above it: folder:/home/me/cats is folder:cats."""
    kind, _, path = dataset.partition(":")
    return f"{kind}:{os.path.basename(absolute_path(path))}" if has_place(dataset) else dataset
