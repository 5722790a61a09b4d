"""What the files of images are, found by decoding each of them once: their sizes, gray or not, which are broken."""

import functools
import os
from collections.abc import Callable, Iterable, Sequence
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tqdm
from PIL import ExifTags, UnidentifiedImageError

from gan_jax.data import pixels
from gan_jax.data.image_paths import SHOWN, shown
from gan_jax.data.pixels import SIXTEEN_BIT_WHITE

DEPTHS = (8, 10, 12, 14)  # bits of what is often kept in 16, and would be dark


class Examined(NamedTuple):
    """What is known of some files.

    Fields:
      whole: those that can be decoded, in order.
      broken: the others, each with the reason.
      sizes: the (width, height) that occur, as the images are seen.
      gray: whether all are gray by the modes of their files.
      integers, floats: the largest value of each file that has gray of more than 8 bits.
    """

    whole: list[str]
    broken: list[tuple[str, Exception]]
    sizes: set[tuple[int, int]]
    gray: bool
    integers: list[float]
    floats: list[float]


def examine(root: Path, files: Sequence[str], max_pixels: int | None) -> Examined:
    """Decodes each file below `root`, in threads."""
    found = Examined([], [], set(), True, [], [])
    gray = True
    look = functools.partial(_examine_one, max_pixels=max_pixels)
    with ThreadPool() as pool:
        examined = pool.imap(look, [os.path.join(root, file) for file in files], chunksize=16)
        for file, each in zip(
            files, tqdm.tqdm(examined, total=len(files), desc="checking images", delay=2), strict=True
        ):
            if isinstance(each, Exception):
                found.broken.append((file, each))
                continue
            size, mode, peak = each
            found.whole.append(file)
            found.sizes.add(size)
            gray = gray and mode in pixels.GRAY_MODES
            if peak is not None:
                (found.floats if mode == "F" else found.integers).append(peak)
    return found._replace(gray=gray)


def named(broken: Iterable[tuple[str, Exception]]) -> str:
    """The first ten broken files in words, each with the reason."""
    broken = list(broken)
    parts = [f"{shown(file)} ({_reason(error)})" for file, error in broken[:SHOWN]]
    return ", ".join(parts + ([f"and {len(broken) - SHOWN} more"] if len(broken) > SHOWN else []))


def depth_warnings(integers: Sequence[float], floats: Sequence[float]) -> list[str]:
    """What to say of files with gray of more than 8 bits that would come out dark or white. Args: as in `Examined`."""
    said, top = [], max(integers, default=SIXTEEN_BIT_WHITE)
    bits = next((bits for bits in DEPTHS if top < 2**bits), None)
    if bits:
        said.append(
            f"{len(integers):,} 16-bit images go up to {top:,.0f} of 65,535, as {bits}-bit data does, and so to "
            f"{top / SIXTEEN_BIT_WHITE:.1%} of white; --white_level={2**bits - 1} makes that white"
        )
    elif top > SIXTEEN_BIT_WHITE:
        said.append(f"32-bit images go up to {top:,.0f}, and above 65,535 all is white; see --white_level")
    top = max(floats, default=255)
    if top <= 1:
        said.append(f"images of floats go up to {top:g}, and 255 is white; --white_level=1 makes 1 white")
    elif top > 255:
        said.append(f"images of floats go up to {top:g}, and above 255 all is white; see --white_level")
    return said


def _examine_one(path: str, max_pixels: int | None) -> tuple[tuple[int, int], str, float | None] | Exception:
    try:
        with pixels.opened(path, max_pixels) as image:
            (width, height), mode = image.size, image.mode
            image.draft("L", (1, 1))  # A JPEG is then read to its end, but most of its arithmetic is left out.
            image.load()
            turned = image.getexif().get(ExifTags.Base.Orientation, 1) >= 5
            peak = float(np.nan_to_num(np.asarray(image)).max()) if mode in pixels.DEEP_MODES else None
            return (height, width) if turned else (width, height), mode, peak
    except Exception as error:  # Each of Pillow's decoders has exceptions of its own.
        return error


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "no image that Pillow knows"
    return error.strerror if isinstance(error, OSError) and error.strerror else " ".join(str(error).split())


def leave_out(
    root: Path, broken: Sequence[tuple[str, Exception]], count: int, what: str, skip: bool, say: Callable[[str], None]
) -> None:
    """Says which of so many files, "shapes" say, are left out; raises ValueError if they may not be, or nothing would be left."""
    if broken and not (skip and len(broken) < count):
        said = f"{len(broken)} of {count:,} {what} cannot be read: {named(broken)}"
        raise ValueError(f"{root}: {said}; --skip_broken leaves them out")
    if broken:
        say(f"{root}: left out {len(broken)} that cannot be read: {named(broken)}")
