"""A study of augmentation: GANs that learn from few images, in processes of their own; then classifiers, one after another."""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from gan_jax.ablation import results
from gan_jax.ablation.processes import Task, run_tasks
from gan_jax.ablation.sweep import AblationRun
from gan_jax.config.options import replace
from gan_jax.config.parts import DataConfig
from gan_jax.data import ArraySource, Source, few
from gan_jax.runs import training
from gan_jax.runs.data import load, splits
from gan_jax.runs.experiment import find
from gan_jax.runs.restore import restore
from gan_jax.studies.augmented import ALONE, Way, learner, parts_of, tested
from gan_jax.training.files import replace_file

LINES = "accuracies.jsonl"


class Plan(NamedTuple):
    """What is compared.

    Fields: data: of all real images; real: how many of each class, in turn; seeds; ways; experiment: whose GANs draw; flags:
    theirs; gan_steps, steps: rounds of a GAN, and of a classifier; drawn_share: of a batch (`augmented.parts_of`); generator: the
    directory of a run that draws instead, of which all real images are then learnt.
    """

    data: DataConfig
    real: Sequence[int]
    seeds: Sequence[int]
    ways: Sequence[Way]
    experiment: str
    flags: Sequence[str]
    gan_steps: int
    steps: int
    drawn_share: float = 0.0
    generator: str | None = None


def of_run(generator: str, seeds: Sequence[int], steps: int) -> Plan:
    """What compares a run's images with all that it learnt from. Raises ValueError if it cannot be asked for a class."""
    run = restore(generator)
    if not run.sampler.takes("label"):
        raise ValueError(f"generator={generator}: a run of {run.experiment}, which cannot be asked for a class")
    source, _ = splits(run.config.data)
    count = math.ceil(len(source) / len(source.classes))
    return Plan(run.config.data, [count], seeds, ALONE, run.experiment, [], run.step, steps, generator=generator)


def check(plan: Plan) -> Source:
    """All real images. Raises ValueError or OSError for what can be known to be wrong: with them, or with the GANs."""
    if plan.generator is None:
        largest, first = max(plan.real), plan.seeds[0]
        splits(_real(plan, largest, first))
        run = AblationRun({"real": str(largest)}, first, plan.gan_steps, Path("gan"))
        experiment = find(plan.experiment)
        _, _, phases = training.check(experiment, experiment.parse(flags(plan, run)).config)
        sampler = phases[-1].recipe.sampler
        if sampler is None or not sampler.takes("label"):
            raise ValueError(f"gan={plan.experiment}: must be one that can be asked for a class, as cgan and biggan")
    return load(plan.data)


def gans(plan: Plan, workdir: Path) -> dict[tuple[int, int], AblationRun]:
    """The runs whose generators draw, by how many real images of each class they learn from, and by seed."""
    made = {}
    for count in plan.real:
        for seed in plan.seeds:
            folder = Path(plan.generator or workdir / "gans" / f"real{count}-seed{seed}")
            made[count, seed] = AblationRun({"real": str(count)}, seed, plan.gan_steps, folder)
    return made


def train_gans(plan: Plan, workdir: Path, jobs: int) -> None:
    """Trains those that are not finished. Raises RuntimeError if one failed; loop.Interrupted for a signal."""
    if plan.generator is not None:
        return
    runs = list(gans(plan, workdir).values())
    (workdir / "gans").mkdir(exist_ok=True)
    for run in runs:
        run.failure.unlink(missing_ok=True)  # it is tried again
    worker = (sys.executable, "-m", "gan_jax.ablation.worker", plan.experiment)
    start = lambda runs: [*worker, str(runs[0].seed), *flags(plan, *runs)]
    tasks = [Task([run], start) for run in runs if not results.finished(run)]
    if tasks:
        run_tasks(tasks, runs, jobs=jobs, unit="GANs")
    failed = [run for run in runs if not results.finished(run)]
    if failed:
        said = failed[0].failure.read_text().strip()
        raise RuntimeError(f"{len(failed)} of {len(runs)} GANs failed ({said}); the same command tries them again")


def flags(plan: Plan, run: AblationRun) -> list[str]:
    """Those that train one of them."""
    dataset = few.named(int(run.combination["real"]), run.seed, plan.data.dataset)
    own = dict(dataset=dataset, data_dir=plan.data.data_dir, seed=run.seed, steps=run.steps, workdir=run.workdir)
    return [*plan.flags, *(f"--{name}={value}" for name, value in own.items())]


def train_classifiers(plan: Plan, workdir: Path) -> list[dict]:
    """Lines {"real", "seed", "way", "accuracy"}, of which those that are there stay."""
    path, classes = workdir / LINES, len(load(plan.data).classes)
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    known = {(line["real"], line["seed"], line["way"]) for line in lines}
    learners = {classic: learner(classes, plan.steps, classic=classic) for classic in (False, True)}
    total = len(plan.real) * len(plan.seeds) * len(plan.ways)
    with tqdm(total=total, initial=len(lines), unit="classifier", dynamic_ncols=True) as bar:
        for (count, seed), run in gans(plan, workdir).items():
            left = [way for way in plan.ways if (count, seed, way.name) not in known]
            if left:
                real, test = splits(_real(plan, count, seed))
                drawn = _drawn(run, max(way.times for way in plan.ways) * count * len(real.classes))
            for way in left:
                bar.set_postfix_str(f"{count} a class, seed {seed}, {way.name}", refresh=False)
                found = tested(learners[way.classic], parts_of(way, real, drawn, plan.drawn_share), test, seed)
                lines.append(dict(real=count, seed=seed, way=way.name, accuracy=found))
                replace_file(path, "".join(json.dumps(line) + "\n" for line in lines).encode())
                bar.update()
    return lines


def _real(plan: Plan, count: int, seed: int) -> DataConfig:
    """Of the real images that are learnt."""
    if plan.generator is not None:
        return plan.data
    return replace(plan.data, dataset=few.named(count, seed, plan.data.dataset))


def _drawn(run: AblationRun, number: int) -> ArraySource:
    """So many images, of all classes in turn."""
    trained = restore(run.workdir)
    classes = trained.spec.classes
    images = trained.sample(number, seed=run.seed, label=f"0..{len(classes) - 1}")
    labels = np.resize(np.arange(len(classes), dtype=np.int32), number)
    return ArraySource({"image": images, "label": labels}, classes)


def examples(plan: Plan, workdir: Path, *, each: int = 4, classes: int = 10) -> dict[str, np.ndarray]:
    """ "real" images and "drawn" ones of the first cell, uint8 [each, classes, H, W, C]; of the first so many classes."""
    (count, seed), run = next(iter(gans(plan, workdir).items()))
    real, _ = splits(_real(plan, count, seed))
    shown = range(min(classes, len(real.classes)))
    rows = lambda source, label: np.resize(np.flatnonzero(source.labels == label), each)
    return {
        name: np.stack([source[rows(source, label)]["image"] for label in shown], axis=1)
        for name, source in {"real": real, "drawn": _drawn(run, each * len(real.classes))}.items()
    }


def values(lines: Sequence[Mapping], plan: Plan) -> dict[str, np.ndarray]:
    """The accuracies of each way, [seeds, real]."""
    found = {(line["way"], line["seed"], line["real"]): line["accuracy"] for line in lines}
    return {
        way.name: np.array([[found[way.name, seed, count] for count in plan.real] for seed in plan.seeds])
        for way in plan.ways
    }
