"""What was looked at in a run's space of latents, what came of what, and what was liked: kept in a file that only grows.

A line for each thing done, so that whoever is killed loses no more than the line being written.
"""

import errno
import fcntl
import json
import os
import threading
import time
from pathlib import Path
from typing import NamedTuple

HOW = ("sample", "child", "cross", "gene", "image", "link")  # by what an image came about
MOST = 5_000  # entries: as many as a page still shows


class Entry(NamedTuple):
    """An image that was looked at. Fields: id; genome: its text; how: one of HOW; parents: ids; time: seconds since 1970."""

    id: int
    genome: str
    how: str
    parents: list[int]
    time: float


class Lineage:
    """Entries, and which are favourites, of a file that is there or will be. Attributes: path; entries: by id; favourites: ids."""

    def __init__(self, path: Path):
        """Reads what is there. Raises ValueError, naming the line, if it is no lineage, or another process has it; OSError."""
        self.path, self._lock = path, threading.Lock()
        self._file = path.open("ab", buffering=0)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(
                f"{path.parent} is explored by another process, whose page can be opened in many tabs"
            ) from error
        except OSError:  # a file system without locks
            pass
        self.entries: dict[int, Entry] = {}
        self.favourites: list[int] = []
        self._undone: list[int] = []
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                self._apply(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{path}, line {number}: {error}; move the file away to begin anew") from error
        self._file.truncate(len(whole))  # without what a killed process had begun to write

    def close(self) -> None:
        """Lets others write to the file."""
        self._file.close()

    def add(self, genome: str, how: str, parents: list[int]) -> Entry:
        """Remembers an image. Raises ValueError for an unknown parent or way, or if there are too many; OSError."""
        with self._lock:
            self._require(parents)
            if how not in HOW:
                raise ValueError(f"how: must be one of {', '.join(HOW)}")
            if self._next() >= MOST:
                raise ValueError(f"the lineage has {MOST:,} entries; move {self.path.name} away to begin another")
            entry = Entry(self._next(), genome, how, parents, round(time.time(), 3))
            self._write({"add": entry._asdict()})
            return entry

    def like(self, id: int, liked: bool) -> None:
        """Makes an entry a favourite, or no more. Raises ValueError if it is unknown; OSError."""
        with self._lock:
            self._require([id])
            self._write({"like": id, "liked": liked})

    def undo(self) -> int | None:
        """Takes the last entry away that has no children; its id, or None if there is nothing to undo."""
        with self._lock:
            parents = {parent for entry in self.entries.values() for parent in entry.parents}
            last = next((id for id in reversed(self.entries) if id not in parents), None)
            if last is not None:
                self._write({"undo": last})
            return last

    def _next(self) -> int:
        return max([*self.entries, *self._undone], default=-1) + 1

    def _require(self, ids: list[int]) -> None:
        unknown = [id for id in ids if id not in self.entries]
        if unknown:
            raise ValueError(f"there is no entry {unknown[0]}")

    def _write(self, act: dict) -> None:
        line, before = json.dumps(act).encode() + b"\n", os.fstat(self._file.fileno()).st_size
        try:
            if self._file.write(line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(before)
            raise
        self._apply(act)

    def _apply(self, act: dict) -> None:
        if "add" in act:
            entry = Entry(**act["add"])
            self.entries[entry.id] = entry
        elif "like" in act:
            self.favourites = [id for id in self.favourites if id != act["like"]]
            self.favourites += [act["like"]] * bool(act["liked"])
        elif "undo" in act:
            del self.entries[act["undo"]]
            self._undone.append(act["undo"])
            self.favourites = [id for id in self.favourites if id != act["undo"]]
        else:
            raise ValueError("it says neither add, nor like, nor undo")
