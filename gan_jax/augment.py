"""Augmentations: what is done at random to all images that D (or a classifier) sees, real and fake alike.

An augmentation is a function (images [B, ...], keys [B], step) -> images [B, ...]; step is the number of rounds played,
and keys are one per example: an example's real image, its fake one and its target are changed alike. G learns through
augmentations, so they are differentiable.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates

from gan_jax.randomness import Key

Array = jax.Array
Augment = Callable[[Array, Key, Array], Array]


class Amount(NamedTuple):
    """How far an augmentation goes: by default, at most, and of what."""

    default: float
    largest: float
    unit: str


# What --augment names, as in translate:2,rotate:15,scale:0.15.
AUGMENTATIONS: dict[str, Amount] = {
    "translate": Amount(2, 1024, "whole pixels each way"),
    "rotate": Amount(15, 180, "degrees either way"),
    "scale": Amount(0.15, 0.9, "share by which height and width each grow or shrink"),
}


def identity(images: Array, keys: Key, step: Array) -> Array:
    """The images as they are."""
    return images


def instance_noise(deviation: float, rounds: int) -> Augment:
    """Gaussian noise on every image, its standard deviation falling linearly from `deviation` to 0 over `rounds`.

    Arjovsky & Bottou 2017 (arXiv:1701.04862, section 3); Sønderby et al. 2017 (arXiv:1610.04490, section 3.1), who
    anneal it linearly.
    """

    def augment(images: Array, keys: Key, step: Array) -> Array:
        now = deviation * jnp.maximum(0.0, 1 - step / rounds)
        noise = jax.vmap(lambda key: jax.random.normal(key, images.shape[1:]))(keys)
        return images + now * noise

    return augment


def translate(pixels: int) -> Augment:
    """Each image [H, W, C] moved by up to `pixels` each way, uniformly; what comes in at an edge is -1, black.

    One of the augmentations of Zhao et al. 2020 (DiffAugment, arXiv:2006.10738).
    """

    def move(image: Array, key: Key) -> Array:
        padded = jnp.pad(image, ((pixels, pixels), (pixels, pixels), (0, 0)), constant_values=-1)
        row, column = jax.random.randint(key, (2,), 0, 2 * pixels + 1)
        return jax.lax.dynamic_slice(padded, (row, column, 0), image.shape)

    return lambda images, keys, step: jax.vmap(move)(images, keys)


def rotate_and_scale(degrees: float, share: float = 0.0) -> Augment:
    """Each image [H, W, C] rotated by up to `degrees` either way; its height, and on its own its width, made larger or
    smaller by up to `share`; uniformly, about its centre. Bilinear; what comes in at an edge is -1, black.

    Both at once, so that an image is interpolated once.
    """

    def move(image: Array, key: Key) -> Array:
        rotate_key, scale_key = jax.random.split(key)
        angle = jnp.deg2rad(jax.random.uniform(rotate_key, minval=-degrees, maxval=degrees))
        return rotated(image, angle, jax.random.uniform(scale_key, (2,), minval=1 - share, maxval=1 + share))

    return lambda images, keys, step: jax.vmap(move)(images, keys)


def rotated(image: Array, angle: Array, scale: Array) -> Array:
    """An image [H, W, C], its height and width scaled by `scale` [2], then rotated anticlockwise by `angle` in radians."""
    center = (jnp.array(image.shape[:2]) - 1) / 2
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    row, column = jnp.indices(image.shape[:2], dtype=image.dtype) - center[:, None, None]
    source = jnp.stack([cos * row + sin * column, cos * column - sin * row]) / scale[:, None, None]
    place = list(source + center[:, None, None])
    each_channel = jax.vmap(partial(map_coordinates, order=1, cval=-1), in_axes=(-1, None), out_axes=-1)
    return each_channel(image, place)


def chain(*augments: Augment) -> Augment:
    """One augmentation after another, each with noise of its own."""

    def augment(images: Array, keys: Key, step: Array) -> Array:
        for number, one in enumerate(augments):
            images = one(images, jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, number), step)
        return images

    return augment


def parse(texts: Sequence[str]) -> dict[str, float]:
    """The amount of each augmentation, of texts like "rotate" or "translate:2".

    Raises ValueError for a name that is not in AUGMENTATIONS or is there twice, and for an amount out of its range.
    """
    amounts: dict[str, float] = {}
    for text in texts:
        name, colon, amount = text.partition(":")
        if name not in AUGMENTATIONS:
            raise ValueError(
                f"augment={','.join(texts)}: unknown augmentation {name!r}; choose from {', '.join(AUGMENTATIONS)}"
            )
        if name in amounts:
            raise ValueError(f"augment={','.join(texts)}: {name} is there twice")
        amounts[name] = _amount(text, AUGMENTATIONS[name], amount) if colon else AUGMENTATIONS[name].default
    if amounts.get("translate", 0) % 1:
        raise ValueError(f"augment={','.join(texts)}: translate goes by whole pixels")
    return amounts


def make(amounts: Mapping[str, float], *others: Augment) -> Augment:
    """The augmentations of these amounts (`parse`), one after another: rotate and scale, then translate; then others."""
    rotate, scale, pixels = (amounts.get(name, 0) for name in ("rotate", "scale", "translate"))
    affine = [rotate_and_scale(rotate, scale)] if rotate or scale else []
    moved = [translate(int(pixels))] if pixels else []
    return chain(*affine, *moved, *others)


def pack(images: Array, size: int) -> Array:
    """`size` images after one another as one of `size` times the channels, [B, ..., C] -> [B/size, ..., size C].

    PacGAN (Lin et al. 2018, arXiv:1712.04086): D scores packs, in which a lack of variety shows.
    Raises ValueError if size does not divide B.
    """
    if len(images) % size:
        raise ValueError(f"packs of {size} do not divide a batch of {len(images)} images")
    packs = jnp.moveaxis(images.reshape(-1, size, *images.shape[1:]), 1, -2)
    return packs.reshape(*packs.shape[:-2], -1)


def _amount(text: str, kind: Amount, amount: str) -> float:
    try:
        value = float(amount)
    except ValueError as error:
        raise ValueError(f"augment={text}: {amount!r} is no number ({kind.unit})") from error
    if not 0 <= value <= kind.largest:
        raise ValueError(f"augment={text}: must be from 0 to {kind.largest:g} ({kind.unit})")
    return value
