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

from gan_jax.randomness import Key, other_keys

Array = jax.Array
Augment = Callable[[Array, Key, Array], Array]


class Amount(NamedTuple):
    """How far an augmentation goes: by default, at most, and of what."""

    default: float
    largest: float
    unit: str


# What --augment names, as in translate:2,rotate:15,scale:0.15; in the order in which it is done.
AUGMENTATIONS: dict[str, Amount] = {
    "mirror": Amount(0.5, 1, "share of images whose left and right change places"),
    "rotate": Amount(15, 180, "degrees either way"),
    "scale": Amount(0.15, 0.9, "share by which height and width each grow or shrink"),
    "translate": Amount(2, 1024, "whole pixels each way, or below 1 a share of the sides"),
    "colour": Amount(1, 1, "of brightness ±0.5 in [-1, 1], saturation 0 to 2 times, contrast 0.5 to 1.5 times"),
    "cutout": Amount(0.5, 1, "side of a gray square, as share of the image's"),
}
# Several at once, by one name.
POLICIES: dict[str, dict[str, float]] = {
    # Zhao et al. 2020, arXiv:2006.10738, "Color + Translation + Cutout"; it does not mirror.
    "diffaugment": {"translate": 1 / 8, "colour": 1.0, "cutout": 0.5},
}
# What comes in where a moved image ends: its own reflection, or black, which D sees at once on images that are not.
FILLS: dict[str, dict] = {"reflect": dict(mode="mirror"), "black": dict(mode="constant", cval=-1)}


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


def translate(amount: float, fill: str = "reflect") -> Augment:
    """Each image [H, W, C] moved by up to `amount` pixels each way, or below 1 by that share of its sides, uniformly.

    What comes in at an edge is a name in FILLS. One of the augmentations of Zhao et al. 2020 (DiffAugment, arXiv:2006.10738).
    """
    padding = dict(mode="reflect") if fill == "reflect" else dict(constant_values=-1)

    def move(image: Array, key: Key) -> Array:
        rows, columns = (int(amount) if amount >= 1 else int(amount * side + 0.5) for side in image.shape[:2])
        padded = jnp.pad(image, ((rows, rows), (columns, columns), (0, 0)), **padding)
        row, column = jax.random.randint(key, (2,), 0, jnp.array([2 * rows + 1, 2 * columns + 1]))
        return jax.lax.dynamic_slice(padded, (row, column, 0), image.shape)

    return _each(move)


def mirror(share: float) -> Augment:
    """Left and right change places in this share of the images [H, W, C]."""
    return _each(lambda image, key: jnp.where(jax.random.bernoulli(key, share), image[:, ::-1], image))


def colour(share: float = 1.0) -> Augment:
    """Brightness, saturation and contrast of each image [H, W, C], uniformly, in this order.

    With `share` 1 the ranges of DiffAugment (Zhao et al. 2020, arXiv:2006.10738, in the authors' code): an offset in
    ±0.5, a pixel's distance from the mean of its channels times 0 to 2 (nothing where there is one channel), its
    distance from the image's mean times 0.5 to 1.5; with less, that share of them.
    """

    def jitter(image: Array, key: Key) -> Array:
        brightness, saturation, contrast = share * jax.random.uniform(key, (3,), minval=-1)
        image = image + brightness / 2
        gray = jnp.mean(image, -1, keepdims=True)
        image = gray + (image - gray) * (1 + saturation)
        mean = jnp.mean(image)
        return mean + (image - mean) * (1 + contrast / 2)

    return _each(jitter)


def cutout(share: float) -> Augment:
    """A square of each image [H, W, C], its sides `share` times the image's, becomes 0, gray.

    Its centre is any pixel, so it may lie partly outside. One of the augmentations of DiffAugment.
    """

    def cut(image: Array, key: Key) -> Array:
        sides = jnp.array(image.shape[:2])
        low = jnp.floor(jax.random.uniform(key, (2,)) * sides) - jnp.floor(share * sides / 2)
        place = jnp.moveaxis(jnp.indices(image.shape[:2]), 0, -1) - low
        inside = jnp.all((place >= 0) & (place < jnp.round(share * sides)), -1, keepdims=True)
        return jnp.where(inside, 0, image)

    return _each(cut)


def rotate_and_scale(degrees: float, share: float = 0.0, fill: str = "reflect") -> Augment:
    """Each image [H, W, C] rotated by up to `degrees` either way; its height, and on its own its width, made larger or
    smaller by up to `share`; uniformly, about its centre. Bilinear; what comes in at an edge is a name in FILLS.

    Both at once, so that an image is interpolated once.
    """

    def move(image: Array, key: Key) -> Array:
        rotate_key, scale_key = jax.random.split(key)
        angle = jnp.deg2rad(jax.random.uniform(rotate_key, minval=-degrees, maxval=degrees))
        scale = jax.random.uniform(scale_key, (2,), minval=1 - share, maxval=1 + share)
        return rotated(image, angle, scale, fill)

    return _each(move)


