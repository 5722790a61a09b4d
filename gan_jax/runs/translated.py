"""What translators make of examples: images beside what they are made of, and what they should be."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType

import jax
import numpy as np
from PIL import Image

from gan_jax.data import Domains, Source
from gan_jax.pictures import grids, panels
from gan_jax.randomness import Key
from gan_jax.recipes.batch import to_unit_range
from gan_jax.recipes.contract import Batch, State, Translator
from gan_jax.runs import drawing, monitor

SHOWN = 8  # examples in a picture
DRAWS = 3  # of a translator with noise of its own
ENLARGED = 96  # pixels: images are at least as wide in a picture


def picture(translators: Mapping[str, Translator], state: State, source: Source | Domains, key: Key) -> Image.Image:
    """Rows of examples, always the same: what is given, what each translator makes of it, and what it should be.

    Of domains: what is given of each, the same in the other, and back.
    """
    if isinstance(source, Domains):
        return sheet(there_and_back(translators, state, source, key))
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
        found["output" if len(translators) == 1 else name] = translate(translator, state, examples, key)
    if "target" in examples:
        found["truth"] = np.asarray(to_unit_range(examples["target"]))
    return found


def there_and_back(
    translators: Mapping[str, Translator], state: State, domains: Domains, key: Key, noise: float = 0.0
) -> dict[str, np.ndarray]:
    """Images [n, H, W, C] in [-1, 1] by what they are; those of a translator with noise of its own by several draws of it.

    Args: noise: added before the way back in a column of its own, as `back`'s; 0: there is none.
    """
    found = {}
    for translator in translators.values():
        source, (own, other) = domains.sources[translator.domain], (translator.domain, translator.into)
        examples = source[monitor.real_order(source, SHOWN)]
        found[own] = np.asarray(to_unit_range(examples["image"]))
        for draw in range(DRAWS if translator.noisy else 1):
            made = translate(translator, state, examples, jax.random.fold_in(key, draw))
            found[f"{own} to {other}" + f", {draw + 1}" * translator.noisy] = made
        if translator.back is not None:
            found[f"{own} to {other} to {own}"] = back(translator, state, examples, made)
            if noise:
                found[f"{own}, with noise"] = back(translator, state, examples, made, noise, key)
    return found


def back(
    translator: Translator, state: State, examples: Batch, made: np.ndarray, noise: float = 0.0, key: Key | None = None
) -> np.ndarray:
    """The images of examples made anew of what a translator made of them, [n, H, W, C] in [-1, 1].

    Args: noise: the deviation of what is added to each pixel before, of 0 to 255; key: of it. Raises as `translate`.
    """
    if noise:
        made = np.clip(made + np.asarray(jax.random.normal(key, made.shape)) * (noise / 127.5), -1, 1)
    images = _jitted_back(translator.back)(state, {name: examples[name] for name in translator.inputs}, made)
    return next(drawing.require_finite([np.asarray(images)]))


def sheet(columns: dict[str, np.ndarray]) -> Image.Image:
    """Images [n, H, W, C] in [-1, 1] in columns under their titles; small ones, enlarged by whole pixels, are as wide as others."""
    widest = max(images.shape[2] for images in columns.values())
    widest *= -(-ENLARGED // widest)
    shown = {}
    for title, images in columns.items():
        factor = max(1, widest // images.shape[2])
        shown[title] = images.repeat(factor, axis=1).repeat(factor, axis=2)
    rows = [
        [grids.grid(images[i : i + 1], columns=1, padding=0, least_side=1) for images in shown.values()]
        for i in range(len(next(iter(shown.values()))))
    ]
    return panels.wall(rows, [""] * len(rows), list(shown), side=widest)


def translate(translator: Translator, state: State, examples: Batch, key: Key) -> np.ndarray:
    """Images [n, H, W, C] in [-1, 1] of examples, all at once. Args: key: for translators with noise of their own.

    Raises ValueError if an image is not finite.
    """
    images = _jitted(translator.translate)(state, {name: examples[name] for name in translator.inputs}, key)
    return next(drawing.require_finite([np.asarray(images)]))


def in_mode(translators: Mapping[str, Translator], noisy: bool | None) -> dict[str, Translator]:
    """The translators, with noise of their own or without; None: as each usually is. Raises ValueError if one cannot be so."""
    found = {}
    for name, translator in translators.items():
        if noisy not in (None, translator.noisy):
            if translator.otherwise is None:
                raise ValueError(
                    f"noisy={str(noisy).lower()}: {name} is always {'with' if translator.noisy else 'without'} noise"
                )
            translator = translator._replace(
                translate=translator.otherwise, noisy=noisy, otherwise=translator.translate
            )
        found[name] = translator
    return found


@lru_cache(maxsize=8)  # a run's pictures are compiled once
def _jitted(translate: Callable[[State, Batch, Key], jax.Array]) -> Callable[[State, Batch, Key], jax.Array]:
    return jax.jit(lambda state, examples, key: translate(state, jax.tree.map(to_unit_range, examples), key))


@lru_cache(maxsize=8)
def _jitted_back(back: Callable[[State, Batch, jax.Array], jax.Array]) -> Callable[..., jax.Array]:
    return jax.jit(lambda state, examples, made: back(state, jax.tree.map(to_unit_range, examples), made))
