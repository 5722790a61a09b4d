"""How often a classifier is right behind a generator, under attacks that do not know of it, and under those that do."""

import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from gan_jax.attacks import Threat, fgsm, pgd
from gan_jax.attacks.gradient import Predict, predictor
from gan_jax.attacks.robustness import CLEAN, Attack
from gan_jax.latents import defence
from gan_jax.latents.model import Model
from gan_jax.pictures import panels
from gan_jax.randomness import Key
from gan_jax.studies import counted
from gan_jax.studies.attack_pictures import cell
from gan_jax.studies.study_page import Table
from gan_jax.studies.target import Target

ALONE, BEHIND = "classifier alone", "behind the generator"
AT_ONCE = 50  # images
SHOWN = 8  # in the picture


class Defence(NamedTuple):
    """A classifier, the generator before it, and how hard both are attacked.

    Fields: project: images in [0, 1] -> (the nearest that are drawn, their latents); threat; steps: of PGD; adaptive_steps,
    latent_steps: of the attacks that know of the generator, through it and over its latents.
    """

    target: Target
    model: Model
    project: defence.Project
    threat: Threat
    steps: int
    adaptive_steps: int
    latent_steps: int

    def predictors(self) -> dict[str, Predict]:
        """Who is asked."""
        alone = predictor(self.target.classify)
        return {ALONE: alone, BEHIND: lambda images: alone(jnp.asarray(self.nearest(images)))}

    def usual(self) -> dict[str, Attack]:
        """Attacks on the classifier alone."""
        classify = self.target.classify
        return {
            "FGSM": lambda images, labels, keys: fgsm(classify, images, labels, self.threat),
            f"PGD-{self.steps}": partial(
                pgd, classify, threat=self.threat, steps=self.steps, step_size=self._size(self.steps)
            ),
        }

    def adaptive(self) -> dict[str, Attack]:
        """Attacks on both."""
        return {"through G": self._through, "over latents": self._over_latents}

    def nearest(self, images: np.ndarray) -> np.ndarray:
        """What the classifier sees in place of images."""
        return self.project(np.asarray(images))[0]

    def _through(self, images: jax.Array, labels: jax.Array, keys: Key) -> np.ndarray:
        own = dict(steps=self.adaptive_steps, step_size=self._size(self.adaptive_steps))
        return defence.bpda(self.target.classify, self.nearest, images, labels, keys, self.threat, **own)

    def _over_latents(self, images: jax.Array, labels: jax.Array, keys: Key) -> np.ndarray:
        _, latents = self.project(np.asarray(images))
        own = dict(steps=self.latent_steps)
        return defence.over_latents(self.model, self.target.classify, images, labels, latents, self.threat, **own)

    def _size(self, steps: int) -> float:
        return 2.5 * self.threat.epsilon / steps


def table(made: Defence, images: int, adaptive: int, key: Key, workdir: Path) -> Table:
    """Accuracies in percent, by attack, of the classifier alone and behind the generator. What workdir has counted stays.

    Args: images: of the test; adaptive: how many of them for the attacks that know of the generator.
    """
    x, y = made.target.images(images)
    predictors, lines = made.predictors(), [["attack", "images", ALONE, BEHIND]]
    for name, attacks, number in (
        ("usual", made.usual(), len(x)),
        ("adaptive", made.adaptive(), min(adaptive, len(x))),
    ):
        own = dict(at_once=min(AT_ONCE, number))
        path = workdir / f"{name}.jsonl"
        counts = counted.count(path, predictors, x[:number], y[:number], attacks, key, **own)
        share = lambda attack: [f"{100 * counts[attack][who] / number:.1f}" for who in (ALONE, BEHIND)]
        lines += [[attack, f"{number:,}", *share(attack)] for attack in counts]
    return lines


def seconds(made: Defence) -> float:
    """That the generator's nearest image takes, of AT_ONCE at once."""
    x, _ = made.target.images(AT_ONCE)
    made.nearest(x)  # compiles
    began = time.monotonic()
    made.nearest(x)
    return (time.monotonic() - began) / len(x)


def picture(made: Defence, key: Key) -> Image.Image:
    """Rows: an image and what the generator draws in its place, as it is and attacked; and what is said of each."""
    x, y = made.target.shown(SHOWN)
    keys = jax.random.split(key, len(x))
    columns = []
    for name, attack in ({CLEAN: lambda x, y, keys: x} | made.usual() | made.adaptive()).items():
        found = attack(x, y, keys)
        for head, each in ((name, found), ("nearest", made.nearest(found))):
            columns.append((head, each, made.target.said(each)))
    rows = [[cell(each[number], text[number]) for _, each, text in columns] for number in range(len(x))]
    return panels.wall(rows, [""] * len(rows), [head for head, _, _ in columns])
