"""Pairs of images in files: side by side in one file, or in two folders under the same names.

Examples are {"image": uint8 [H, W, C], "target": uint8 [H, W, C']}: what is translated, and into what.
"""

import dataclasses
from pathlib import Path

import jax
import numpy as np

from gan_jax.data import folder, folder_splits, pixels
from gan_jax.data.fingerprint import of_names
from gan_jax.data.folder import FolderSource
from gan_jax.data.pixels import Decoding, Size
from gan_jax.data.source import Source
from gan_jax.data.spec import Spec

DIRECTIONS = ("a_to_b", "b_to_a")
ANY = (1, 1)  # a size, for listing files that get another


@dataclasses.dataclass(frozen=True)
class Pairs:
    """A `Source` of a and b, of as many images each, the i-th of one with the i-th of the other."""

    a: Source
    b: Source

    def __len__(self) -> int:
        return len(self.a)

    def __getitem__(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        return {"image": self.a[indices]["image"], "target": self.b[indices]["image"]}

    @property
    def spec(self) -> Spec:
        return {"image": self.a.spec["image"], "target": self.b.spec["image"]}

    classes = ()

    @property
    def digest(self) -> str | None:
        return of_names([(self.a.digest, len(self.a)), (self.b.digest, len(self.b))])


@dataclasses.dataclass(frozen=True)
class Half:
    """A `Source` of the left or the right half of each image of a folder. Fields: files; side: 0 left, 1 right; size."""

    files: FolderSource
    side: int
    size: Size

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        height, width = pixels.both_sides(self.size)
        channels, decoding = self.files.spec["image"].shape[-1], self.files.decoding._replace(size=None)
        batch = np.empty((len(indices), height, width, channels), np.uint8)
        for out, index in zip(batch, indices, strict=True):
            try:
                whole = pixels.decode(self.files.paths[index], channels=channels, decoding=decoding)
            except Exception as error:  # They were whole when `load` read them.
                raise OSError(f"{self.files.paths[index]}: can no longer be read as an image ({error})") from error
            half = whole.shape[1] // 2
            own = whole[:, self.side * half : (self.side + 1) * half]
            out[:] = pixels.resize(own[None], self.size, decoding.crop)[0]
        return {"image": batch}

    @property
    def spec(self) -> Spec:
        shape = (*pixels.both_sides(self.size), self.files.spec["image"].shape[-1])
        return {"image": jax.ShapeDtypeStruct(shape, np.uint8)}

    classes = ()

    @property
    def digest(self) -> str:
        return self.files.digest


def aligned(path: str, *, split: str, decoding: Decoding, skip_broken: bool = False) -> Pairs:
    """Files whose left half is A and whose right half is B, the format of pix2pix's authors; splits as `folder.load` has them.

    Raises as `folder.load`; ValueError for an odd width, or sizes that differ where none is asked for.
    """
    files = folder.load(path, split=split, decoding=decoding._replace(size=ANY), skip_broken=skip_broken)
    sizes = {file: _size(file, decoding) for file in files.paths}
    odd = [file for file, (_, width) in sizes.items() if width % 2]
    if odd:
        _, width = sizes[odd[0]]
        raise ValueError(f"{odd[0]}: is {width} pixels wide; an image beside its pair has an even width{_others(odd)}")
    size = _common(path, {(height, width // 2) for height, width in sizes.values()}, decoding)
    return Pairs(Half(files, 0, size), Half(files, 1, size))


def in_two_folders(paths: str, *, split: str, decoding: Decoding, skip_broken: bool = False) -> Pairs:
    """The images of "PATH_A,PATH_B" that have the same path from there on, but for the ending.

    Raises as `folder.load`; ValueError if there are no two folders, an image has no partner or one of another size, or sizes
    differ where none is asked for.
    """
    names = paths.split(",")
    if len(names) != 2 or not all(names):
        raise ValueError(f"pairs:{paths}: needs two folders, pairs:PATH_A,PATH_B")
    listed = [
        folder.load(name, split=split, decoding=decoding._replace(size=ANY), skip_broken=skip_broken) for name in names
    ]
    a, b = (_by_stem(name, split, files) for name, files in zip(names, listed))
    for own, others, name in ((a, b, names[1]), (b, a, names[0])):
        alone = sorted(own.keys() - others.keys())
        if alone:
            raise ValueError(f"{own[alone[0]]}: has no partner in {name}{_others(alone)}")
    sizes = {stem: (_size(a[stem], decoding), _size(b[stem], decoding)) for stem in a}
    apart = [stem for stem, (one, other) in sizes.items() if one != other]
    if apart:
        (one, other), stem = sizes[apart[0]], apart[0]
        shown = " and ".join(f"{height}x{width}" for height, width in (one, other))
        raise ValueError(f"{a[stem]}: is not of its partner's size, {shown}{_others(apart)}")
    size = _common(names[0], {one for one, _ in sizes.values()}, decoding)
    order = sorted(a)
    return Pairs(*(_ordered(files, [own[stem] for stem in order], size) for files, own in zip(listed, (a, b))))


@dataclasses.dataclass(frozen=True)
class Turned:
    """A `Source` of the pairs of another, each the other way round."""

    source: Source

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        return _exchanged(self.source[indices])

    @property
    def spec(self) -> Spec:
        return _exchanged(self.source.spec)

    classes = ()

    @property
    def digest(self) -> str | None:
        return getattr(self.source, "digest", None)


def turned(pairs: Source, direction: str) -> Source:
    """The pairs in a direction, a name in DIRECTIONS."""
    return pairs if direction == DIRECTIONS[0] else Turned(pairs)


def _exchanged(fields: dict) -> dict:
    return {**fields, "image": fields["target"], "target": fields["image"]}


def _by_stem(root: str, split: str, files: FolderSource) -> dict[str, str]:
    """The files by their paths without the root, the split's folder and the ending. Raises ValueError for two of one name."""
    base = folder_splits.find(Path(root).expanduser()).of(split)
    found: dict[str, str] = {}
    for file in files.paths:
        stem = Path(file).relative_to(base).with_suffix("").as_posix()
        if stem in found:
            raise ValueError(f"{file}: {found[stem]} has the same name but for its ending")
        found[stem] = file
    return found


def _size(file: str, decoding: Decoding) -> tuple[int, int]:
    """(H, W) of a file's image as it is seen."""
    with pixels.opened(file, decoding.max_pixels) as image:
        turned = image.getexif().get(0x0112, 1) >= 5  # EXIF orientations that exchange the sides
        return (image.width, image.height) if turned else (image.height, image.width)


def _common(path: str, sizes: set[tuple[int, int]], decoding: Decoding) -> tuple[int, int]:
    if decoding.size is not None:
        return decoding.size
    if len(sizes) > 1:
        raise ValueError(
            f"{path}: its images are not of one size; give image_size, such as 256, or 256x512 (height x width)"
        )
    return next(iter(sizes))


def _ordered(files: FolderSource, paths: list[str], size: tuple[int, int]) -> FolderSource:
    channels = files.spec["image"].shape[-1]
    return dataclasses.replace(
        files,
        paths=tuple(paths),
        labels=np.zeros(len(paths), np.int32),
        classes=(),
        spec={**files.spec, "image": jax.ShapeDtypeStruct((*size, channels), np.uint8)},
        decoding=files.decoding._replace(size=size),
    )


def _others(files: list[str]) -> str:
    return f" (and {len(files) - 1:,} more like it)" if len(files) > 1 else ""
