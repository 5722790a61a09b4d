"""What translators make of examples: images beside what they are made of, and what they should be."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import jax
import numpy as np
from PIL import Image

from gan_jax.data import Source
from gan_jax.pictures import grids, panels
from gan_jax.randomness import Key
from gan_jax.recipes.batch import to_unit_range
from gan_jax.recipes.contract import Batch, State, Translator
from gan_jax.runs import drawing, monitor

SHOWN = 8  # examples in a picture
ENLARGED = 96  # to which narrower images are enlarged in a picture


def picture(translators: Mapping[str, Translator], state: State, source: Source, key: Key) -> Image.Image:
    """Rows of examples, always the same: what is given, what each translator makes of it, and what it should be."""
    return sheet(columns(translators, state, source[monitor.real_order(source, SHOWN)], key))


def columns(
    translators: Mapping[str, Translator],
    state: State,
    examples: Batch,
    key: Key,
    others: Mapping[str, np.ndarray] = MappingProxyType({}),
) -> dict[str, np.ndarray]:
    """Images [n, H, W, C] in [-1, 1] by what they are. Args: others: that stand before what translators make."""
    found = {"input": np.asarray(to_unit_range(examples["image"])), **others}
    for name, translator in translators.items():
        title = "output" if len(translators) == 1 else name
        at = lambda rows: {field: values[rows] for field, values in examples.items()}
        found[title] = np.concatenate(list(translate(translator, state, at, len(examples["image"]), key)))
    if "target" in examples:
        found["truth"] = np.asarray(to_unit_range(examples["target"]))
    return found


def sheet(columns: dict[str, np.ndarray]) -> Image.Image:
    """Images [n, H, W, C] in [-1, 1] in columns under their titles; small ones, enlarged by whole pixels, are as wide as others."""
    widest = max(ENLARGED, *(images.shape[2] for images in columns.values()))
    shown = {}
    for title, images in columns.items():
        factor = max(1, widest // images.shape[2])
        shown[title] = images.repeat(factor, axis=1).repeat(factor, axis=2)
    rows = [
        [grids.grid(images[i : i + 1], columns=1, padding=0, least_side=1) for images in shown.values()]
        for i in range(len(next(iter(shown.values()))))
    ]
    return panels.wall(rows, [""] * len(rows), list(shown), side=widest)


def translate(
    translator: Translator, state: State, examples: Callable[[np.ndarray], Batch], count: int, key: Key
) -> Iterator[np.ndarray]:
    """Yields images [B, H, W, C] in [-1, 1] of the examples 0 to count - 1, some at a time.

    Args: examples: rows -> the examples; key: for those with noise of their own, each time it is drawn anew.
    """

    @jax.jit
    def act(state: State, batch: Batch, key: Key) -> jax.Array:
        return translator.translate(state, jax.tree.map(to_unit_range, batch), key)

    def compute(rows: np.ndarray) -> jax.Array:
        batch = examples(rows)
        given = {name: batch[name] for name in translator.inputs}
        return act(state, given, jax.random.fold_in(key, int(rows[0])))

    return drawing.require_finite(drawing.chunks(count, compute))
