"""Furniture built of boxes and cylinders by chance: chairs, tables, beds and shelves, as voxels. Made, not collected.

Nobody designed these, and no statistics of real furniture are in them: they are to 3-D GANs what digits are to others, small and at
hand. A piece stands on the floor, in the middle, and faces the viewer: [D, H, W] is away from him, down, and to his right.
"""

from collections.abc import Callable
from functools import partial, reduce
from typing import NamedTuple

import numpy as np

from gan_jax.data.pixels import Size, both_sides
from gan_jax.data.source import ArraySource

SIDE = 16
COUNTS = {"train": 2000, "test": 400}  # pieces, as many of each class
FIRST = {"train": 0, "test": 10**6}  # the number of a split's first piece, which is the seed that it is made by
LEAST = 0.07  # of the thickness of what a piece is made of, so that it is not lost between two voxels of the least grid
LEAST_ROUND = 0.09  # of that of a cylinder
SIDES = (16, 64)  # of grids, from and to


class Part(NamedTuple):
    """A box, or an upright cylinder in it. Its corners (x, y, z) are to the right, up and to the back; a piece is in [0, 1]³."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]
    is_round: bool = False


def furniture(*, data_dir: str, split: str, image_size: Size | None) -> ArraySource:
    """Voxels, bool [N, S, S, S], and labels; 2,000 to train on and 400 to test on. Raises ValueError for a side out of SIDES."""
    del data_dir
    (side, other) = both_sides(SIDE if image_size is None else image_size)
    if side != other or not SIDES[0] <= side <= SIDES[1]:
        raise ValueError(f"image_size={image_size}: the grids of furniture have sides from {SIDES[0]} to {SIDES[1]}")
    numbers = np.arange(COUNTS[split])
    classes = tuple(KINDS)
    labels = (numbers % len(classes)).astype(np.int32)
    pieces = [voxelised(make(classes[label], FIRST[split] + number), side) for number, label in zip(numbers, labels)]
    return ArraySource({"voxels": np.stack(pieces), "label": labels}, classes)


def make(kind: str, seed: int) -> list[Part]:
    """The parts of a piece of one of KINDS."""
    return KINDS[kind](np.random.RandomState(seed))


def voxelised(parts: list[Part], side: int) -> np.ndarray:
    """Which voxels' centres are in a part, bool [side, side, side]."""
    centres = (np.arange(side) + 0.5) / side
    z, y, x = np.meshgrid(centres, 1 - centres, centres, indexing="ij", sparse=True)
    return reduce(np.logical_or, (_inside(part, x, y, z) for part in parts))


