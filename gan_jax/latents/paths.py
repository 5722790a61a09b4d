"""Latents of images, and paths that start there: to another image, along the difference of two classes, to a class."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from gan_jax.config.options import option
from gan_jax.latents import inversion
from gan_jax.latents.interpolation import PATHS, usual_path
from gan_jax.latents.model import Classifier, Model

FRAMES = 9  # of a path, its ends included
CHOSEN_FROM = 1024  # samples, if they are to be of a class
INVERTED = 64  # images that are inverted at once
KEPT = 100  # steps of `up`, at most, of which some become frames
ASCENT_RATE = 0.05  # Adam's, in latents, which falls to 0 along a cosine
TINY = 1e-30  # added to probabilities, so that their logarithms are finite
OWN = 2**32 - 1  # no sample has this index, so a seed's key that is folded with it draws no sample


@dataclass(frozen=True)
class InversionConfig:
    """How the latents of images are looked for."""

    GROUP: ClassVar[str] = "search"
    drawn: int = option(4096, "Latents drawn to start an inversion from, or to know classes by.", low=1)
    starts: int = option(
        4, "Of an inversion: the latents, of those drawn, of the nearest images; or else the run's encoder's.", low=1
    )
    descent_steps: int = option(
        300, "Of an inversion, and of --maximise; 0 takes the latents of the run's encoder as they are.", low=0
    )
    descent_rate: float = option(0.2, "Adam's rate in an inversion, which falls to 0 along a cosine.", low=0)
    tolerance: float = option(
        0.0, "By how much numbers may differ without counting as an error, black being 0 and white 1.", low=0
    )


@dataclass(frozen=True)
class SearchConfig(InversionConfig):
    """How latents are looked for."""

    seed: int = option(0, "Of samples, and of the latents that are drawn.", low=0)
    strength: float = option(2.0, "How many times the difference of mean latents --direction goes.")
    smoothing: float = option(0.5, "--maximise: of latents so far about, on average, too; 0 for a latent alone.", low=0)


def require_possible(model: Model, config: InversionConfig) -> None:
    """Raises ValueError for what no inversion can do: to start from more than is drawn, or with neither steps nor an encoder."""
    if config.starts > config.drawn:
        raise ValueError(f"starts={config.starts}: at most as many as are drawn, {config.drawn}")
    if config.descent_steps == 0 and model.encode is None:
        raise ValueError("descent_steps=0: must be at least 1; only the latents of an encoder are taken as they are")


class Start(NamedTuple):
    """Where paths start: names [N]; latents [N, d]; the images that were inverted, and their errors [N], or None."""

    names: list[str]
    latents: np.ndarray
    targets: np.ndarray | None = None
    errors: np.ndarray | None = None


class Paths(NamedTuple):
    """Paths, and what is said of them.

    Fields:
      latents: [N, FRAMES, d].
      captions: of each frame, [N][FRAMES].
      title: of the picture.
      lines: that describe the paths.
      goal: the image [H, W, C] that all lead to, if there is one.
    """

    latents: np.ndarray
    captions: list[list[str]]
    title: str
    lines: list[str]
    goal: np.ndarray | None = None


def samples(model: Model, count: int, config: SearchConfig) -> Start:
    """The first samples of config.seed, as `python -m gan_jax sample` draws them."""
    return Start([f"sample {number}" for number in range(count)], model.draw(jax.random.key(config.seed), count))


def samples_of(model: Model, classifier: Classifier, number: int, count: int, config: SearchConfig) -> Start:
    """The first samples that the classifier sees this class in, or all of CHOSEN_FROM; ValueError if there are none."""
    start = samples(model, CHOSEN_FROM, config)
    chosen = np.flatnonzero(classifier.classify(model.render(start.latents)).argmax(axis=1) == number)[:count]
    if not len(chosen):
        raise ValueError(f"{classifier.name} sees class {classifier.classes[number]} in none of {CHOSEN_FROM} samples")
    return Start([start.names[i] for i in chosen], start.latents[chosen])


def inverted(model: Model, names: list[str], targets: np.ndarray, config: SearchConfig) -> Start:
    """The latents of images [N, H, W, C] in [-1, 1]."""
    found = inverter(model, config, titled=True)(targets)
    return Start(names, found.latents, targets, found.errors)


def inverter(model: Model, config: SearchConfig, *, titled: bool = False) -> Callable[[np.ndarray], inversion.Found]:
    """Images [N, H, W, C] in [-1, 1] -> their latents, INVERTED of them at once. Args: titled: whether there are bars."""
    find_starts, project, descent = _starts(model, config), model.projection, _descent(model, config)

    def invert(targets: np.ndarray) -> inversion.Found:
        found = []
        for first in range(0, len(targets), INVERTED):
            some = targets[first : first + INVERTED]
            title = f"inverting images {first + 1} to {first + len(some)} of {len(targets)}" if titled else ""
            found.append(inversion.invert(model.generate, some, find_starts(some), project, **descent, title=title))
        return inversion.Found(*(np.concatenate(column) for column in zip(*found, strict=True)))

    return invert


def towards(model: Model, start: Start, name: str, goal: np.ndarray, config: SearchConfig) -> Paths:
    """To the latent of the image `goal` [H, W, C]: on an arc about 0 between normal latents, else straight (in W too)."""
    found = inverted(model, [name], goal[None], config)
    times = np.linspace(0, 1, FRAMES)
    path = PATHS[usual_path(model.prior)]
    way = np.float32(path(start.latents[:, None], found.latents, times))
    latents = np.asarray(model.projection(way))  # between two maps of noise, say, is one of a smaller deviation
    captions = [[f"{time:.3g}" for time in times]] * len(latents)
    lines = [f"{name}: mean squared error {found.errors[0]:.4f}"]
    return Paths(latents, captions, f"towards {name}; beneath: which part of the way", lines, goal)


def along(model: Model, classifier: Classifier, classes: list[int], start: Start, config: SearchConfig) -> Paths:
    """Straight along the difference of two classes' mean latents; what is outside the prior is led back."""
    first, second = (classifier.classes[number] for number in classes)
    latents, images = draw_others(model, config)
    seen = classifier.classify(images).argmax(axis=1)
    for number in classes:
        if number not in seen:
            name = classifier.classes[number]
            raise ValueError(f"{classifier.name} sees class {name} in none of {len(images)} images drawn")
    difference = inversion.class_difference(latents, seen, *classes)
    ways = np.linspace(0, config.strength, FRAMES)[:, None] * difference
    latents = np.asarray(model.projection(start.latents[:, None] + ways))
    captions, lines = _describe_probabilities(model, classifier, classes[1], start.names, latents)
    lines.append(f"mean latents of {first} and {second} are {np.linalg.norm(difference):.2f} apart")
    title = f"from class {first} towards {second}; beneath: the probability of {second} ({classifier.name})"
    return Paths(latents, captions, title, lines)


