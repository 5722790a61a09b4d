"""An image file as an example of what a run learnt: with its labels, with what is missing in it, or damaged first."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ImageOps

from gan_jax.config.parts import DataConfig
from gan_jax.data import degrade, image_paths, label_maps, pixels
from gan_jax.data.degrade import MISSING
from gan_jax.recipes.contract import Batch, Translator
from gan_jax.runs.restore import TrainedRun

COLOURLESS = (
    "gray",
    "lightness",
)  # degradations that a coloured image has yet to undergo, when its colours are asked for


class Given(NamedTuple):
    """What comes with the files.

    Fields:
      degrade: whether examples are to be made of their images as the run's were.
      masks: of a run that fills holes, the file of a mask, white where something is missing, or a folder of files of the images'
        names; None: what is transparent is missing.
      style: of a run that draws in styles, the file of an image; None: in styles of their own.
      max_pixels: larger images are refused.
    """

    degrade: bool = False
    masks: str | None = None
    style: str | None = None
    max_pixels: int | None = None


Reader = Callable[[str, str, int], Batch]


def reader(run: TrainedRun, translator: Translator, given: Given) -> Reader:
    """(path, name, seed) -> the example of a file, uint8, as large as the image is, or as examples of the run if these are fixed.

    Args of what it returns: name: of the image from its folder on, by which a mask is found; seed: of what is done to it by chance.
    It raises what Pillow does, and ValueError if the image does not fit the run. Raises ValueError or OSError if what is given does
    not.
    """
    own = getattr(run.config, "data", DataConfig())
    undone, spec = getattr(own, "degrade", None), translator.example(run.spec.example)
    size = spec[translator.inputs[0]].shape[:2] if translator.fixed else None
    decoding = pixels.Decoding(size, own.crop, own.white_level, given.max_pixels)
    if given.degrade and undone is None:
        raise ValueError(f"{run.workdir} did not learn to undo a degradation, but from pairs")
    if given.masks is not None and "mask" not in translator.inputs:
        raise ValueError(f"masks={given.masks}: {run.workdir} fills no holes")
    others = {}
    if "target" in translator.inputs:
        shape = spec["target"].shape
        others["target"] = pixels.decode(given.style, channels=shape[-1], decoding=decoding._replace(size=shape[:2]))
    masks = None if given.masks is None else find_masks(given.masks)

    def image_of(path: str, channels: int) -> np.ndarray:
        return pixels.decode(path, channels=channels, decoding=decoding)

    def read(path: str, name: str, seed: int) -> Batch:
        if given.degrade:
            made = degrade.of_image(image_of(path, spec["target"].shape[-1]), undone, seed)
            return {**made, **others}
        if "labels" in translator.inputs:
            labels = label_maps.read(path, given.max_pixels)
            label_maps.require_known(path, label_maps.largest(labels), own.num_labels)
            labels = labels if size is None else label_maps.resized(labels, size, own.crop)
            labels = labels.astype(np.int32)[..., None]
            return {"labels": labels, "image": label_maps.in_colours(labels), **others}
        if undone in COLOURLESS:
            return degrade.DEGRADATIONS[undone].function(image_of(path, 3), None, None)
        image = image_of(path, spec["image"].shape[-1])
        return {"image": image} if "mask" not in translator.inputs else torn(image, missing(path, name, masks))

    return read


def torn(image: np.ndarray, mask: np.ndarray) -> Batch:
    """The example of an image [H, W, C] in which something is missing, bool [H, W]. Raises ValueError for other sides."""
    if mask.shape != image.shape[:2]:
        raise ValueError(
            f"its mask has {mask.shape[0]}x{mask.shape[1]} pixels, the image {image.shape[0]}x{image.shape[1]}"
        )
    return {"image": np.where(mask[..., None], np.uint8(MISSING), image), "mask": mask[..., None]}


def find_masks(place: str) -> str | dict[str, str]:
    """A mask's file; or, of a folder, its files by their names from there on, but for the ending. Raises ValueError or OSError."""
    root = Path(place).expanduser()
    if not root.is_dir():
        if not root.exists():
            raise FileNotFoundError(f"masks={place}: no such file or folder")
        return str(root)
    found = {str(Path(each).with_suffix("")): str(root / each) for each in image_paths.find(root).files}
    if not found:
        raise ValueError(f"masks={place}: has no images")
    return found


def missing(path: str, name: str, masks: str | Mapping[str, str] | None) -> np.ndarray:
    """Where something is missing in a file's image, bool [H, W]: where its mask is white; without one, where it is transparent."""
    if masks is not None:
        stem = str(Path(name).with_suffix(""))
        if not isinstance(masks, str) and stem not in masks:
            raise ValueError("has no mask of its name")
        file = masks if isinstance(masks, str) else masks[stem]
        return pixels.decode(file, channels=1, decoding=pixels.AS_IT_IS)[..., 0] > 127
    with pixels.opened(path) as image:
        if not image.has_transparency_data:
            raise ValueError("nothing is transparent in it, and so nothing is missing; or name --masks")
        ImageOps.exif_transpose(image, in_place=True)
        return np.asarray(image.convert("RGBA"))[..., 3] < 255  # what is half transparent is not known either
