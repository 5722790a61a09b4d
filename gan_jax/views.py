"""Views: what D sees of images, real and fake alike. G learns through them, so they are differentiable.

A view is a function (images [B, ...], keys [B], step) -> images [B, ...]; step is the number of rounds played, and
keys are one per example.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates

from gan_jax.randomness import Key

Array = jax.Array
View = Callable[[Array, Key, Array], Array]


def plain(images: Array, keys: Key, step: Array) -> Array:
    """The images as they are."""
    return images


def instance_noise(deviation: float, rounds: int) -> View:
    """Gaussian noise on every image, its standard deviation falling linearly from `deviation` to 0 over `rounds`.

    Arjovsky & Bottou 2017 (arXiv:1701.04862, section 3); Sønderby et al. 2017 (arXiv:1610.04490, section 3.1), who
    anneal it linearly.
    """

    def view(images: Array, keys: Key, step: Array) -> Array:
        now = deviation * jnp.maximum(0.0, 1 - step / rounds)
        noise = jax.vmap(lambda key: jax.random.normal(key, images.shape[1:]))(keys)
        return images + now * noise

    return view


def shift(most: int) -> View:
    """Each image [H, W, C] moved by up to `most` pixels each way, uniformly; what comes in at an edge is -1, black.

    As D's view it is one of the augmentations of Zhao et al. 2020 (DiffAugment, arXiv:2006.10738).
    """

    def move(image: Array, key: Key) -> Array:
        padded = jnp.pad(image, ((most, most), (most, most), (0, 0)), constant_values=-1)
        row, column = jax.random.randint(key, (2,), 0, 2 * most + 1)
        return jax.lax.dynamic_slice(padded, (row, column, 0), image.shape)

    return lambda images, keys, step: jax.vmap(move)(images, keys)


def turn(degrees: float, zoom: float = 0.0) -> View:
    """Each image [H, W, C] turned by up to `degrees` either way; its height, and on its own its width, by up to the share
    `zoom` larger or smaller; uniformly, about its centre. Bilinear; what comes in at an edge is -1, black.
    """

    def move(image: Array, key: Key) -> Array:
        turn_key, zoom_key = jax.random.split(key)
        angle = jnp.deg2rad(jax.random.uniform(turn_key, minval=-degrees, maxval=degrees))
        return turned(image, angle, jax.random.uniform(zoom_key, (2,), minval=1 - zoom, maxval=1 + zoom))

    return lambda images, keys, step: jax.vmap(move)(images, keys)


def turned(image: Array, angle: Array, scale: Array) -> Array:
    """An image [H, W, C], its height and width scaled by `scale` [2], then turned anticlockwise by `angle` in radians."""
    center = (jnp.array(image.shape[:2]) - 1) / 2
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    row, column = jnp.indices(image.shape[:2], dtype=image.dtype) - center[:, None, None]
    source = jnp.stack([cos * row + sin * column, cos * column - sin * row]) / scale[:, None, None]
    place = list(source + center[:, None, None])
    each_channel = jax.vmap(partial(map_coordinates, order=1, cval=-1), in_axes=(-1, None), out_axes=-1)
    return each_channel(image, place)


def chain(*views: View) -> View:
    """One view after another, each with noise of its own."""

    def view(images: Array, keys: Key, step: Array) -> Array:
        for number, one in enumerate(views):
            images = one(images, jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, number), step)
        return images

    return view


def pack(images: Array, size: int) -> Array:
    """`size` images after one another as one of `size` times the channels, [B, ..., C] -> [B/size, ..., size C].

    PacGAN (Lin et al. 2018, arXiv:1712.04086): D judges packs, in which a lack of variety shows.
    Raises ValueError if size does not divide B.
    """
    if len(images) % size:
        raise ValueError(f"packs of {size} do not divide a batch of {len(images)} images")
    packs = jnp.moveaxis(images.reshape(-1, size, *images.shape[1:]), 1, -2)
    return packs.reshape(*packs.shape[:-2], -1)
