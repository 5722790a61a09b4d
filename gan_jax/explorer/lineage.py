"""What was looked at in a run's space of latents, what came of what, and what was liked: kept in a file that only grows.

A line for each act, so that whoever is killed loses no more than the line being written, and whoever knows the first acts needs
only the others.
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
BEGINNINGS = (b'{"add"', b'{"like"', b'{"undo"')  # of lines


class Entry(NamedTuple):
    """An image that was looked at. Fields: id; genome: its text; how: one of HOW; parents: ids; time: seconds since 1970."""

    id: int
    genome: str
    how: str
    parents: list[int]
    time: float


class Lineage:
    """Entries, and which are favourites, of a file that is there or will be.

    Attributes: path; acts: all that was done, as the file has it: {"add": an entry}, {"like": id, "liked": whether}, {"undo": id};
    entries: by id; favourites: ids.
    """

    def __init__(self, path: Path):
        """Reads what is there. Raises ValueError, naming the line, if it is no lineage, or another process has it; OSError."""
        self.path, self._lock = path, threading.Lock()
        self.acts: list[dict] = []
        self.entries: dict[int, Entry] = {}
        self.favourites: list[int] = []
        self._next = 0  # no number is given twice
        self._file = path.open("ab", buffering=0)
        try:
            self._read()
        except ValueError:
            self._file.close()
            raise

    def close(self) -> None:
        """Lets others write to the file."""
        self._file.close()

    def add(self, genome: str, how: str, parents: list[int]) -> Entry:
        """Remembers an image. Raises ValueError for an unknown parent or way, or if there are too many; OSError."""
        with self._lock:
            if len(self.entries) >= MOST:
                raise ValueError(f"the lineage has {MOST:,} entries; move {self.path.name} away to begin another")
            entry = Entry(self._next, genome, how, parents, round(time.time(), 3))
            self._write({"add": entry._asdict()})
            return entry

    def like(self, id: int, liked: bool) -> None:
        """Makes an entry a favourite, or no more. Raises ValueError if it is unknown; OSError."""
        with self._lock:
            self._write({"like": id, "liked": liked})

    def undo(self) -> int | None:
        """Takes the last entry away, of which nothing has come yet; its id, or None if there is nothing to undo."""
        with self._lock:
            last = next(reversed(self.entries), None)
            if last is not None:
                self._write({"undo": last})
            return last

    def liked(self) -> list[Entry]:
        """The favourites, the oldest first."""
        with self._lock:
            return [self.entries[id] for id in self.favourites]

    def _read(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            said = "is explored by another process, whose page can be opened in many tabs"
            raise ValueError(f"{self.path.parent} {said}") from error
        except OSError:  # a file system without locks
            pass
        whole, newline, rest = self.path.read_bytes().rpartition(b"\n")
        try:
            for line in whole.splitlines():
                self._check(act := json.loads(line))
                self._apply(act)
            if rest and not any(rest.startswith(each) or each.startswith(rest) for each in BEGINNINGS):
                raise ValueError("it is none of a lineage")
        except (ValueError, KeyError, TypeError) as error:
            number = len(self.acts) + 1
            raise ValueError(f"{self.path}, line {number}: {error}; move the file away to begin anew") from error
        self._file.truncate(len(whole + newline))  # without what a killed process had begun to write

    def _write(self, act: dict) -> None:
        self._check(act)
        line, before = json.dumps(act).encode() + b"\n", os.fstat(self._file.fileno()).st_size
        try:
            if self._file.write(line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(before)
            raise
        self._apply(act)

    def _check(self, act: dict) -> None:
        """Raises ValueError, KeyError or TypeError unless it can be done."""
        named = [act[each] for each in ("like", "undo") if each in act]
        if "add" in act:
            entry = Entry(**act["add"])
            named = [*entry.parents]
            if entry.how not in HOW:
                raise ValueError(f"how: must be one of {', '.join(HOW)}")
            if not isinstance(entry.genome, str) or entry.id < self._next:
                raise ValueError("this is no new entry")
        elif not named:
            raise ValueError("it says neither add, nor like, nor undo")
        unknown = [id for id in named if id not in self.entries]
        if unknown:
            raise ValueError(f"there is no entry {unknown[0]}")

    def _apply(self, act: dict) -> None:
        if "add" in act:
            entry = Entry(**act["add"])
            self.entries[entry.id], self._next = entry, entry.id + 1
        elif "like" in act:
            self.favourites = [id for id in self.favourites if id != act["like"]]
            self.favourites += [act["like"]] * bool(act["liked"])
        else:
            del self.entries[act["undo"]]
            self.favourites = [id for id in self.favourites if id != act["undo"]]
        self.acts.append(act)
