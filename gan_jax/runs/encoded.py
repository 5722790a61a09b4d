"""What an encoder makes of images, in pictures: reconstructions, where images lie among the latents, and what is between."""

from collections.abc import Callable, Iterator

import jax
import numpy as np
from PIL import Image
from scipy import stats
from sklearn.decomposition import PCA

from gan_jax.data import Source
from gan_jax.pictures import grids
from gan_jax.pictures.pairs import pairs
from gan_jax.pictures.scatter import scatter
from gan_jax.recipes.batch import to_unit_range
from gan_jax.recipes.contract import Recipe, State
from gan_jax.runs import drawing, monitor

SHOWN = 40  # images beside their reconstructions
POINTS = 2000  # images among the latents
SIDE = 20  # images along a side of the plane
ENDS = 0.025  # of the normal distribution that the plane leaves out at either end

# What is drawn, by the file's name: a caption and, for those who do not see it, what it is.
CAPTIONS = {
    "reconstructions.png": ("Of each pair the image is on the left, on the right what is drawn of its code.", "Pairs"),
    "encodings.png": ("Codes of images that the run did not learn, if it was left any.", "Points coloured by class"),
    "plane.png": (
        "What is drawn of a plane of latents, from quantile to quantile of the prior.",
        "A square of samples",
    ),
}


def pictures(recipe: Recipe, state: State, source: Source) -> Iterator[tuple[str, Image.Image]]:
    """Yields what can be drawn of a recipe that encodes, by the names in CAPTIONS. Args: source: of the images encoded."""
    chosen = monitor.real_order(source, POINTS)
    examples = lambda rows: source[chosen[rows]]
    codes = encode(recipe, state, lambda rows: examples(rows)["image"], len(chosen))
    if recipe.sampler is not None:
        images = np.asarray(to_unit_range(examples(np.arange(min(SHOWN, len(chosen))))["image"]))
        drawn = drawing.render(recipe.sampler, state, codes[:SHOWN])
        yield "reconstructions.png", pairs(images, drawn, ("image", "drawn"))
        if codes.shape[1] == 2 and recipe.sampler.prior == "normal":
            yield "plane.png", grids.grid(drawing.render(recipe.sampler, state, plane(SIDE)), columns=SIDE, padding=0)
    labels = source.labels[chosen] if source.classes else None
    points, axes = onto_plane(codes, labels)
    yield "encodings.png", scatter(points, labels, source.classes, axes=axes, equal=codes.shape[1] > 1)


def encode(recipe: Recipe, state: State, images: Callable[[np.ndarray], np.ndarray], count: int) -> np.ndarray:
    """The codes [count, d] of images, read some at a time. Args: images: rows -> uint8, or floats in [-1, 1], [n, H, W, C]."""
    encode = jax.jit(lambda state, images: recipe.encode(state, to_unit_range(images)))
    return np.concatenate(list(drawing.chunks(count, lambda rows: encode(state, images(rows)))))


def plane(side: int) -> np.ndarray:
    """Latents [side², 2] that divide the normal plane evenly: quantiles, rows from the top down."""
    quantiles = stats.norm.ppf(np.linspace(ENDS, 1 - ENDS, side))
    x, y = np.meshgrid(quantiles, quantiles[::-1])
    return np.stack([x.ravel(), y.ravel()], axis=1)


def onto_plane(codes: np.ndarray, labels: np.ndarray | None = None) -> tuple[np.ndarray, tuple[str, str]]:
    """Codes [N, d] as points [N, 2], by their two main directions if they have more; and what the axes are.

    Codes of one number are spread by the numbers of their classes [N], where there are any.
    """
    if codes.shape[1] == 1:
        return np.stack([codes[:, 0], np.zeros(len(codes)) if labels is None else labels], axis=1), ("z", "class")
    if codes.shape[1] == 2:
        return codes, ("z, first number", "z, second number")
    found = PCA(2).fit(codes)
    shares = [
        f"main direction {i + 1} ({share:.0%} of the variance)"
        for i, share in enumerate(found.explained_variance_ratio_)
    ]
    return found.transform(codes), tuple(shares)
