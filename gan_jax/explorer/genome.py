"""What an image is drawn of, as text that fits into a link: the same text gives the same pixels."""

import base64
import binascii
from typing import NamedTuple

import numpy as np

LARGEST = 4096  # numbers in a latent, at most


class Genome(NamedTuple):
    """What an image is drawn of. Fields: latent: float32 [d]; label: the number of a class; None where none is asked for."""

    latent: np.ndarray
    label: int | None = None


def to_text(genome: Genome) -> str:
    """A genome in letters that need no escape in a link: its label, if it has one, a tilde, and its latent, little-endian."""
    label = "" if genome.label is None else str(genome.label)
    return f"{label}~{base64.urlsafe_b64encode(genome.latent.astype('<f4').tobytes()).decode().rstrip('=')}"


def parse(text: str, size: int, classes: int) -> Genome:
    """The genome of a text, of a latent of this size; `classes` is how many can be asked for, 0 if none can.

    Raises ValueError, in one line, for a text that is none, or one of another network.
    """
    label, tilde, latent = text.partition("~")
    if not tilde or len(text) > 6 * LARGEST:
        raise ValueError("genome: must be a label, a tilde and a latent")
    if bool(classes) != bool(label) or (label and not (label.isascii() and label.isdigit() and int(label) < classes)):
        allowed = f"0 to {classes - 1}" if classes else "none"
        raise ValueError(f"genome: label {label[:20]!r}: must be {allowed}")
    try:
        found = base64.b64decode(latent + "=" * (-len(latent) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("genome: its latent is no base64") from error
    if len(found) != 4 * size:
        raise ValueError(f"genome: a latent of {size} numbers is needed, {len(found) / 4:g} are there")
    numbers = np.frombuffer(found, "<f4").astype(np.float32)
    if not np.isfinite(numbers).all():
        raise ValueError("genome: not all numbers of the latent are finite")
    return Genome(numbers, int(label) if label else None)
