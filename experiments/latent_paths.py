"""The ways of `experiments.latent`: images inverted, and paths of latents that begin there."""

from types import SimpleNamespace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from experiments import images
from experiments.latent_model import Judge, Model, judged
from gan_jax import inversion
from gan_jax.interpolation import PATHS

FRAMES = 9  # of a path, its ends included
CHOSEN_FROM = 1024  # samples, if they are to be of a class
LOOKED_AT = 100  # steps of `up`, at most, of which some become frames
ASCENT_RATE = 0.05  # Adam's, in latents, which falls to 0 along a cosine
TINY = 1e-30  # added to probabilities, so that their logarithms are finite
OWN = 2**32 - 1  # no sample has this index, so a seed's key that is folded with it draws no sample


class Begun(NamedTuple):
    """What paths begin with: names [N]; latents [N, d]; the images that were inverted, and their errors [N], or None."""

    names: list[str]
    latents: np.ndarray
    targets: np.ndarray | None = None
    errors: np.ndarray | None = None


class Walk(NamedTuple):
    """Paths: latents [N, FRAMES, d]; a caption of each frame, [N][FRAMES]; the picture's title; lines that tell of them.

    goal: the image [H, W, C] that all lead to, if there is one.
    """

    latents: np.ndarray
    captions: list[list[str]]
    title: str
    lines: list[str]
    goal: np.ndarray | None = None


def samples(model: Model, config: SimpleNamespace, count: int) -> Begun:
    """The first samples of config.seed, as experiments.sample draws them."""
    return Begun([f"sample {number}" for number in range(count)], model.draw(jax.random.key(config.seed), count))


def samples_of(model: Model, judge: Judge, number: int, config: SimpleNamespace, count: int) -> Begun:
    """The first samples that the classifier sees this class in, or all of CHOSEN_FROM; ValueError if there are none."""
    begun = samples(model, config, CHOSEN_FROM)
    chosen = np.flatnonzero(judged(judge, model.render(begun.latents)).argmax(axis=1) == number)[:count]
    if not len(chosen):
        raise ValueError(f"{judge.name} sees class {judge.names[number]} in none of {CHOSEN_FROM} samples")
    return Begun([begun.names[i] for i in chosen], begun.latents[chosen])


def inverted(model: Model, names: list[str], targets: np.ndarray, config: SimpleNamespace) -> Begun:
    """The latents of images [N, H, W, C] in [-1, 1], CHUNK of them at once."""
    latents, drawn = _look(model, config)
    found = []
    for first in range(0, len(targets), images.CHUNK):
        some = targets[first : first + images.CHUNK]
        found.append(
            inversion.invert(
                model.generate,
                some,
                inversion.nearest_starts(some, drawn, latents, config.starts),
                inversion.PROJECTIONS[model.prior],
                steps=config.descent_steps,
                rate=config.descent_rate,
                told=f"inverting images {first + 1} to {first + len(some)} of {len(targets)}",
            )
        )
    found = inversion.Found(*(np.concatenate(column) for column in zip(*found)))
    return Begun(names, found.latents, targets, found.errors)


def towards(model: Model, begun: Begun, name: str, goal: np.ndarray, config: SimpleNamespace) -> Walk:
    """To the latent of the image `goal` [H, W, C]: on an arc about 0 between normal latents, else straight."""
    found = inverted(model, [name], goal[None], config)
    times = np.linspace(0, 1, FRAMES)
    path = PATHS["slerp" if model.prior == "normal" else "lerp"]
    latents = np.float32(path(begun.latents[:, None], found.latents, times))
    captions = [[f"{time:.3g}" for time in times]] * len(latents)
    lines = [f"{name}: mean squared error {found.errors[0]:.4f}"]
    return Walk(latents, captions, f"towards {name}; beneath: which part of the way", lines, goal)


