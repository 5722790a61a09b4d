"""Image files made into others by a run that translates."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from tqdm import tqdm

from gan_jax.config.options import require_known
from gan_jax.config.parts import DataConfig
from gan_jax.data import ArraySource, image_paths, label_maps, pixels
from gan_jax.data.degrade import MISSING, degraded
from gan_jax.pictures import grids, panels
from gan_jax.recipes.batch import to_unit_range
from gan_jax.recipes.contract import Batch, Translator
from gan_jax.runs.restore import TrainedRun

SHEET = "before-after.png"
SHOWN = 8  # images on it
SIDE = 256  # of each, at most
NAMED = 10  # files in an error, at most


class File(NamedTuple):
    """Fields: path: of the image; name: of what is made of it, from the folder of results on."""

    path: str
    name: str


def files_of(paths: Sequence[str]) -> list[File]:
    """The images of files and folders. Raises ValueError or OSError if one is missing, or two would be written into one file."""
    found: list[File] = []
    for path in paths:
        root = Path(path).expanduser()
        if root.is_dir():
            inside = image_paths.find(root).files
            if not inside:
                raise ValueError(f"{path}: has no images")
            found += [File(str(root / each), str(Path(each).with_suffix(".png"))) for each in inside]
        elif root.exists():
            found.append(File(str(root), f"{root.stem}.png"))
        else:
            raise FileNotFoundError(f"{path}: no such file or folder")
    by_name: dict[str, str] = {SHEET: "the sheet"}
    for each in found:
        if each.name in by_name:
            raise ValueError(f"{each.path}: would be written into {each.name}, as is {by_name[each.name]}")
        by_name[each.name] = each.path
    return found


def translate(
    run: TrainedRun,
    files: Sequence[File],
    folder: Path,
    *,
    name: str | None = None,
    seed: int = 0,
    masks: str | None = None,
    degrade: bool = False,
) -> Iterator[str]:
    """Writes what becomes of each file into a folder, and a sheet of the first ones; yields what cannot be, with the reason.

    Args: name: of the translator, None for the first; seed: of its own noise; masks: of a run that fills holes, a file or a folder
    of files of the images' names, white where something is missing; None takes what is transparent; degrade: as `read`'s.
    Raises ValueError if the run has no such translator, or an image would be written over itself; OSError.
    """
    translators = run.recipe.translators
    if not translators:
        raise ValueError(f"{run.workdir} is a run of {run.experiment}, which does not translate; sample draws from it")
    require_known("translator", name := name or next(iter(translators)), translators)
    translator = translators[name]
    act = jax.jit(lambda state, example, key: translator.translate(state, jax.tree.map(to_unit_range, example), key))
    for each in files:
        if (folder / each.name).resolve() == Path(each.path).resolve():
            raise ValueError(f"{each.path}: would be written over itself; --out names another folder")
    key, shown = jax.random.key(seed), []
    for number, each in enumerate(tqdm(files, desc="images", unit="image", dynamic_ncols=True)):
        try:
            example = read(run, translator, each.path, masks, degrade)
        except Exception as error:  # each of Pillow's decoders has exceptions of its own
            yield f"{each.path}: {error}"
            continue
        given = {field: example[field] for field in translator.inputs}
        made = _whole(act, run, translator, given, jax.random.fold_in(key, number))
        if not np.isfinite(made).all():
            raise ValueError(f"{each.path}: becomes an image that is not finite: the generator's weights are not")
        picture = grids.grid(made[None], columns=1, padding=0, least_side=1)
        grids.save(picture, folder / each.name)
        if len(shown) < SHOWN:
            others = [np.asarray(to_unit_range(example[name]))[None] for name in ("image", "target") if name in example]
            before, *truth = (grids.grid(each, columns=1, padding=0, least_side=picture.width) for each in others)
            shown.append([before, picture, *truth])
    if shown:
        columns = ["before", "after", "truth"][: len(shown[0])]
        grids.save(panels.wall(shown, [""] * len(shown), columns, side=SIDE), folder / SHEET)


def read(run: TrainedRun, translator: Translator, path: str, masks: str | None, degrade: bool = False) -> Batch:
    """A file as an example, as large as it is unless the translator's sides are fixed.

    With its labels, or what is missing in it, if the translator asks for that.

    Args: degrade: whether it is to be made of the file's image as the run's examples were.
    """
    own = getattr(run.config, "data", DataConfig())
    size = run.spec.example[translator.inputs[0]].shape[:2] if translator.fixed else None
    if degrade:
        if getattr(own, "degrade", None) is None:
            raise ValueError(f"{run.workdir} did not learn to undo a degradation, but from pairs")
        decoding = pixels.Decoding(size, own.crop, own.white_level, own.max_pixels)
        image = pixels.decode(path, channels=run.spec.example["target"].shape[-1], decoding=decoding)
        example = degraded(ArraySource({"image": image[None]}), own.degrade)[np.arange(1)]
        return {name: field[0] for name, field in example.items()}
    if "labels" in translator.inputs:
        labels = label_maps.read(path)
        label_maps.require_labels(path, labels, own.num_labels)
        labels = labels if size is None else label_maps.resized(labels, size, own.crop)
        return {"labels": labels.astype(np.int32)[..., None], "image": label_maps.in_colours(labels[..., None])}
    decoding = pixels.Decoding(size, own.crop, own.white_level, own.max_pixels)
    image = pixels.decode(path, channels=run.spec.example["image"].shape[-1], decoding=decoding)
    if "mask" not in translator.inputs:
        return {"image": image}
    mask = _missing(path, masks)
    if mask.shape != image.shape[:2]:
        raise ValueError(
            f"its mask has {mask.shape[0]}x{mask.shape[1]} pixels, the image {image.shape[0]}x{image.shape[1]}"
        )
    return {"image": np.where(mask[..., None], np.uint8(MISSING), image), "mask": mask[..., None]}


def _missing(path: str, masks: str | None) -> np.ndarray:
    """Where something is missing in a file's image, bool [H, W]."""
    if masks is not None:
        place = Path(masks).expanduser()
        place = place / Path(path).name if place.is_dir() else place
        return pixels.decode(str(place), channels=1, decoding=pixels.AS_IT_IS)[..., 0] > 127
    with pixels.opened(path) as image:
        if not image.has_transparency_data:
            raise ValueError("nothing is transparent in it, and so nothing is missing; or name --masks")
        return np.asarray(image.convert("RGBA"))[..., 3] < 128


def _whole(act, run: TrainedRun, translator: Translator, example: Batch, key) -> np.ndarray:
    """An example translated: reflected at its edges until the sides are such as the translator takes, and cut back."""
    height, width = next(iter(example.values())).shape[:2]
    margins = [-side % translator.multiple for side in (height, width)]
    around = [(margin // 2, margin - margin // 2) for margin in margins]
    padded = {name: np.pad(field, [*around, (0, 0)], mode="symmetric")[None] for name, field in example.items()}
    made = np.asarray(act(run.state, padded, key))[0]
    times = made.shape[0] // (height + margins[0])
    top, left = (times * before for before, _ in around)
    return made[top : top + times * height, left : left + times * width]
