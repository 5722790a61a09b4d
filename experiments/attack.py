"""Adversarial examples: how often a classifier is right about images that were changed a little to mislead it.

python -m experiments.attack                                               # the network that comes with digits
python -m experiments.attack --dataset=mnist --num=10000
python -m experiments.attack --classifier=RUN --epsilons=.1,.2,.3 --steps=50 --restarts=10
python -m experiments.attack --dataset=mnist --transfer --from_noise       # other classifiers too; noise that is called a 7

Leaves a table, pictures, and a page. Each number of an image, from 0 to 1, is changed by at most epsilon: at random (noise); by
epsilon along the sign of the loss's gradient (FGSM: Goodfellow et al. 2015, arXiv:1412.6572); by many smaller steps of it, from
random starts (PGD: Madry et al. 2018, arXiv:1706.06083). Stopped at any point, the same command goes on.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

import jax

from gan_jax.attacks import NORMS, Threat
from gan_jax.attacks.robustness import without_gradient
from gan_jax.config.options import option, replace
from gan_jax.config.parts import DataConfig
from gan_jax.data import describe
from gan_jax.data.sources import DATA_DIR
from gan_jax.pictures import grids
from gan_jax.runs.launch import study
from gan_jax.runs.study import Prepared, StudyConfig
from gan_jax.studies import attack_page, attack_pictures, attack_table, study_page, transfer
from gan_jax.studies.attack_table import Strength
from gan_jax.studies.target import Target, open_target


@dataclass(frozen=True)
class Config:
    """All that can be chosen."""

    GROUP: ClassVar[str] = "attack"
    run: StudyConfig = StudyConfig()
    classifier: str | None = option(
        None,
        "Directory of a run that classifies, or an extractor.npz; by default the network that comes with the dataset.",
    )
    dataset: str | None = option(None, "Whose test images; by default digits. A run has its own.")
    data_dir: str = option(DATA_DIR, "Folder of datasets, as of experiments.classifier.", resumable=True)
    num: int = option(1000, "How many test images.", low=1)
    norm: str = option(
        "linf", "What is at most epsilon: the change of each number, or (l2) the length of them all.", choices=NORMS
    )
    epsilons: tuple[float, ...] = option((0.05, 0.1, 0.2, 0.3), "Of images from 0, black, to 1, white.", low=0)
    steps: int = option(40, "Of PGD.", low=1)
    relative_step: float | None = option(None, "Their length, by epsilon; by default 2.5 / steps.", above=0)
    restarts: int = option(1, "From how many random starts it tries.", low=1)
    transfer: bool = option(
        False, "Also train five classifiers of other kinds; see whom what is crafted on each misleads."
    )
    from_noise: bool = option(False, "Also change noise until the classifier is sure of each class.")


def resolve(config: Config) -> Config:
    """The configuration with the length of steps."""
    return replace(config, relative_step=config.relative_step or 2.5 / config.steps)


def prepare(config: Config) -> Prepared:
    """The classifier and the images. Raises ValueError or OSError."""
    if not config.epsilons:
        raise ValueError("epsilons: name one or more, as in .1,.3")
    data = None if config.dataset is None else DataConfig(config.dataset, config.data_dir)
    target = open_target(config.classifier, data)
    return Prepared(describe(target.test), target.test, partial(make, config, target))


def make(config: Config, target: Target, workdir: Path) -> None:
    """Attacks the images; writes and prints what came of it."""
    keys = jax.random.split(jax.random.key(config.run.seed), 3)
    threats = [Threat(epsilon, config.norm) for epsilon in sorted(set(config.epsilons))]
    strength = Strength(config.steps, config.relative_step, config.restarts)
    grids.save(attack_pictures.examples(target, threats[-1], strength, keys[1]), workdir / "examples.png")
    grids.save(attack_pictures.noises(target, keys[2]), workdir / "noises.png")
    if config.transfer:
        transfer.save(workdir, target, threats[-1], strength, config.num, config.run.seed)
    if config.from_noise:
        grids.save(attack_pictures.from_noise(target, keys[2]), workdir / "from_noise.png")
    lines = attack_table.table(workdir, target, threats, strength, config.num, keys[0])
    images = target.images(config.num)
    blind = without_gradient(target.classify, *images)
    page = attack_page.save(workdir, target, lines, len(images[0]), config.norm, blind)
    print(f"\n{study_page.text(lines)}\n{attack_page.warning(blind)}\n\n  {page}  all of it, to look at")


main = study("attack", Config, prepare, resolve=resolve)

if __name__ == "__main__":
    main()
