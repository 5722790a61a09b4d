"""Samples of a state, drawn some at a time, and the pictures of them that a run keeps."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from gan_jax.pictures import grids
from gan_jax.pictures.kinds import KINDS
from gan_jax.randomness import Key, example_keys
from gan_jax.recipes.contract import Condition, Sampler, State

GRID = 64  # images in the sample grids
COLUMNS = 10  # images of each class, where there is a row of each
ROWS = 20  # classes in the grids, at most
CHUNK = 64  # images drawn at once


def picture(sampler: Sampler, classes: Sequence[str], state: State, key: Key) -> Image.Image:
    """A square of GRID images; or a row of each class, where one can be asked for. Of early rounds as `Sampler.seen`."""
    sampler, shown = sampler.seen(int(state.step)), KINDS[sampler.draws].pictures
    if not sampler.takes("label"):
        return grids.grid(shown(np.concatenate(list(draw(sampler, state, key, GRID)))))
    names = classes[:ROWS]
    chunks_of_rows = row_chunks(sampler, state, np.arange(len(names)), key, COLUMNS)
    return grids.rows(shown(np.concatenate(list(chunks_of_rows))), names)


def row_chunks(
    sampler: Sampler, state: State, labels: np.ndarray, key: Key, columns: int, truncation: float | None = None
) -> Iterator[np.ndarray]:
    """Yields images [B, H, W, C] in [-1, 1], `columns` of each label [R]; those of a column have the same latent."""
    keys = jnp.tile(example_keys(key, columns), len(labels))
    return draw_of(sampler, state, keys, {"label": np.repeat(labels, columns)}, truncation)


def draw(sampler: Sampler, state: State, key: Key, num: int) -> Iterator[np.ndarray]:
    """Yields `num` images [B, H, W, C] in [-1, 1], CHUNK at a time; image i depends on the key and i alone."""
    keys, draw_chunk = example_keys(key, num), jax.jit(sampler.sample, static_argnums=2)
    return chunks(num, lambda rows: draw_chunk(state, keys[rows], CHUNK))


def draw_of(
    sampler: Sampler, state: State, keys: Key, condition: Condition | None = None, truncation: float | None = None
) -> Iterator[np.ndarray]:
    """Yields images [B, H, W, C] in [-1, 1] of the keys [n], CHUNK at a time.

    Args: condition: of each, [n]; None where nothing can be asked for. truncation: of the latents.
    """
    draw = lambda state, keys, condition: sampler.generate(
        state, sampler.latents(keys, len(keys), truncation), condition
    )
    return by_rows(draw, state, keys, condition)


def generate(
    sampler: Sampler, state: State, latents: np.ndarray, condition: Condition | None = None
) -> Iterator[np.ndarray]:
    """Yields images [B, H, W, C] in [-1, 1] of latents [n, ...] and conditions [n], CHUNK at a time."""
    return by_rows(sampler.generate, state, np.float32(latents), condition)


def render(sampler: Sampler, state: State, latents: np.ndarray, condition: Condition | None = None) -> np.ndarray:
    """Images [..., H, W, C] in [-1, 1] of latents [..., d] and conditions [...]; ValueError if one is not finite."""
    shape = latents.shape[:-1]
    flat = jax.tree.map(lambda each: each.reshape(-1, *each.shape[len(shape) :]), (latents, condition))
    images = np.concatenate(list(require_finite(generate(sampler, state, *flat))))
    return images.reshape(*shape, *images.shape[1:])


def by_rows(draw: Callable[..., jax.Array], state: State, *columns) -> Iterator[np.ndarray]:
    """Yields draw(state, *columns), of arrays [n, ...] or pytrees of such, CHUNK rows at a time."""
    draw_chunk = jax.jit(draw)
    return chunks(len(columns[0]), lambda rows: draw_chunk(state, *jax.tree.map(lambda column: column[rows], columns)))


def require_finite(drawn: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The images, as they are. Raises ValueError at the first that has NaN or an infinity."""
    count = 0
    for images in drawn:
        finite = np.isfinite(images).reshape(len(images), -1).all(axis=1)
        if not finite.all():
            raise ValueError(f"image {count + int(np.argmin(finite))} is not finite: the generator's weights are not")
        count += len(images)
        yield images


def chunks(num: int, compute: Callable[[np.ndarray], jax.Array], size: int = CHUNK) -> Iterator[np.ndarray]:
    """Yields what `compute` makes of the rows 0..num-1, `size` of them at a time, filled up so that one is compiled."""
    for start in range(0, num, size):
        rows = np.arange(start, start + size) % num
        yield np.asarray(compute(rows))[: num - start]
