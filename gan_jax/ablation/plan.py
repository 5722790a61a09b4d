"""The plan of an ablation: what is compared, by what budget, and whether it can be run. Nothing is written here."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

from gan_jax.ablation import results, sweep
from gan_jax.ablation.sweep import AblationRun, Combination
from gan_jax.config.options import flat, option, options, replace
from gan_jax.config.parts import ClusterConfig
from gan_jax.recipes.contract import Phase
from gan_jax.runs import directory, monitor, training, trials
from gan_jax.runs.experiment import Experiment
from gan_jax.runs.progress import batches_learnt

BUDGETS = ("steps", "seconds", "images")
# Flags of the experiment that say something of the ablation as a whole; it gives each run its own.
SHARED = frozenset(("seed", "steps", "workdir"))
SEEDS = ("seed", "seeds")  # what --seed_list says instead


@dataclass(frozen=True)
class AblationConfig:
    """What is compared."""

    GROUP: ClassVar[str] = "ablation"
    experiment: str = option(
        "dcgan", "What is run; all its flags can be given too. A module of your own: my_lab.my_gan."
    )
    sweep: tuple[str, ...] = option(
        (),
        "A flag and its values, as in game=minmax,hinge or, with commas in them, penalty=r1|r1,r2. "
        "Several --sweep make a grid.",
    )
    seeds: int = option(3, "Runs of each combination, with the seeds --seed, --seed + 1, ...", low=1)
    seed_list: tuple[int, ...] | None = option(None, "These seeds instead, as in 0,7.", low=0)
    budget: str = option(
        "steps",
        "What all runs have equally much of: steps, seconds of training, real images that D sees.",
        choices=BUDGETS,
    )
    seconds: float | None = option(None, "Of training in a run; with --budget=seconds.", low=0)
    images: int | None = option(None, "Real images that D sees in a run; with --budget=images.", low=1)
    jobs: int = option(1, "Runs that are made at the same time.", low=1)
    vmap_trials: bool = option(False, "Train the seeds of a combination in one program.")


class Plan(NamedTuple):
    """What makes an ablation the one it is: ablation.json says it, and no other is kept in its directory.

    Fields:
      experiment: its name.
      sweep: the values of each swept flag.
      flags: those that were given for all runs, as text, by their names.
      first_seed: of each combination.
      budget, amount: what all runs have equally much of, and how much.
    """

    experiment: str
    sweep: dict[str, list[str]]
    flags: dict[str, str]
    first_seed: int
    budget: str
    amount: float


def make(
    experiment: Experiment, config: object, own: AblationConfig, given: Mapping[str, str]
) -> tuple[Plan, list[AblationRun], Path]:
    """The plan, the runs, and the ablation's directory. Raises ValueError or OSError for what can be known to be wrong.

    Args:
      config: the experiment's, of the flags that were given.
      given: these flags and the ablation's as text, by their names.
    """
    amount, seeds = _amount(config, own, given), _seeds(config, own, given)
    swept = sweep.parse(own.sweep, experiment)
    for name in swept:
        if name in given:
            raise ValueError(f"--{name} is swept, so it cannot be given too")
    if own.vmap_trials:
        trials.require_default_training(experiment)
    if config.cluster != ClusterConfig():
        raise ValueError("an ablation is run by one process, which starts the others")
    combinations = sweep.combinations(swept)
    shared = trials.sharing_data(experiment)
    steps = [_steps(shared, config, own, amount, combination) for combination in combinations]
    workdir = Path(config.run.workdir or f"runs/ablation-{experiment.name}-" + "-".join(swept))
    of_runs = {each.name for each in options(config)} - SHARED
    flags = {name: text for name, text in given.items() if name in of_runs}
    plan = Plan(experiment.name, swept, flags, seeds[0], own.budget, amount)
    require_same(plan, workdir)
    return plan, _runs(combinations, steps, seeds, results.folder(workdir)), workdir


def require_same(plan: Plan, workdir: Path) -> None:
    """Raises ValueError if the directory holds anything but this ablation."""
    path = workdir / results.PLAN
    if path.exists():
        there = json.loads(path.read_text())
        differing = [
            f"{name} {there.get(name)} there, {here} asked for"
            for name, here in json.loads(json.dumps(plan._asdict())).items()
            if there.get(name) != here
        ]
        if differing:
            raise ValueError(f"{workdir} holds another ablation ({'; '.join(differing)}); choose another --workdir")
    elif workdir.exists() and (not workdir.is_dir() or directory.others(workdir)):
        raise ValueError(f"--workdir={workdir} holds other things than an ablation; name a new or an empty directory")


def _seeds(config: object, own: AblationConfig, given: Mapping[str, str]) -> Sequence[int]:
    """Of each combination. Raises ValueError if they are said twice."""
    if own.seed_list is None:
        return range(config.run.seed, config.run.seed + own.seeds)
    shown = ",".join(map(str, own.seed_list))
    if not own.seed_list or len(set(own.seed_list)) < len(own.seed_list):
        raise ValueError(f"seed_list={shown}: must be different seeds, each but once, as in 0,7")
    for name in SEEDS:
        if name in given:
            raise ValueError(f"seed_list={shown}: these are all seeds, so leave out --{name}")
    return own.seed_list


def _amount(config: object, own: AblationConfig, given: Mapping[str, str]) -> float:
    """Of what is budgeted. Raises ValueError if it is not said, or another one is."""
    for name in BUDGETS:
        if name != own.budget and name in given:
            raise ValueError(f"--{name} is given, but the budget is in {own.budget}: --budget={name}?")
    if own.budget == "seconds" and (own.jobs > 1 or own.vmap_trials):
        raise ValueError(
            "budget=seconds: runs at the same time slow each other down; leave out --jobs and --vmap_trials"
        )
    amount = config.run.steps if own.budget == "steps" else getattr(own, own.budget)
    if not amount or not math.isfinite(amount):
        raise ValueError(f"budget={own.budget} needs --{own.budget}=N, for each run")
    return amount


def _steps(
    experiment: Experiment, config: object, own: AblationConfig, amount: float, combination: Combination
) -> int | None:
    """The rounds of a combination's runs; None where its rate has to be measured first.

    Raises ValueError or OSError for all that can be known to be wrong with it.
    """
    config = sweep.configuration(config, combination)
    if "in_memory_gib" in flat(config):
        config = replace(config, in_memory_gib=0.0)  # nothing is decoded that is not looked at
    try:
        config, data, phases = training.check(experiment, config)
        training.require_fitting(phases, data)
        if own.vmap_trials:
            trials.require_one_phase(experiment.name, phases)
        if own.budget != "steps":
            _require_equal_rounds(own.budget, phases)
    except ValueError as error:
        raise ValueError(f"{sweep.label(combination)}: {error}") from error
    if hasattr(config, "evaluation") and data.real is not None:
        evaluation, shape = config.evaluation, data.spec.seen_shape
        monitor.needed_extractor(evaluation.eval_metrics, evaluation, config.data.dataset, shape, data.spec.kind)
    per_round = config.run.batch_size * batches_learnt(config, phases[0].recipe)
    return {"steps": amount, "images": max(1, round(amount / per_round)), "seconds": None}[own.budget]


def _require_equal_rounds(budget: str, phases: Sequence[Phase]) -> None:
    if len(phases) > 1:
        raise ValueError(f"budget={budget}: a round is not the same in each phase; choose --budget=steps")


def _runs(
    combinations: Sequence[Combination], steps: Sequence[int | None], seeds: Sequence[int], folder: Path
) -> list[AblationRun]:
    return [
        AblationRun(combination, seed, count, folder / f"{sweep.name(combination)}-seed{seed}")
        for combination, count in zip(combinations, steps, strict=True)
        for seed in seeds
    ]
