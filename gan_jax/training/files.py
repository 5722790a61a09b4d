"""Files that are written whole or not at all, so that a process killed at any moment leaves no half of one."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def replace_file(path: str | Path, content: bytes) -> None:
    """Writes a file at once or not at all: beside it first, then renamed over it.

    Raises OSError, naming the file, if it cannot be written.
    """
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: str | Path) -> Iterator[BinaryIO]:
    """A binary file to be written, which takes the place of `path` once all is; if that fails, `path` stays as it was.

    Raises OSError, naming the file, if it cannot be written.
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.part")
    try:
        with beside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException as error:
        beside.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:  # a full disk does not say where
            error.filename = str(path)
        raise


def require_utf8(path: Path) -> None:
    """Raises OSError unless a path is the same to libraries that take all paths for UTF-8, as TensorStore does.

    It is another where Python's own encoding of file names is another, as the locale has it, and a name is not ASCII.
    """
    try:
        same = os.fsencode(path) == str(path).encode()
    except UnicodeEncodeError:
        same = False
    if not same:
        own = sys.getfilesystemencoding()
        raise OSError(errno.EILSEQ, f"its name is not UTF-8 where file names are {own}; set PYTHONUTF8=1")
