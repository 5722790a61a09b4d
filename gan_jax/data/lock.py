"""One process at a time, of all that agree on a file."""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import tqdm

TAKEN_AWAY = 100  # times at most that others take away what is about to be held


@contextmanager
def locked(path: Path, *, doing: str) -> Iterator[None]:
    """Waits until no other process holds this file, then holds it; the system lets go of it however a process ends.

    The file's folder is made if there is none. In the end the file is taken away, and of what was made what is empty.

    Args: doing: what the other is at, for the line that says why this one waits: "downloads mnist".
    Raises OSError if the file cannot be written or locked.
    """
    made = [folder for folder in path.parents if not folder.exists()]
    file = _hold(path, doing)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        with suppress(OSError):  # in the first that is not empty
            for folder in made:
                folder.rmdir()
        file.close()


def _hold(path: Path, doing: str) -> BinaryIO:
    for last in [False] * TAKEN_AWAY + [True]:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("ab")
        except (FileNotFoundError, FileExistsError):  # others took the folder away before it was opened, or looked at
            if last:
                raise
            continue
        try:
            _wait(file, doing)
            # Whoever held it may have taken it away since, and somebody else be holding a new one.
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        except FileNotFoundError:
            pass
        except BaseException:
            file.close()
            raise
        file.close()
    raise OSError(f"{path}: others take it away again and again")


def _wait(file: BinaryIO, doing: str) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        tqdm.tqdm.write(f"waiting for another process, which {doing}", file=sys.stderr)
        fcntl.flock(file, fcntl.LOCK_EX)
