"""One process at a time works on a directory: the lock that it holds, and who holds it."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

FILE = ".lock"


class Locked(RuntimeError):
    """Another process is at work on the directory. The message says which."""


@contextmanager
def alone(workdir: Path, said: str = "is being trained by") -> Iterator[None]:
    """Keeps other processes out of a directory, which is there. Raises Locked, or OSError if it cannot be written to.

    The system lets go of it however this process ends, so that what is left of one that was killed keeps nobody out. On
    a file system without locks nobody is kept out.

    Args: said: between the directory and the other process, in the error.
    """
    with (workdir / FILE).open("a+") as file:  # not "w": who is refused must not erase who is there
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Locked(f"{workdir} {said} {_holder(file)}") from error
        except OSError:  # as of Lustre mounted without flock
            pass
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield


def _holder(file: TextIO) -> str:
    file.seek(0)
    return file.read() or "another process"  # which has only just begun
