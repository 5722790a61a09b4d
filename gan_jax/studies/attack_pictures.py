"""What attacks look like: changed images beside their changes, a grid of noises, noise that is called a class."""

from functools import partial

import jax.numpy as jnp
import numpy as np
from PIL import Image

from gan_jax.attacks import Threat, bim, distances, gaussian_noise
from gan_jax.attacks.gradient import predictor
from gan_jax.attacks.noise import uniform_noise
from gan_jax.pictures import grids, panels
from gan_jax.randomness import Key
from gan_jax.studies.attack_table import Strength, attacks
from gan_jax.studies.target import Target

SHOWN = 8  # images
NOISE_STEP = 0.01  # of [0, 1]
NOISES = np.arange(10) / 10  # means and deviations of the grid, of [0, 1]


def examples(target: Target, threat: Threat, strength: Strength, key: Key) -> Image.Image:
    """Rows: an image, and by attack what is added, as visible as can be, with its norm, and what is said of the sum."""
    images, labels = target.shown(SHOWN)
    columns = [("image", images, target.said(images))]
    for name, attack in attacks(target, threat, strength).items():
        found = attack(images, labels, key)
        change, sizes = np.asarray(found - images), distances(found, images)
        lengths = [f"L∞ {linf:.2g}, L2 {l2:.2g}" for linf, l2 in zip(sizes["linf"], sizes["l2"], strict=True)]
        columns.append(("added", change / (2 * np.abs(change).max() or 1) + 0.5, lengths))
        columns.append((name.partition(",")[0], found, target.said(found)))
    rows = [[cell(each[number], text[number]) for _, each, text in columns] for number in range(len(images))]
    return panels.wall(rows, [""] * len(rows), [head for head, _, _ in columns])


def noises(target: Target, key: Key) -> Image.Image:
    """One image with Gaussian noise of growing means, by column, and deviations, by row; and what is said of each.

    It is the first that the most of it misleads: what is nothing but noise is of some class, too.
    """
    images, labels = target.shown(SHOWN)
    most = gaussian_noise(images, key, float(NOISES[-1]), float(NOISES[-1]))
    first = int(jnp.argmax(predictor(target.classify)(most) != labels))
    image, rows = images[first : first + 1], []
    for deviation in NOISES:
        found = jnp.concatenate([gaussian_noise(image, key, float(mean), float(deviation)) for mean in NOISES])
        rows.append([cell(*each) for each in zip(found, target.said(found), strict=True)])
    return panels.wall(rows, [f"σ {each:g}" for each in NOISES], [f"μ {each:g}" for each in NOISES])


def from_noise(target: Target, key: Key, *, steps: int = 200) -> Image.Image:
    """A column for each class: uniform noise, and what it becomes on the way to where a classifier is sure of the class."""
    names, shape = target.test.classes, target.test.spec["image"].shape
    start = uniform_noise(jnp.full((len(names), *shape), 0.5), key, Threat(0.5))
    towards = partial(
        bim, target.classify, start, jnp.arange(len(names)), Threat(1.0), step_size=NOISE_STEP, targeted=True
    )
    stops = (0, steps // 20, steps // 4, steps)
    found = [towards(steps=stop) for stop in stops]
    rows = [[cell(*each) for each in zip(images, target.said(images), strict=True)] for images in found]
    return panels.wall(rows, [f"{stop} steps" for stop in stops], [f"to {name}" for name in names])


def cell(image: np.ndarray, text: str) -> Image.Image:
    """An image [H, W, C] in [0, 1] above a line of text."""
    return grids.captioned([2 * np.asarray(image) - 1], [text], columns=1)
