"""What is drawn written to disk as it comes, so that memory does not grow with its number; all of it, or none."""

import csv
import itertools
import re
import shutil
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from gan_jax.pictures.grids import to_picture
from gan_jax.training.files import replacing

OURS = re.compile(r"\d{6,}\.(png|obj)|labels\.csv")

Pixels = Iterable[np.ndarray]


def write_npz(
    path: str | Path,
    pixels: Pixels,
    shape: tuple[int, ...],
    labels: np.ndarray | None = None,
    *,
    name: str = "images",
    dtype: type = np.uint8,
) -> None:
    """Writes an .npz that numpy.load reads: `images`, uint8 [N, H, W, C], and `labels`, int32 [N], if there are any.

    Args: pixels: [B, H, W, C] at a time; shape: [N, H, W, C], of all; name, dtype: of the array, if it is no images'.

    Raises OSError if it cannot be written.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file")
    path.parent.mkdir(parents=True, exist_ok=True)
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    with replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
        with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
            np.lib.format.write_array_header_1_0(member, header)
            for some in pixels:
                member.write(np.ascontiguousarray(some, dtype))
        if labels is not None:
            with archive.open("labels.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(labels, np.int32))


def write_pngs(folder: str | Path, pixels: Pixels, labels: Sequence[str] | None = None) -> None:
    """As `write_files`, PNG files of pixels uint8 [B, H, W, C] at a time, C 1 or 3."""
    write_files(folder, pixels, lambda image, path: to_picture(image).save(path), ".png", labels)


def write_files(
    folder: str | Path,
    batches: Iterable[np.ndarray],
    save: Callable[[np.ndarray, Path], None],
    suffix: str,
    labels: Sequence[str] | None = None,
) -> None:
    """Writes a folder of 000000.png, 000001.png, ...; and the names of their labels in labels.csv, if there are any.

    They are written to a folder beside, which takes the place of `folder` once all are there: a killed run leaves `folder`
    as it was, and the next one starts over.

    Args: batches: what is written, some at a time; save: writes one to a path; suffix: of its name.

    Raises OSError if they cannot be written, or `folder` holds anything else than such files.
    """
    folder = Path(folder)
    beside, before = (folder.with_name(f".{folder.name}.{what}") for what in ("part", "before"))
    _require_ours(folder)
    try:
        for leftover in (beside, before):
            shutil.rmtree(leftover, ignore_errors=True)
        beside.mkdir(parents=True)
        for number, image in enumerate(itertools.chain.from_iterable(batches)):
            save(image, beside / f"{number:06d}{suffix}")
        if labels is not None:
            with (beside / "labels.csv").open("w", newline="") as file:
                rows = ((f"{number:06d}{suffix}", label) for number, label in enumerate(labels))
                csv.writer(file).writerows([("file", "label"), *rows])
        if folder.exists():
            folder.rename(before)
        beside.rename(folder)
        shutil.rmtree(before, ignore_errors=True)
    except BaseException as error:
        shutil.rmtree(beside, ignore_errors=True)
        if isinstance(error, OSError) and error.filename is None:  # a full disk says not where
            error.filename = str(folder)
        raise


def _require_ours(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file; name a folder")
    others = [path.name for path in folder.iterdir() if not OURS.fullmatch(path.name)] if folder.exists() else []
    if others:
        raise FileExistsError(f"{folder} holds other things than samples ({others[0]}); name a new or an empty folder")
