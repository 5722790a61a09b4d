"""Whether a checkpoint that cannot be read is damaged: only proof counts, as of a file that is cut, missing or altered.

That a file may not be opened, that the system has no more memory or file handles, and an error that nobody foresaw, say
nothing of what lies on the disk.
"""

import errno
import json
import os
import re
from pathlib import Path

PIECE = 2**20  # bytes read at once

# What TensorStore says of content that is not what it wrote. It has no exceptions of its own.
CONTENT = re.compile(
    r"^(DATA_LOSS|NOT_FOUND|OUT_OF_RANGE)|checksum|[Tt]runcated|[Cc]orrupt|Error decoding|Error parsing|does not exist"
)


class Damage(ValueError):
    """What was read is not what was saved."""


def is_damage(folder: Path, error: Exception) -> bool:
    """Whether the error, met in reading the checkpoint in `folder`, proves that it is damaged.

    Raises OSError if its files cannot be read: then the error says nothing of the checkpoint.
    """
    try:
        _read_all(folder)
    except FileNotFoundError:
        return True
    if isinstance(error, Damage | FileNotFoundError | json.JSONDecodeError | UnicodeDecodeError):
        return True
    if isinstance(error, OSError | UnicodeError | MemoryError):
        return False
    text = str(error)
    said_by_system = _errno(text) not in (None, errno.ENOENT)
    return isinstance(error, ValueError) and not said_by_system and CONTENT.search(text) is not None


def read_json(path: Path) -> dict:
    """The object in a file of JSON. Raises Damage if it holds none, OSError if it cannot be read."""
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise Damage(f"{path.name} is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise Damage(f"{path.name} does not hold what was saved")
    return content


def reason(error: BaseException) -> str:
    """What the system said, without TensorStore's chain of contexts; the file too, where it is known."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    if number := _errno(str(error)):
        return os.strerror(number)
    return " ".join(str(error).split())[:200] or type(error).__name__


def _errno(text: str) -> int | None:
    """The number of the system's error, if TensorStore says one."""
    found = re.search(r"\[OS error (\d+)|os_error_code='(\d+)'", text)
    return int(found[1] or found[2]) if found else None


def _read_all(folder: Path) -> None:
    """Reads every byte below a folder. Raises OSError, naming the file, if that cannot be done."""

    def fail(error: OSError) -> None:
        raise error

    for parent, _, names in os.walk(folder, onerror=fail):
        for name in names:
            with open(os.path.join(parent, name), "rb") as file:
                while file.read(PIECE):
                    pass
