"""How often a classifier is right under attacks of several strengths."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from gan_jax.attacks import Threat, fgsm, pgd
from gan_jax.attacks.gradient import predictor
from gan_jax.attacks.noise import uniform_noise
from gan_jax.attacks.robustness import CLEAN, Attack
from gan_jax.randomness import Key
from gan_jax.studies import counted
from gan_jax.studies.study_page import Table
from gan_jax.studies.target import Target

WHO = "right"  # of the counts: how many the classifier is right about


class Strength(NamedTuple):
    """How hard pgd tries. Fields: steps; relative_step: their length by epsilon; restarts."""

    steps: int
    relative_step: float
    restarts: int

    @property
    def name(self) -> str:
        """As in PGD-40, 5 restarts."""
        return f"PGD-{self.steps}" + (f", {self.restarts} restarts" if self.restarts > 1 else "")

    def attack(self, target: Target, threat: Threat) -> Callable:
        """`pgd` of this strength on a classifier: (images, labels, key) -> images."""
        own = dict(steps=self.steps, step_size=self.relative_step * threat.epsilon, restarts=self.restarts)
        return partial(pgd, target.classify, threat=threat, **own)


def attacks(target: Target, threat: Threat, strength: Strength) -> dict[str, Attack]:
    """What is done within a threat, by the heads of the table's columns."""
    return {
        "noise": lambda images, labels, keys: uniform_noise(images, keys, threat),
        "FGSM": lambda images, labels, keys: fgsm(target.classify, images, labels, threat),
        strength.name: strength.attack(target, threat),
    }


def table(workdir: Path, target: Target, threats: Sequence[Threat], strength: Strength, images: int, key: Key) -> Table:
    """Accuracies in percent, a row for each threat, after that of none. What is counted stays."""
    x, y = target.images(images)
    named = lambda name, threat: f"{name}, {threat}"
    made = {named(name, each): attack for each in threats for name, attack in attacks(target, each, strength).items()}
    counts = counted.count(workdir / "counts.jsonl", {WHO: predictor(target.classify)}, x, y, made, key)
    share = lambda name: f"{100 * counts[name][WHO] / len(x):.1f}"
    columns = list(attacks(target, threats[0], strength))
    rows = [[f"{each.epsilon:g}", *(share(named(name, each)) for name in columns)] for each in threats]
    return [["epsilon", *columns], ["0", *[share(CLEAN)] * len(columns)], *rows]
