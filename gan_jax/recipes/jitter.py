"""Random changes of examples whose images go through them together: enlarged, cut back anywhere, mirrored."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.randomness import Key, example_keys
from gan_jax.recipes.contract import Batch

Array = jax.Array


class Jitter(NamedTuple):
    """What is done at random to all images of an example alike.

    Fields: load: sides (H, W) to which the largest are enlarged, to be cut back to their own anywhere (pix2pix: Isola et al. 2017,
    section 6.2); None leaves them; mirror: whether half of them are mirrored.
    """

    load: tuple[int, int] | None = None
    mirror: bool = False


def jittered(jitter: Jitter, example: Batch, key: Key, axis_name: str | None = None) -> Batch:
    """Examples of which all images [B, H, W, C] are enlarged, cut and mirrored alike: the key belongs to the example.

    Images that are smaller than the largest by a whole factor are cut so that they show the same.

    Args: axis_name: the mapped axis over which the batch is spread.
    """
    count = len(jax.tree.leaves(example)[0])
    return jax.vmap(lambda own, one: _jittered(jitter, own, one))(example_keys(key, count, axis_name), example)


def _jittered(jitter: Jitter, key: Key, example: Batch) -> Batch:
    cut_key, mirror_key = jax.random.split(key)
    images = {name: field for name, field in example.items() if field.ndim == 3}
    if jitter.load is not None:
        by_area = sorted((image.shape[:2] for image in images.values()), key=math.prod)
        coarsest, sides = by_area[0], by_area[-1]
        room = [(load - side) * least // side for load, side, least in zip(jitter.load, sides, coarsest)]
        corner = jax.random.randint(cut_key, (2,), 0, jnp.array(room) + 1)  # in the coarsest pixels

        def cut(image: Array) -> Array:
            load = [load * own // side for load, own, side in zip(jitter.load, image.shape, sides)]
            large = enlarged(image, (*load, image.shape[-1]))
            return jax.lax.dynamic_slice(large, (*corner * (image.shape[0] // coarsest[0]), 0), image.shape)

        images = {name: cut(image) for name, image in images.items()}
    if jitter.mirror:
        turned = jax.random.bernoulli(mirror_key)
        images = {name: jnp.where(turned, image[:, ::-1], image) for name, image in images.items()}
    return {**example, **images}


def enlarged(image: Array, shape: tuple[int, ...]) -> Array:
    """An image by a cubic, cut off at black and white; masks and labels by the nearest."""
    if not jnp.issubdtype(image.dtype, jnp.floating):
        return jax.image.resize(image, shape, "nearest")
    return jnp.clip(jax.image.resize(image, shape, "cubic"), -1, 1)
