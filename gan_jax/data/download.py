"""Downloads of published files: checked, written at once or not at all, resumed where they were cut off.

A file has mirrors, which are tried in turn. That a mirror is what it says need not be trusted: the checksum decides.
"""

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import tqdm

from gan_jax.data.lock import locked

OFFLINE = "GAN_JAX_OFFLINE"  # in the environment: nothing is downloaded
TIMEOUT = 20  # seconds in which a mirror must connect, and send something
TRIES = 20  # of one mirror, as long as each brings some more
CHUNK = 2**17  # bytes
BROKEN = (OSError, http.client.HTTPException, ValueError)  # timeouts, resets, TLS, no such host, what is no URL


class File(NamedTuple):
    """A file that is published. Fields: name; size: its bytes; sha256: of them, in hexadecimal digits."""

    name: str
    size: int
    sha256: str


class Unavailable(OSError):
    """No mirror has a file, or none can be reached."""


class _Failed(Exception):
    """One try failed, and why."""


def cache_folder() -> Path:
    """The user's own folder of what can be had again: XDG_CACHE_HOME/gan_jax, by default ~/.cache/gan_jax."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "gan_jax"


def fetch(file: File, mirrors: Sequence[str], folder: Path) -> Path:
    """The file in this folder, downloaded if it is not there. Of several processes one downloads, the others wait.

    Args: mirrors: what the file's name is put after to be a URL: "https://example.org/mnist/".

    Raises:
      Unavailable: in one line, why each mirror failed. What came of the file is kept, for the next call to go on from.
      OSError: in one line, when the folder cannot be written or the disk is full.
    """
    path = folder / file.name
    if path.exists():
        return path
    if os.environ.get(OFFLINE):
        raise Unavailable(f"{OFFLINE} is set")
    try:
        with locked(folder / f".{file.name}.lock", doing=f"downloads {path}"):
            if not path.exists():  # by now
                part = folder / f".{file.name}.part"
                _download(file, mirrors, part)
                part.replace(path)
    except Unavailable:
        raise
    except OSError as error:
        reason = error.strerror or error
        raise OSError(f"{path} cannot be written: {reason}; --data_dir=... names another folder") from error
    return path


def _download(file: File, mirrors: Sequence[str], part: Path) -> None:
    """Writes all of the file to `part`, whose bytes so far are gone on from. Raises Unavailable; OSError of the disk."""
    reasons = []
    for mirror in mirrors:
        for _ in range(TRIES):
            before = _size(part)
            try:
                _go_on(file, mirror + file.name, part)
                _check(file, part)
                return
            except _Failed as error:
                reason = error
            # A try that changed nothing would do so again. One from the start may do better than one that went on.
            if _size(part) == before:
                break
        reasons.append(f"{urlsplit(mirror).netloc}: {reason}")
    if not _size(part):
        part.unlink(missing_ok=True)
    raise Unavailable(f"{file.name}: {'; '.join(reasons)}")


def _go_on(file: File, url: str, part: Path) -> None:
    """Appends what `part` lacks. Raises _Failed, with whatever came before written."""
    start = _size(part)
    if start >= file.size:
        return
    response = _open(url, start)
    with response:
        start = _start(response, start, file.size)
        with (
            part.open("ab" if start else "wb") as out,
            tqdm.tqdm(total=file.size, initial=start, unit="B", unit_scale=True, desc=file.name, leave=False) as bar,
        ):
            for chunk in _chunks(response):
                out.write(chunk)
                bar.update(len(chunk))
                if out.tell() > file.size:
                    break
            out.flush()
            os.fsync(out.fileno())
    if _size(part) < file.size:
        raise _Failed(f"cut off after {_size(part)} of {file.size} bytes")


def _check(file: File, part: Path) -> None:
    """Raises _Failed, and takes the bytes away, if they are not those of the file."""
    with part.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != file.sha256:
        part.unlink()
        raise _Failed("sent other bytes than those published (by their SHA-256)")


def _open(url: str, start: int) -> http.client.HTTPResponse:
    """What a URL answers, redirects followed, asked for its bytes from `start` on."""
    wanted = {"Range": f"bytes={start}-"} if start else {}
    request = urllib.request.Request(url, headers={"User-Agent": "gan_jax"} | wanted)
    try:
        return urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        raise _Failed(f"{error.code} {_line(error.reason)}") from None
    except BROKEN as error:
        raise _Failed(_line(getattr(error, "reason", error))) from None


def _start(response: http.client.HTTPResponse, asked: int, size: int) -> int:
    """The byte that an answer starts with: a server may ignore that it was asked for less than all."""
    start = asked if response.status == http.HTTPStatus.PARTIAL_CONTENT else 0
    if start and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        raise _Failed(f"sent another part than the bytes from {start} on")
    length = response.headers.get("Content-Length")
    if length is not None and length != str(size - start):  # a page that says to log in, say
        raise _Failed(f"sent {length} bytes in place of {size - start}")
    return start


def _chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """The bytes of an answer, to its end or until it breaks off."""
    while True:
        try:
            chunk = response.read1(CHUNK)
        except BROKEN:
            return
        if not chunk:
            return
        yield chunk


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _line(reason: object) -> str:
    return " ".join(str(getattr(reason, "strerror", None) or reason).split())
