"""A generator as the defence of a classifier, and the attacks that know of it.

python -m experiments.defend --generator=RUN                       # a GAN or VAE of digits, MNIST, ...
python -m experiments.defend --generator=RUN --classifier=RUN --epsilon=.3 --starts=10 --descent_steps=200

In place of an image the classifier sees the nearest that the generator draws (Defense-GAN: Samangouei et al. 2018,
arXiv:1805.06605). Attacks that do not know of it are undone: what they add, no generator draws. What a defence is worth is what it
leaves under those that do (Athalye et al. 2018, arXiv:1802.00420): through it, by the gradient at the nearest image, and over
latents, by images that the generator does draw. Leaves a table, a picture, and a page. Stopped, the same command goes on.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

import jax

from gan_jax.attacks import NORMS, Threat
from gan_jax.config.options import flat, option
from gan_jax.data import describe
from gan_jax.latents.defence import defence
from gan_jax.latents.paths import InversionConfig, SearchConfig, require_possible
from gan_jax.pictures import grids
from gan_jax.runs.launch import study
from gan_jax.runs.models import open_model
from gan_jax.runs.restore import restore
from gan_jax.runs.study import Prepared, StudyConfig
from gan_jax.studies import defence_page, defended, study_page
from gan_jax.studies.defended import Defence
from gan_jax.studies.target import open_target


@dataclass(frozen=True)
class Config:
    """All that can be chosen."""

    GROUP: ClassVar[str] = "defend"
    run: StudyConfig = StudyConfig()
    generator: str | None = option(None, "Directory of the run whose generator it is.")
    label: str | None = option(None, "What a class-conditional generator draws: a class by name or number.")
    classifier: str | None = option(
        None,
        "Directory of a run that classifies, or an extractor.npz; by default the network that comes with the dataset.",
    )
    num: int = option(200, "How many test images.", low=1)
    adaptive_num: int = option(
        50, "On how many of them the attacks are tried that know of the generator; they take long.", low=1
    )
    norm: str = option(
        "linf", "What is at most epsilon: the change of each number, or (l2) the length of them all.", choices=NORMS
    )
    epsilon: float = option(0.3, "Of images from 0, black, to 1, white.", low=0)
    steps: int = option(40, "Of PGD.", low=1)
    adaptive_steps: int = option(20, "Of the attack through G; each looks for the nearest images anew.", low=1)
    search: InversionConfig = InversionConfig(starts=10, descent_steps=200, descent_rate=0.1)


def prepare(config: Config) -> Prepared:
    """The generator, the classifier and the images. Raises ValueError or OSError."""
    if config.generator is None:
        raise ValueError("--generator=RUN is needed: the directory of a run that draws images")
    run = restore(config.generator)
    model = open_model(run, config.label)
    require_possible(model, config.search)
    target = open_target(config.classifier, run.config.data)
    if (drawn := run.spec.image_shape) != (taken := target.test.spec["image"].shape):
        raise ValueError(f"{config.generator} draws images {drawn}, those of {target.dataset} are {taken}")
    search = SearchConfig(**flat(config.search), seed=config.run.seed)
    project = defence(model, search)  # draws what it starts from
    threat = Threat(config.epsilon, config.norm)
    made = Defence(target, model, project, threat, config.steps, config.adaptive_steps, search.descent_steps)
    return Prepared(describe(target.test), target.test, partial(make, config, made))


def make(config: Config, made: Defence, workdir: Path) -> None:
    """Attacks both; writes and prints what came of it."""
    keys = jax.random.split(jax.random.key(config.run.seed), 2)
    grids.save(defended.picture(made, keys[1]), workdir / "defended.png")
    lines = defended.table(made, config.num, config.adaptive_num, keys[0], workdir)
    cost = f"The nearest image takes {defended.seconds(made):.2g} s, {defended.AT_ONCE} at once."
    page = defence_page.save(workdir, made, config.generator, lines, cost)
    print(f"\n{study_page.text(lines)}\n{cost}\n\n  {page}  all of it, to look at")


main = study("defend", Config, prepare)

if __name__ == "__main__":
    main()
