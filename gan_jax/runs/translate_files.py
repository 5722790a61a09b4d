"""Image files made into others by a run that translates."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from PIL import Image
from tqdm import tqdm

from gan_jax.config.options import require_known
from gan_jax.data import image_paths
from gan_jax.pictures import grids, panels
from gan_jax.randomness import Key
from gan_jax.recipes.batch import to_unit_range
from gan_jax.recipes.contract import Batch, Translator
from gan_jax.runs import file_examples, translated
from gan_jax.runs.file_examples import Given
from gan_jax.runs.restore import TrainedRun

SHEET = "before-after.png"
SHOWN = 8  # images on it
SIDE = 256  # of each, at most
BATCH, PIXELS = 8, 2**18  # images at once, at most; and their pixels, if they are several


class File(NamedTuple):
    """Fields: path: of the image; name: of what is made of it, from the folder of results on."""

    path: str
    name: str


class Example(NamedTuple):
    """Fields: number: of the file; fields: that are translated, [H, W, C] each; sides: before they were filled up."""

    number: int
    fields: Batch
    sides: tuple[int, int]


def files_of(paths: Sequence[str]) -> tuple[list[File], list[str]]:
    """The images of files and folders, and what cannot be listed, with the reason.

    Raises ValueError or OSError if one is missing, or two would be written into one file.
    """
    found: list[File] = []
    unread: list[str] = []
    for path in paths:
        root = Path(path).expanduser()
        if root.is_dir():
            inside = image_paths.find(root)
            if not inside.files:
                raise ValueError(f"{path}: has no images")
            found += [File(str(root / each), str(Path(each).with_suffix(".png"))) for each in inside.files]
            unread += [f"{root / each}: {error.strerror}" for each, error in inside.unreadable]
        elif root.exists():
            found.append(File(str(root), f"{root.stem}.png"))
        else:
            raise FileNotFoundError(f"{path}: no such file or folder")
    by_name: dict[str, str] = {SHEET: "the sheet"}
    for each in found:
        if each.name in by_name:
            raise ValueError(f"{each.path}: would be written into {each.name}, as is {by_name[each.name]}")
        by_name[each.name] = each.path
    return found, unread


def choose(run: TrainedRun, name: str | None, noisy: bool | None, style: str | None) -> Translator:
    """The translator of a name, or the first that draws in the style of an image, if one is given, or else in none.

    Args: noisy: as `translated.in_mode`'s; style: the image's file. Raises ValueError if there is none.
    """
    found = run.translators
    if name is not None:
        require_known("translator", name, found)
        found = {name: found[name]}
    fitting = {each: own for each, own in found.items() if ("target" in own.inputs) == (style is not None)}
    if not fitting:
        how = "in the style of an image; --style names it" if style is None else "in no style that is given"
        raise ValueError(f"{', '.join(found)} of {run.workdir} draws {how}")
    first = next(iter(fitting))
    return translated.in_mode({first: fitting[first]}, noisy)[first]


def translate(
    run: TrainedRun, translator: Translator, files: Sequence[File], folder: Path, given: Given, seed: int = 0
) -> Iterator[str]:
    """Writes what becomes of each file into a folder, and a sheet of the first ones; yields what cannot be, with the reason.

    Args: given: what comes with the files; seed: of the translator's own noise, and of damage by chance.
    Raises ValueError if something does not fit the run, or an image would be written over itself; OSError.
    """
    for each in files:
        if (folder / each.name).resolve() == Path(each.path).resolve():
            raise ValueError(f"{each.path}: would be written over itself; --out names another folder")
    read, key = file_examples.reader(run, translator, given), jax.random.key(seed)
    waiting: dict[tuple, list[Example]] = {}  # for others of equal sides
    shown: dict[int, list[Image.Image]] = {}
    with tqdm(total=len(files), desc="images", unit="image", dynamic_ncols=True) as bar:

        def write(some: list[Example]) -> None:
            made = _made(run, translator, some, jax.random.fold_in(key, some[0].number))
            for example, image in zip(some, made, strict=True):
                picture = _picture(image)
                grids.save(picture, folder / files[example.number].name)
                if example.number in shown:
                    shown[example.number].insert(1, picture)
                bar.update()

        for number, file in enumerate(files):
            try:
                fields = read(file.path, file.name, seed + number)
            except Exception as error:  # each of Pillow's decoders has exceptions of its own
                yield f"{file.path}: {str(error).removeprefix(f'{file.path}: ')}"
                bar.update()
                continue
            if len(shown) < SHOWN:
                names = ("image", "target") if given.degrade else ("image",)
                shown[number] = [_picture(np.asarray(to_unit_range(fields[name]))) for name in names]
            inputs = {name: fields[name] for name in translator.inputs}
            example = Example(number, _filled(translator, inputs), inputs[translator.inputs[0]].shape[:2])
            shapes = tuple(field.shape for field in example.fields.values())
            some = waiting.setdefault(shapes, [])
            some.append(example)
            if translator.noisy or len(some) == BATCH or len(some) * math.prod(shapes[0][:2]) >= PIXELS:
                write(waiting.pop(shapes))
        for some in waiting.values():
            write(some)
    if shown:
        columns = ["before", "after", "truth"][: len(next(iter(shown.values())))]
        grids.save(panels.wall(list(shown.values()), [""] * len(shown), columns, side=SIDE), folder / SHEET)


def _picture(image: np.ndarray) -> Image.Image:
    return grids.grid(image[None], columns=1, padding=0, least_side=1)


def _filled(translator: Translator, inputs: Batch) -> Batch:
    """Inputs [H, W, C] reflected at their edges until their sides are such as the translator takes."""

    def filled(field: np.ndarray) -> np.ndarray:
        around = [_margins(side, translator.multiple) for side in field.shape[:2]]
        return np.pad(field, [*around, (0, 0)], mode="symmetric")

    return {name: filled(field) for name, field in inputs.items()}


def _margins(side: int, multiple: int) -> tuple[int, int]:
    """Pixels before and after a side that make it a multiple."""
    return -side % multiple // 2, -side % multiple - -side % multiple // 2


def _made(run: TrainedRun, translator: Translator, some: Sequence[Example], key: Key) -> list[np.ndarray]:
    """What becomes of examples of equal sides, without what is made of their reflections. Raises ValueError if it is not finite."""
    batch = {name: np.stack([each.fields[name] for each in some]) for name in translator.inputs}
    made, own = translated.translate(translator, run.state, batch, key), []
    for image, example in zip(made, some, strict=True):
        times = (
            image.shape[0] // example.fields[translator.inputs[0]].shape[0]
        )  # it may be larger than what it is made of
        top, left = (times * _margins(side, translator.multiple)[0] for side in example.sides)
        height, width = (times * side for side in example.sides)
        own.append(image[top : top + height, left : left + width])
    return own
