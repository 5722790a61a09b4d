"""Whether data are still the same: how many examples there are, and a digest that does not depend on where they lie.

A source may have a `digest`: of image files it is of their names and sizes, of arrays of all that is in them. What is
made of a source, by choosing examples or fields or by reading it into memory, has that source's.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from gan_jax.data.source import Domains, Source

BYTES = 8  # of a digest


class Fingerprint(NamedTuple):
    """count: of the examples, of all domains; digest: None where nothing is known but their number."""

    count: int
    digest: str | None

    def differs(self, now: "Fingerprint") -> str:
        """How data that are there now differ from these, in words; "" if they do not."""
        if self.count != now.count:
            return f"{self.count} examples then, {now.count} now"
        if None not in (self.digest, now.digest) and self.digest != now.digest:
            return f"{self.count} examples as then, but not the same ones"
        return ""


def fingerprint(source: "Source | Domains") -> Fingerprint:
    """Of a source, or of all domains together."""
    each = list(getattr(source, "sources", {"": source}).values())
    digests = list(dict.fromkeys(getattr(one, "digest", None) for one in each))
    whole = digests[0] if len(digests) == 1 or None in digests else of_names((digest, 0) for digest in digests)
    return Fingerprint(sum(map(len, each)), None if None in digests else whole)


def of_names(sizes: Iterable[tuple[str, int]]) -> str:
    """The digest of things that have names and sizes."""
    text = "".join(f"{name}\0{size}\n" for name, size in sizes)
    return hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=BYTES).hexdigest()


def of_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """The digest of arrays: of their names, shapes, dtypes and contents."""
    found = hashlib.blake2b(digest_size=BYTES)
    for name, array in sorted(arrays.items()):
        found.update(f"{name} {array.dtype} {array.shape}".encode())
        found.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8))
    return found.hexdigest()
