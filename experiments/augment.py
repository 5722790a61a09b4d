"""What images of a GAN are worth as training data, where real ones are few: accuracy by what a classifier learns from.

python -m experiments.augment                                              # digits, no download
python -m experiments.augment --dataset=mnist --real=10,50 --jobs=2         # 12 minutes on 2 CPU cores
python -m experiments.augment --generator=RUN                              # what a run's images are worth beside all real ones
python -m experiments.augment --dataset=mnist --real=10 --gan='cgan --augment=diffaugment --width=48'

Of each class so many real images are drawn, others by each seed. A class-conditional GAN learns from these alone, whose D sees
all images turned, scaled and moved at random (as DiffAugment: Zhao et al. 2020, arXiv:2006.10738), lest it memorise so few. Then
classifiers learn equally long: from the real images; from these, turned, scaled and moved (classic); from real and drawn ones, so
many different drawn ones for each real one; from both, all changed; and from drawn ones alone (CAS, the classification accuracy
score: Ravuri & Vinyals 2019, arXiv:1905.10887). All are tested on images that nothing saw. After Frid-Adar et al. 2018
(arXiv:1803.01229). Stopped at any point, the same command goes on.
"""

import shlex
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from gan_jax.config.options import option
from gan_jax.config.parts import DataConfig
from gan_jax.data import describe
from gan_jax.data.sources import DATA_DIR
from gan_jax.runs.launch import study
from gan_jax.runs.study import Prepared, StudyConfig
from gan_jax.studies import augment_page, augment_runs, study_page
from gan_jax.studies.augment_runs import Plan
from gan_jax.studies.augmented import CLASSIC, FILL, ways


@dataclass(frozen=True)
class Config:
    """All that can be chosen."""

    GROUP: ClassVar[str] = "augment"
    run: StudyConfig = StudyConfig()
    dataset: str = option("digits", "Whose images, which have classes.")
    data_dir: str = option(DATA_DIR, "Folder of datasets, as of other experiments.", resumable=True)
    real: tuple[int, ...] = option((10, 50), "Real images of each class.", low=1)
    times: tuple[int, ...] = option((1, 5, 20), "Images that a GAN draws for each of them.", low=1)
    seeds: int = option(3, "How often all is done, with seeds --seed, --seed + 1, ...", low=1)
    generator: str | None = option(
        None, "Directory of a class-conditional run; its images are compared with all that it learnt."
    )
    gan: str = option(
        f"cgan --augment={','.join(CLASSIC)} --augment_fill={FILL} --conditioning=projection",
        "The experiment whose GANs draw, which can be asked for a class, with its flags.",
    )
    gan_steps: int = option(3000, "Rounds of a GAN.", low=1)
    drawn_share: float = option(
        0.25, "Share of a batch that is drawn, where real images are learnt too.", low=0, high=1
    )
    classifier_steps: int = option(1000, "Rounds of a classifier.", low=1)
    jobs: int = option(1, "GANs that learn at the same time.", low=1, resumable=True)


def prepare(config: Config) -> Prepared:
    """What is compared, checked. Raises ValueError or OSError."""
    for name in ("real", "times"):
        if not getattr(config, name):
            raise ValueError(f"{name}: name one or more, as in 10,50")
    seeds = range(config.run.seed, config.run.seed + config.seeds)
    if config.generator is not None:
        plan = augment_runs.of_run(config.generator, seeds, config.classifier_steps)
    else:
        plan = _plan(config, seeds)
    real = augment_runs.check(plan)
    return Prepared(describe(real), real, partial(make, config, plan))


def _plan(config: Config, seeds: range) -> Plan:
    try:
        experiment, *flags = shlex.split(config.gan) or [""]
    except ValueError as error:
        raise ValueError(f"gan={config.gan}: {error}") from error
    return Plan(
        data=DataConfig(config.dataset, config.data_dir),
        real=sorted(set(config.real)),
        seeds=seeds,
        ways=ways(sorted(set(config.times))),
        experiment=experiment,
        flags=flags,
        gan_steps=config.gan_steps,
        steps=config.classifier_steps,
        drawn_share=config.drawn_share,
    )


def make(config: Config, plan: Plan, workdir: Path) -> None:
    """Trains all; writes and prints what came of it."""
    augment_runs.train_gans(plan, workdir, config.jobs)
    lines = augment_runs.train_classifiers(plan, workdir)
    table = augment_page.save(workdir, plan, augment_runs.values(lines, plan), augment_runs.examples(plan, workdir))
    print(f"\n{study_page.text(table)}\n  {workdir / 'report.html'}  all of it, to look at")


main = study("augment", Config, prepare)

if __name__ == "__main__":
    main()
