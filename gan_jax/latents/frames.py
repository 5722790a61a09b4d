"""Frames between latents, and between classes: rows, a square, a loop that closes.

In rows and loops the steps are even: from each frame to the next an image changes as much.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image
from tqdm import tqdm

from gan_jax.latents import interpolation
from gan_jax.latents.interpolation import closed, lerp, through
from gan_jax.pictures import grids

ROWS = 9
TILE = 30  # pixels of an image in a picture, with its margin, at least
SIDE = 360  # of an animation, likewise

Array = np.ndarray


class Subject(NamedTuple):
    """What is drawn.

    Fields:
      draw: (latents [..., d], weights of the classes [..., K] or None) -> images [..., H, W, C] in [-1, 1].
      random: n -> latents [n, d].
      path: between latents, a value of `interpolation.PATHS`.
      rows: how many.
      frames: in a row, or along a side; None for as many as suit.
      classes: the one-hot vectors [L, K] of the labels; None where the generator is not class-conditional.
      given: latents [m, d] that one path goes through, in place of random ones; None without any.
      names: of the classes, if there is to be a row of each; else with several classes paths go from class to class.
      shown: what is drawn, [n, ...] -> images [n, H, W, C] in [-1, 1] for people.
    """

    draw: Callable[[Array, Array | None], Array]
    random: Callable[[int], Array]
    path: interpolation.Path
    rows: int = ROWS
    frames: int | None = None
    classes: Array | None = None
    given: Array | None = None
    names: Sequence[str] = ()
    shown: Callable[[Array], Array] = lambda images: images


def line(subject: Subject) -> tuple[list[Image.Image], float]:
    """The picture of a row of images for each path; and `drawn_evenly`'s figure."""
    latents, weights = points(subject, stops=2)
    frames = subject.frames or max(12, 8 * latents.shape[1] - 7)
    drawn, uneven = drawn_evenly(subject, latents, weights, frames)
    drawn = subject.shown(drawn.reshape(-1, *drawn.shape[2:]))
    if subject.names:
        return [grids.rows(drawn, subject.names, least_side=max(512, TILE * frames))], uneven
    return [grids.grid(drawn, columns=frames, least_side=max(512, TILE * frames))], uneven


def loop(subject: Subject) -> tuple[list[Image.Image], float]:
    """The frames of an animation of all paths side by side, each of which comes back to where it started.

    From the last frame to the first is a step as all others. Also returns `drawn_evenly`'s figure.
    """
    latents, weights = points(subject, stops=5)
    frames = subject.frames or 24 * latents.shape[1]
    weights = None if weights is None else closed(weights)
    drawn, uneven = drawn_evenly(subject, closed(latents), weights, frames + 1)
    least = math.ceil(math.sqrt(len(drawn)))
    columns = min(range(least, 2 * least), key=lambda columns: -len(drawn) % columns)  # that few places are left
    shown = (subject.shown(drawn[:, i]) for i in tqdm(range(frames), desc="frames", leave=False, delay=2))
    return [grids.grid(images, columns=columns, least_side=SIDE) for images in shown], uneven


def grid(subject: Subject) -> tuple[list[Image.Image], None]:
    """The picture of a square between four latents; of several classes from class to class, down between two latents.

    Its steps are equal in the latents, not in the images.
    """
    several = subject.classes is not None and len(subject.classes) > 1
    side = subject.frames or max(10, 2 * len(subject.classes) - 1 if several else 0)
    if several:
        latents = subject.path(*subject.random(2), np.linspace(0, 1, side))[:, None].repeat(side, 1)
        weights = through(subject.classes, np.linspace(0, len(subject.classes) - 1, side), lerp)
    else:
        corners = subject.random(4)
        latents = interpolation.grid(corners.reshape(2, 2, -1), side, side, subject.path)
        weights = subject.classes
    weights = None if weights is None else np.broadcast_to(weights, (side, side, weights.shape[-1]))
    drawn = subject.draw(latents, weights)
    return [grids.grid(subject.shown(drawn.reshape(-1, *drawn.shape[2:])), columns=side)], None


def arithmetic(subject: Subject) -> tuple[list[Image.Image], None]:
    """The picture of rows a, b, c and a - b + c, of random latents (Radford et al. 2016, section 6.3.2), on which no path is."""
    a, b, c = latents = subject.random(3 * subject.rows).reshape(subject.rows, 3, -1).swapaxes(0, 1)
    latents = np.stack([*latents, a - b + c], axis=1)
    weights = (
        None
        if subject.classes is None
        else np.broadcast_to(subject.classes[0], (*latents.shape[:2], subject.classes.shape[-1]))
    )
    drawn = subject.draw(latents, weights)
    return [grids.grid(subject.shown(drawn.reshape(-1, *drawn.shape[2:])), columns=4)], None


SHAPES = {"line": line, "grid": grid, "loop": loop, "arithmetic": arithmetic}


def points(subject: Subject, stops: int) -> tuple[Array, Array | None]:
    """What the paths go through: latents [R, m, d], and weights of the classes [R, m, K] or None; m is `stops`, or L.

    A path goes through random latents, its class held; or, of several classes without names, from class to class, its
    latent held. Rows with names have the same latents. Where latents are given one path goes through them all.
    """
    if subject.given is not None:
        return subject.given[None], None
    if subject.classes is None:
        return subject.random(subject.rows * stops).reshape(subject.rows, stops, -1), None
    if subject.names:
        return subject.random(stops)[None].repeat(len(subject.names), 0), subject.classes[:, None].repeat(stops, 1)
    if len(subject.classes) > 1:
        held = subject.random(subject.rows)[:, None].repeat(len(subject.classes), 1)
        return held, subject.classes[None].repeat(subject.rows, 0)
    latents, _ = points(subject._replace(classes=None), stops)
    return latents, subject.classes[None].repeat(subject.rows, 0).repeat(stops, 1)


def drawn_evenly(subject: Subject, latents: Array, weights: Array | None, frames: int) -> tuple[Array, float]:
    """Images [R, frames, H, W, C] on the paths through latents [R, m, d] and weights [R, m, K], from end to end.

    Steps from an image to the next (`step_sizes`) are even (`interpolation.evenly`): the longest should be at most
    `interpolation.EVEN` = 1.1 times the mean of its path. Also returns how many times it is, on the worst path.
    """

    def draw(row: int, t: Array) -> Array:
        between = None if weights is None else through(weights[row], t, lerp)
        return subject.draw(through(latents[row], t, subject.path), between)

    drawn = []
    for row in tqdm(range(len(latents)), desc="paths", leave=False, dynamic_ncols=True):
        flat = lambda t, row=row: draw(row, t).reshape(len(t), -1)
        drawn.append(draw(row, interpolation.evenly(flat, latents.shape[1] - 1, frames)))
    return np.stack(drawn), max(interpolation.unevenness(step_sizes(row)) for row in drawn)


def step_sizes(drawn: Array) -> Array:
    """[k - 1]: the root mean squared difference of each of the images [k, H, W, C] to the next."""
    return np.sqrt(np.mean(np.diff(drawn, axis=0) ** 2, axis=tuple(range(1, drawn.ndim))))