def along(model: Model, judge: Judge, classes: list[int], begun: Begun, config: SimpleNamespace) -> Walk:
    """Straight along the difference of two classes' mean latents; what is outside the prior is led back."""
    first, second = (judge.names[number] for number in classes)
    latents, drawn = _look(model, config)
    seen = judged(judge, drawn).argmax(axis=1)
    for number in classes:
        if number not in seen:
            raise ValueError(f"{judge.name} sees class {judge.names[number]} in none of {len(drawn)} images drawn")
    difference = inversion.class_difference(latents, seen, *classes)
    ways = np.linspace(0, config.strength, FRAMES)[:, None] * difference
    latents = np.asarray(inversion.PROJECTIONS[model.prior](begun.latents[:, None] + ways))
    captions, lines = _probabilities(model, judge, classes[1], begun.names, latents)
    lines.append(f"mean latents of {first} and {second} are {np.linalg.norm(difference):.2f} apart")
    title = f"from class {first} towards {second}; beneath: the probability of {second} ({judge.name})"
    return Walk(latents, captions, title, lines)


def up(model: Model, judge: Judge, number: int, begun: Begun, config: SimpleNamespace) -> Walk:
    """By gradient ascent of the logarithm of a class's probability, in frames between which images change as much."""
    unsure = lambda latents: -jnp.log(judge.probabilities(model.generate(latents))[:, number] + TINY)
    loss = inversion.smoothed(unsure, jax.random.key(config.seed), width=config.smoothing)
    project, steps = inversion.PROJECTIONS[model.prior], config.descent_steps
    ascent = inversion.descend(loss, jnp.asarray(begun.latents), project, steps=steps, rate=ASCENT_RATE)
    bar = tqdm(ascent, total=steps + 1, desc="maximising", leave=False, dynamic_ncols=True)
    kept = set(np.round(np.linspace(0, 1, LOOKED_AT + 1) ** 2 * steps))  # it is fastest at first
    way = np.stack([np.asarray(latents) for step, (latents, _) in enumerate(bar) if step in kept], axis=1)
    latents = np.take_along_axis(way, evenly_apart(model.render(way), FRAMES)[..., None], axis=1)
    captions, lines = _probabilities(model, judge, number, begun.names, latents)
    title = f"towards class {judge.names[number]}; beneath: its probability ({judge.name})"
    return Walk(latents, captions, title, lines)


def evenly_apart(drawn: np.ndarray, count: int) -> np.ndarray:
    """Of rows of images [N, S, H, W, C] the indices [N, count], from 0 to S - 1, between which images change as much."""
    steps = np.sqrt(np.mean(np.diff(drawn, axis=1) ** 2, axis=(2, 3, 4)))
    way = np.cumsum(np.pad(steps, ((0, 0), (1, 0))), axis=1)
    chosen = [np.searchsorted(row, np.linspace(0, row[-1], count)) for row in way]
    return np.stack([np.append(row[:-1], drawn.shape[1] - 1) for row in chosen])


def _look(model: Model, config: SimpleNamespace) -> tuple[np.ndarray, np.ndarray]:
    """config.drawn latents, none of which is a sample of the seed, and their images."""
    latents = model.draw(jax.random.fold_in(jax.random.key(config.seed), OWN), config.drawn)
    return latents, model.render(latents)


def _probabilities(model: Model, judge: Judge, number: int, names: list[str], latents: np.ndarray):
    """Of paths [N, FRAMES, d] a class's probability in each frame, in words; and lines that tell how it changes."""
    found = judged(judge, model.render(latents))
    wanted, name = found[..., number], judge.names[number]
    ends = (found[:, -1].argmax(axis=1) == number).sum()
    told = lambda of: f"{of[0]:.1%} at first, {of.max():.1%} at most, {of[-1]:.1%} at last"
    lines = [f"{path}: class {name} {told(of)}" for path, of in zip(names, wanted)]
    lines.append(f"mean: class {name} {told(wanted.mean(axis=0))}; {ends} of {len(names)} end as {name} ({judge.name})")
    return [[f"{each:.1%}" for each in of] for of in wanted], lines