def _inside(part: Part, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    (left, bottom, front), (right, top, back) = part.low, part.high
    upright = (bottom <= y) & (y < top)
    if part.is_round:
        across, along = (2 * x - left - right) / (right - left), (2 * z - front - back) / (back - front)
        return upright & (across**2 + along**2 <= 1)
    return upright & (left <= x) & (x < right) & (front <= z) & (z < back)


def _legs(width: float, depth: float, height: float, thick: float, is_round: bool) -> list[Part]:
    """Four, at the corners of a rectangle in the middle."""
    thick = max(thick, LEAST_ROUND) if is_round else thick
    left, front = (1 - width) / 2, (1 - depth) / 2
    return [
        Part((x, 0, z), (x + thick, height, z + thick), is_round)
        for x in (left, 1 - left - thick)
        for z in (front, 1 - front - thick)
    ]


def _chair(draw: np.random.RandomState, arms: bool) -> list[Part]:
    width, depth = draw.uniform(0.4, 0.62), draw.uniform(0.4, 0.6)
    seat, top = draw.uniform(0.32, 0.48), draw.uniform(0.78, 1.0)
    thick, slab = draw.uniform(LEAST, 0.1), draw.uniform(LEAST, 0.12)
    left, front = (1 - width) / 2, (1 - depth) / 2
    right, back = 1 - left, 1 - front
    parts = [
        *_legs(width, depth, seat, thick, draw.rand() < 0.3),
        Part((left, seat, front), (right, seat + slab, back)),
    ]
    behind = back - thick
    style = draw.choice(["full", "frame", "slats"])
    if style == "full":
        parts.append(Part((left, seat, behind), (right, top, back)))
    else:
        posts = [(left, left + thick), (right - thick, right)]
        if style == "slats":
            middle = 0.5 - thick / 2
            posts.append((middle, middle + thick))
        parts += [Part((a, seat, behind), (b, top, back)) for a, b in posts]
        parts.append(Part((left, top - draw.uniform(0.1, 0.2), behind), (right, top, back)))
    if arms:
        rest = seat + slab + draw.uniform(0.1, 0.18)
        for a, b in ((left, left + thick), (right - thick, right)):
            parts += [Part((a, rest, front), (b, rest + LEAST, back)), Part((a, seat, front), (b, rest, front + thick))]
    return parts


def _table(draw: np.random.RandomState, is_round: bool) -> list[Part]:
    width, depth = draw.uniform(0.65, 1.0), draw.uniform(0.5, 0.95)
    height, slab, thick = draw.uniform(0.4, 0.75), draw.uniform(LEAST, 0.12), draw.uniform(LEAST, 0.12)
    if is_round:
        depth = width
    left, front = (1 - width) / 2, (1 - depth) / 2
    top = Part((left, height - slab, front), (1 - left, height, 1 - front), is_round)
    if draw.rand() < (0.6 if is_round else 0.15):
        post, foot = draw.uniform(0.05, 0.1), draw.uniform(0.18, 0.28)
        column = Part((0.5 - post, 0, 0.5 - post), (0.5 + post, height, 0.5 + post), True)
        return [top, column, Part((0.5 - foot, 0, 0.5 - foot), (0.5 + foot, LEAST, 0.5 + foot), is_round)]
    within = 0.68 if is_round else draw.uniform(0.8, 1.0)
    parts = [top, *_legs(within * width, within * depth, height, thick, draw.rand() < 0.4)]
    if not is_round and draw.rand() < 0.25:  # a board between the legs
        low, board = draw.uniform(0.12, 0.2), within * width / 2
        parts.append(
            Part((0.5 - board, low, 0.5 - within * depth / 2), (0.5 + board, low + LEAST, 0.5 + within * depth / 2))
        )
    return parts


def _bed(draw: np.random.RandomState, foot: bool) -> list[Part]:
    """Its head is at the back; a foot is a board at the front."""
    width, length, head = draw.uniform(0.5, 0.95), draw.uniform(0.9, 1.0), draw.uniform(0.4, 0.65)
    under, thick, board = draw.uniform(0.08, 0.18), draw.uniform(0.1, 0.2), draw.uniform(LEAST, 0.1)
    left, front = (1 - width) / 2, (1 - length) / 2
    right, back, top = 1 - left, 1 - front, under + thick
    parts = [Part((left, under, front), (right, top, back)), Part((left, 0, back - board), (right, head, back))]
    if draw.rand() < 0.3:
        parts.append(Part((left, 0, front), (right, under, back)))
    else:
        parts += _legs(width, length, under, max(LEAST, board), False)
    if foot:
        parts.append(Part((left, 0, front), (right, top + draw.uniform(0.08, 0.2), front + board)))
    places = [(left + 0.05, right - 0.05)]
    if width > 0.7:
        places = [(left + 0.05, 0.5 - 0.04), (0.5 + 0.04, right - 0.05)]
    deep = draw.uniform(0.16, 0.24)
    parts += [Part((a, top, back - board - deep), (b, top + LEAST, back - board)) for a, b in places]
    return parts


def _shelf(draw: np.random.RandomState, halved: bool) -> list[Part]:
    width, depth, height = draw.uniform(0.45, 0.9), draw.uniform(0.25, 0.45), draw.uniform(0.8, 1.0)
    thick, boards = draw.uniform(LEAST, 0.09), draw.randint(3, 6)
    left, front = (1 - width) / 2, (1 - depth) / 2
    right, back = 1 - left, 1 - front
    heights = np.linspace(draw.choice([0.0, 0.1]), height - LEAST, boards)
    parts = [Part((left, low, front), (right, low + LEAST, back)) for low in heights]
    parts += [Part((a, 0, front), (b, height, back)) for a, b in ((left, left + thick), (right - thick, right))]
    if draw.rand() < 0.6:
        parts.append(Part((left, heights[0], back - LEAST), (right, height, back)))
    if halved:
        middle = 0.5 - thick / 2
        parts.append(Part((middle, heights[0], front), (middle + thick, height, back)))
    return parts


KINDS: dict[str, Callable[[np.random.RandomState], list[Part]]] = {
    "chair": partial(_chair, arms=False),
    "armchair": partial(_chair, arms=True),
    "table": partial(_table, is_round=False),
    "round table": partial(_table, is_round=True),
    "bed": partial(_bed, foot=False),
    "sleigh bed": partial(_bed, foot=True),
    "shelf": partial(_shelf, halved=False),
    "pigeonholes": partial(_shelf, halved=True),
}
