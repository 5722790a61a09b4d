"""data.png: real images as the networks see them, and as augmented. A wrong crop, or colours in a wrong order, show here first."""

from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
from PIL import Image

from gan_jax.data import Domains, Source, pipeline
from gan_jax.pictures import grids, panels
from gan_jax.pictures.kinds import KINDS
from gan_jax.randomness import example_keys
from gan_jax.recipes.contract import Recipe
from gan_jax.runs.data import Data

NAME = "data.png"
SHOWN = 64  # images
SIDE = 1024  # of each of the two grids, at most


def save(workdir: Path, data: Data, recipe: Recipe, seed: int) -> None:
    """Writes the sheet of a run that begins, unless it is there or the data has no images."""
    if not (workdir / NAME).exists() and (found := sheet(data.source, recipe, seed)):
        grids.save(found, workdir / NAME)


def sheet(source: Source | Domains | None, recipe: Recipe, seed: int) -> Image.Image | None:
    """The first images that the run trains on, beside the same as augmented before the first round.

    Of several domains a row each, and of pairs one of each side. None where there are no images in gray or colour.
    """
    rows = {name: images_of(each, seed, field) for name, each, field in _sides(source)}
    rows = {name: images for name, images in rows.items() if images is not None}
    if not rows:
        return None
    pictures = [[grids.grid(images)] for images in rows.values()]
    columns = [f"{max(map(len, rows.values()))} real images as they are"]
    if recipe.augment is not None:
        shown = [augmented(recipe, images, seed) for images in rows.values()]
        if not all(np.allclose(one, other, atol=1e-4) for one, other in zip(shown, rows.values())):
            columns.append("as the networks see them, augmented")
            for row, images in zip(pictures, shown):
                row.append(grids.grid(images))
    if len(columns) == 1:
        columns[0] += ", and as the networks see them: without augmentation"
    return panels.wall(pictures, list(rows), columns, side=SIDE)


def images_of(source: Source, seed: int, name: str = "image") -> np.ndarray | None:
    """The first examples of the first epoch, as images [n, H, W, C] in [-1, 1]; None if there is nothing to see in this field."""
    field = source.spec.get(name)
    if field is None:
        return None
    kind = KINDS.get(name, KINDS["image"])
    if kind.name == "image" and (len(field.shape), field.dtype) != (3, np.uint8):
        return None
    if kind.name == "image" and field.shape[-1] not in (1, 3):
        return None
    chosen = pipeline.indices(len(source), seed, 0, min(SHOWN, len(source)))
    return np.asarray(kind.shown(kind.of_examples(source[chosen][name])))


def augmented(recipe: Recipe, images: np.ndarray, seed: int) -> np.ndarray:
    """Images as D is shown them in the first round, each by a key of its own."""
    keys = example_keys(jax.random.key(seed), len(images))
    return np.asarray(jax.jit(recipe.augment)(images, keys, 0))


def _sides(source: Source | Domains | None) -> Iterator[tuple[str, Source, str]]:
    """Yields titles, sources and the names of their fields of images."""
    if isinstance(source, Domains):
        yield from ((name, each, "image") for name, each in source.sources.items())
    elif source is not None and "target" in source.spec:
        yield from (("input", source, "image"), ("target", source, "target"))
    elif source is not None:
        yield "", source, next((name for name in source.spec if name in KINDS), "image")
