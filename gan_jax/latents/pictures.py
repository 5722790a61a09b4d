"""What was found of latents, in pictures and in words."""

import numpy as np
from PIL import Image

from gan_jax.latents import inversion
from gan_jax.latents.paths import Paths, Start
from gan_jax.pictures import grids

CLOSE = 0.01  # mean squared error of pixels in [-1, 1] up to which an image counts as found again
COLUMNS = 16  # images side by side, at most


def side_by_side(start: Start, images: np.ndarray) -> Image.Image:
    """Rows of the images that were inverted; beneath each row what is drawn of their latents, with the errors."""
    rows = -(-len(images) // COLUMNS)
    columns = -(-len(images) // rows)
    shown, captions = [], []
    for row in range(rows):
        own = slice(row * columns, (row + 1) * columns)
        errors = [f"{error:.4f}" for error in start.errors[own]]
        free = columns - len(errors)
        shown += [*start.targets[own], *[None] * free, *images[own], *[None] * free]
        captions += [""] * columns + errors + [""] * free
    title = "above: images; beneath: what is drawn of the latents found, and the mean squared error"
    return grids.captioned(shown, captions, columns=columns, title=title)


def frames(start: Start, paths: Paths, images: np.ndarray) -> Image.Image:
    """A row of frames for each path; before it the image that was inverted, after it the one that the path leads to."""
    shown, captions = [], []
    for number, (path, texts) in enumerate(zip(images, paths.captions, strict=True)):
        before = [] if start.targets is None else [start.targets[number]]
        after = [] if paths.goal is None else [paths.goal]
        shown += [*before, *path, *after]
        captions += ["image"] * len(before) + texts + ["image"] * len(after)
    return grids.captioned(shown, captions, columns=len(shown) // len(images), title=paths.title)


def describe(prior: str, start: Start, paths: Paths | None) -> list[str]:
    """The lines that describe all that was found."""
    lines = [] if start.errors is None else _errors(start)
    lengths = [_lengths(prior, start, paths)] if prior in inversion.PROJECTIONS else []
    return [*lines, *(paths.lines if paths else []), *lengths]


def _errors(start: Start) -> list[str]:
    """Each image's error, if they are not too many; and how many were found again."""
    unit, errors = "mean squared error of pixels in [-1, 1]", start.errors
    each = [f"{name}: {unit} {error:.4f}" for name, error in zip(start.names, errors, strict=True)]
    share = f"{np.mean(errors <= CLOSE):.1%} of {len(errors)} at most {CLOSE}"
    return (each if len(each) <= COLUMNS else []) + [
        f"{unit}: median {np.median(errors):.4f}, largest {errors.max():.4f}; {share}"
    ]


def _lengths(prior: str, start: Start, paths: Paths | None) -> str:
    """How long the latents at the ends are, beside those that are drawn."""
    size = start.latents.shape[-1]
    found = np.linalg.norm(start.latents if paths is None else paths.latents[:, -1], axis=-1)
    usual = {
        "normal": "99.9 % of those drawn: {:.2f} to {:.2f}".format(*inversion.shell(size)),
        "uniform": f"of those drawn about {np.sqrt(size / 3):.2f}",
    }
    return f"lengths of the latents at last: {found.min():.2f} to {found.max():.2f}; {usual[prior]}"