def up(model: Model, classifier: Classifier, number: int, start: Start, config: SearchConfig) -> Paths:
    """By gradient ascent of the logarithm of a class's probability, in frames between which images change as much."""
    unsure = lambda latents: -jnp.log(classifier.probabilities(model.generate(latents))[:, number] + TINY)
    loss = inversion.smoothed(unsure, jax.random.key(config.seed), width=config.smoothing)
    how = dict(steps=(steps := config.descent_steps), rate=ASCENT_RATE, penalty=model.penalty)
    ascent = inversion.descend(loss, jnp.asarray(start.latents), model.projection, **how)
    bar = tqdm(ascent, total=steps + 1, desc="maximising", leave=False, dynamic_ncols=True)
    kept = set(np.round(np.linspace(0, 1, KEPT + 1) ** 2 * steps))  # it is fastest at first
    way = np.stack([np.asarray(latents) for step, (latents, _) in enumerate(bar) if step in kept], axis=1)
    latents = np.take_along_axis(way, evenly_apart(model.render(way), FRAMES)[..., None], axis=1)
    captions, lines = _describe_probabilities(model, classifier, number, start.names, latents)
    title = f"towards class {classifier.classes[number]}; beneath: its probability ({classifier.name})"
    return Paths(latents, captions, title, lines)


def evenly_apart(images: np.ndarray, count: int) -> np.ndarray:
    """Of rows of images [N, S, H, W, C] indices [N, count], from 0 to S - 1, between which images change as much."""
    steps = np.sqrt(np.mean(np.diff(images, axis=1) ** 2, axis=(2, 3, 4)))
    way = np.cumsum(np.pad(steps, ((0, 0), (1, 0))), axis=1)
    chosen = [np.searchsorted(row, np.linspace(0, row[-1], count)) for row in way]
    return np.stack([np.append(row[:-1], images.shape[1] - 1) for row in chosen])


def draw_others(model: Model, config: SearchConfig) -> tuple[np.ndarray, np.ndarray]:
    """config.drawn latents, none of which is a sample of the seed, and their images."""
    latents = model.draw(jax.random.fold_in(jax.random.key(config.seed), OWN), config.drawn)
    return latents, model.render(latents)


def nearing(model: Model, target: np.ndarray, config: SearchConfig) -> Iterator[Callable[[], inversion.Found]]:
    """As `inverter`, of one image [H, W, C], step by step (`inversion.nearing`)."""
    starts = _starts(model, config)(target[None])
    return inversion.nearing(model.generate, target[None], starts, model.projection, **_descent(model, config))


def _descent(model: Model, config: SearchConfig) -> dict:
    """How `inversion` descends to images, which are in [-1, 1]."""
    return dict(
        steps=config.descent_steps,
        rate=config.descent_rate,
        tolerance=2 * config.tolerance,
        penalty=model.penalty,
    )


def _starts(model: Model, config: SearchConfig) -> Callable[[np.ndarray], np.ndarray]:
    """Images [N, H, W, C] -> latents [N, S, d] to start the descent to them from: the encoder's, or of those drawn."""
    if model.encode is not None:
        return lambda targets: np.asarray(model.encode(targets))[:, None]
    latents, images = draw_others(model, config)
    return lambda targets: inversion.nearest_starts(targets, images, latents, config.starts, 2 * config.tolerance)


def _describe_probabilities(
    model: Model, classifier: Classifier, number: int, names: list[str], latents: np.ndarray
) -> tuple[list[list[str]], list[str]]:
    """Of paths [N, FRAMES, d] a class's probability in each frame, as captions; and lines that say how it changes."""
    found = classifier.classify(model.render(latents))
    wanted, name = found[..., number], classifier.classes[number]
    ends = (found[:, -1].argmax(axis=1) == number).sum()
    change = lambda of: f"{of[0]:.1%} at first, {of.max():.1%} at most, {of[-1]:.1%} at last"
    lines = [f"{path}: class {name} {change(of)}" for path, of in zip(names, wanted, strict=True)]
    mean = f"mean: class {name} {change(wanted.mean(axis=0))}"
    lines.append(f"{mean}; {ends} of {len(names)} end as {name} ({classifier.name})")
    return [[f"{each:.1%}" for each in of] for of in wanted], lines