def rotated(image: Array, angle: Array, scale: Array, fill: str = "reflect") -> Array:
    """An image [H, W, C], its height and width scaled by `scale` [2], then rotated anticlockwise by `angle` in radians."""
    return moved(image, rotation(angle) / scale[:, None], jnp.zeros(2), fill)


def rotation(angle: Array) -> Array:
    """Of places (row, column), by an angle in radians, [2, 2]."""
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    return jnp.array([[cos, sin], [-sin, cos]])


def moved(image: Array, back: Array, shift: Array, fill: str = "reflect") -> Array:
    """An image [H, W, C] whose pixel at place r from the centre, (row, column), comes from back @ r + shift. Bilinear.

    Args: back: [2, 2]; shift: [2]; fill: a name in FILLS.
    """
    center = (jnp.array(image.shape[:2]) - 1) / 2
    places = jnp.indices(image.shape[:2], dtype=image.dtype) - center[:, None, None]
    source = list(jnp.tensordot(back, places, 1, precision="highest") + (shift + center)[:, None, None])
    each_channel = jax.vmap(partial(map_coordinates, order=1, **FILLS[fill]), in_axes=(-1, None), out_axes=-1)
    return each_channel(image, source)


def chain(*augments: Augment) -> Augment:
    """One augmentation after another, each with noise of its own."""

    def augment(images: Array, keys: Key, step: Array) -> Array:
        for number, one in enumerate(augments):
            images = one(images, other_keys(keys, number), step)
        return images

    return augment


def parse(texts: Sequence[str]) -> dict[str, float]:
    """The amount of each augmentation, of texts like "rotate" or "translate:2", or of a policy, "diffaugment".

    Raises ValueError for a name that is neither in AUGMENTATIONS nor in POLICIES or is there twice, and for an amount out of
    its range.
    """
    amounts: dict[str, float] = {}
    for text in texts:
        name, colon, amount = text.partition(":")
        if name in POLICIES and not colon:
            own = POLICIES[name]
        elif name in AUGMENTATIONS:
            kind = AUGMENTATIONS[name]
            own = {name: _amount(text, kind, amount) if colon else kind.default}
        else:
            known = ", ".join([*AUGMENTATIONS, *POLICIES])
            wrong = f"{name} takes no amount" if name in POLICIES else f"unknown augmentation {name!r}"
            raise ValueError(f"augment={','.join(texts)}: {wrong}; choose from {known}")
        if twice := [each for each in own if each in amounts]:
            raise ValueError(f"augment={','.join(texts)}: {twice[0]} is there twice")
        amounts |= own
    pixels = amounts.get("translate", 0)
    if pixels > 1 and pixels % 1:
        raise ValueError(
            f"augment={','.join(texts)}: translate goes by whole pixels, or by a share of the sides below 1"
        )
    return amounts


def make(amounts: Mapping[str, float], *others: Augment, fill: str = "reflect") -> Augment:
    """The augmentations of these amounts (`parse`), one after another in the order of AUGMENTATIONS; then others."""
    rotate, scale = amounts.get("rotate", 0), amounts.get("scale", 0)
    own = {
        "mirror": mirror,
        "rotate": lambda degrees: rotate_and_scale(degrees, scale, fill),
        "scale": lambda share: rotate_and_scale(rotate, share, fill),
        "translate": lambda amount: translate(amount, fill),
        "colour": colour,
        "cutout": cutout,
    }
    asked = [name for name in AUGMENTATIONS if amounts.get(name) and not (name == "scale" and rotate)]
    return chain(*[own[name](amounts[name]) for name in asked], *others)


def pack(images: Array, size: int) -> Array:
    """`size` images after one another as one of `size` times the channels, [B, ..., C] -> [B/size, ..., size C].

    PacGAN (Lin et al. 2018, arXiv:1712.04086): D scores packs, in which a lack of variety shows.
    Raises ValueError if size does not divide B.
    """
    if len(images) % size:
        raise ValueError(f"packs of {size} do not divide a batch of {len(images)} images")
    packs = jnp.moveaxis(images.reshape(-1, size, *images.shape[1:]), 1, -2)
    return packs.reshape(*packs.shape[:-2], -1)


def unpack(packs: Array, size: int) -> Array:
    """The images of packs, [B/size, ..., size C] -> [B, ..., C]: `pack` undone."""
    channels = packs.shape[-1] // size
    apart = jnp.moveaxis(packs.reshape(*packs.shape[:-1], size, channels), -2, 1)
    return apart.reshape(-1, *packs.shape[1:-1], channels)


def _each(change: Callable[[Array, Key], Array]) -> Augment:
    """The augmentation that changes each image by its own key."""
    return lambda images, keys, step: jax.vmap(change)(images, keys)


def _amount(text: str, kind: Amount, amount: str) -> float:
    try:
        value = float(amount)
    except ValueError as error:
        raise ValueError(f"augment={text}: {amount!r} is no number ({kind.unit})") from error
    if not 0 <= value <= kind.largest:
        raise ValueError(f"augment={text}: must be from 0 to {kind.largest:g} ({kind.unit})")
    return value
