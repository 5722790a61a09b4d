"""Ablations: an experiment with every combination of some flags' values, each with a few seeds; tables, curves, a report.

    python -m experiments.ablate --sweep=game=minmax,non_saturating,wasserstein_gp --seeds=3 --steps=2000
    python -m experiments.ablate --experiment=cgan --sweep=conditioning=embed,projection --sweep=d_lr=1e-4,4e-4 -- --dataset=mnist

Each cell runs in a process and a directory of its own. Stopped or killed at any point, the same command goes on: cells that
are finished stay, those that were cut off go on from their last checkpoints, those that failed are tried again.
"""

import fcntl
import importlib
import json
import math
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace

import jax
from absl import flags

from experiments import ablation_report, ablation_results, common, evaluation, run_directory, sweep
from experiments import cgan, dcgan, sgan  # noqa: F401  their flags
from gan_jax.presets import require_known
from experiments.processes import Task, fail, play
from experiments.sweep import FLAGS, Cell, Combination
from gan_jax.training.files import replace_file

EXPERIMENTS = ("dcgan", "cgan", "sgan")
BUDGETS = ("steps", "seconds", "images")
EVALUATIONS = 5  # of a cell in training, unless --eval_every says otherwise
RATED = 100  # rounds by which a combination's speed is measured

flags.DEFINE_string("experiment", "dcgan", f"What is run: {', '.join(EXPERIMENTS)}; all its flags can be given too.")
flags.DEFINE_multi_string(
    "sweep",
    [],
    "A flag and its values, as in game=minmax,hinge or, with commas in them, penalty=r1|r1,r2. Several make a grid.",
)
flags.DEFINE_integer("seeds", 3, "Runs of each combination, with the seeds --seed, --seed + 1, ...", lower_bound=1)
flags.DEFINE_string("budget", "steps", "What all cells have equally much of: steps, seconds (of training) or images (real ones that D sees).")  # fmt: skip
flags.DEFINE_float("seconds", None, "Of training a cell; with --budget=seconds.", lower_bound=0)
flags.DEFINE_integer("images", None, "Real images that D sees in a cell; with --budget=images.", lower_bound=1)
flags.DEFINE_integer("jobs", 1, "Cells that run at the same time.", lower_bound=1)
flags.DEFINE_bool("vmap_seeds", False, "Train the seeds of a combination in one program. (Not in sgan.)")
flags.adopt_module_key_flags(dcgan)
flags.adopt_module_key_flags(cgan)
flags.adopt_module_key_flags(sgan)

# What a cell is told by the ablation itself.
OWN = frozenset("experiment sweep seeds budget seconds images jobs vmap_seeds seed steps workdir".split())


def prepare(config: SimpleNamespace) -> common.Train:
    """Checks all cells without writing anything; returns what runs them. Raises ValueError or OSError."""
    require_known("experiment", config.experiment, EXPERIMENTS)
    require_known("budget", config.budget, BUDGETS)
    module = importlib.import_module(f"experiments.{config.experiment}")
    given = _given(module, config.experiment)
    amount = _amount(module, config)
    swept = sweep.parse(config.sweep, config.experiment, sweep.flag_names(module))
    for name in swept:
        if name in given:
            raise ValueError(f"--{name} is swept, so it cannot be given too")
    if config.vmap_seeds and not hasattr(module, "training"):
        raise ValueError(f"vmap_seeds: {config.experiment} trains more than one recipe, so its seeds train one by one")
    if jax.process_count() > 1:
        raise ValueError("an ablation is run by one process, which starts the others")
    combinations = sweep.combinations(swept)
    resolved = [_check(module, combination) for combination in combinations]
    workdir = Path(config.workdir or f"runs/ablation-{config.experiment}-" + "-".join(swept))
    plan = dict(
        experiment=config.experiment,
        sweep=swept,
        flags=given,
        first_seed=config.seed,
        budget=config.budget,
        amount=amount,
    )
    _require_same(plan, workdir)
    seeds = range(config.seed, config.seed + config.seeds)
    cells = [
        Cell(
            combination,
            seed,
            _steps(config.budget, amount, flags),
            workdir / "cells" / f"{sweep.name(combination)}-seed{seed}",
        )
        for combination, flags in zip(combinations, resolved)
        for seed in seeds
    ]
    return partial(run, plan, cells, config, workdir)


def run(plan: dict, cells: list[Cell], config: SimpleNamespace, workdir: Path) -> None:
    """Runs what is not there yet; keeps the tables up to date and draws all pictures in the end.

    Raises RuntimeError if a cell failed, when all others are done, or if another process is at it; loop.Interrupted for a
    signal.
    """
    plan = plan | dict(command=sys.argv, **run_directory.surroundings())
    workdir.mkdir(parents=True, exist_ok=True)
    with _alone(workdir):
        replace_file(workdir / ablation_results.PLAN, (json.dumps(plan, indent=2) + "\n").encode())
        (workdir / "cells").mkdir(exist_ok=True)
        _run(plan, cells, config, workdir)


@contextmanager
def _alone(workdir: Path) -> Iterator[None]:
    """Keeps others out of the directory; the system lets go of it however this process ends. Raises RuntimeError."""
    with (workdir / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RuntimeError(f"{workdir} is in the hands of another process, which runs this ablation") from error
        yield


def _run(plan: dict, cells: list[Cell], config: SimpleNamespace, workdir: Path) -> None:
    for cell in cells:
        cell.failure.unlink(missing_ok=True)  # it is tried again
    if plan["budget"] == "seconds":
        cells = _rated(plan, cells, workdir)
    ablation_results.save_cells(workdir, cells)
    table = lambda: ablation_results.save(workdir)
    play(_tasks(plan, cells, config), cells, jobs=config.jobs, after_each=table)
    print("\n" + table())
    ablation_report.save(workdir)
    failed = [cell for cell in cells if not ablation_results.finished(cell)]
    print(
        f"\n  {workdir / 'report.html'}  all of it, to look at\n  {workdir}  also has table.md, results.csv, the cells"
    )
    if failed:
        raise RuntimeError(
            f"{len(failed)} of {len(cells)} cells failed, which table.md and results.csv say; the same command tries them again"
        )


def _given(module: ModuleType, experiment: str) -> dict[str, str]:
    """The flags that were given for the cells, as text. Raises ValueError if the experiment has no such flag."""
    known, found = sweep.flag_names(module), {}
    ours = FLAGS.get_key_flags_for_module(__name__ if __name__ != "__main__" else sys.argv[0])
    for flag in ours:
        if flag.present and flag.name not in OWN:
            if flag.name not in known:
                raise ValueError(f"{experiment} has no flag --{flag.name}")
            found[flag.name] = flag.serialize()
    return found


def _amount(module: ModuleType, config: SimpleNamespace) -> float:
    """Of what is budgeted. Raises ValueError if it is not said, or another one is."""
    for name in BUDGETS:
        if name != config.budget and FLAGS[name].present:
            raise ValueError(f"--{name} is given, but the budget is in {config.budget}: --budget={name}?")
    if config.budget == "steps":
        return config.steps if FLAGS["steps"].present else module.DEFAULTS["steps"]
    if config.budget == "seconds" and (config.jobs > 1 or config.vmap_seeds):
        raise ValueError("budget=seconds: cells that run at once slow each other down; leave --jobs and --vmap_seeds")
    amount = getattr(config, config.budget)
    if not amount or not math.isfinite(amount):
        raise ValueError(f"budget={config.budget} needs --{config.budget}=N, for each cell")
    return amount


def _steps(budget: str, amount: float, flags: dict) -> int | None:
    """The rounds of a cell with these flags; None where its rate has to be measured first."""
    if budget == "steps":
        return amount
    if budget == "images":
        return max(1, round(amount / (flags["batch_size"] * flags["n_critic"])))
    return None


def _check(module: ModuleType, combination: Combination) -> dict:
    """The combination's resolved flags, after all that comes before training. Raises ValueError or OSError."""
    config = sweep.configuration(module, combination)
    with tempfile.TemporaryDirectory() as scratch:
        checked = vars(config) | dict(workdir=f"{scratch}/run", eval_every=0, in_memory_gib=0.0)
        try:
            module.prepare(SimpleNamespace(**checked))
        except ValueError as error:
            raise ValueError(f"{sweep.label(combination)}: {error}") from error
        content = run_directory.read_config(f"{scratch}/run")
    evaluation.needed_extractor(config.eval_metrics, config, tuple(content["image_shape"]))
    return content["flags"]


def _require_same(plan: dict, workdir: Path) -> None:
    """Raises ValueError if the directory holds anything but this ablation."""
    path = workdir / ablation_results.PLAN
    if path.exists():
        there = json.loads(path.read_text())
        differing = [
            f"{name} {there.get(name)} there, {asked} asked for"
            for name, asked in json.loads(json.dumps(plan)).items()
            if there.get(name) != asked
        ]
        if differing:
            raise ValueError(f"{workdir} holds another ablation ({'; '.join(differing)}); choose another --workdir")
    elif workdir.exists() and (not workdir.is_dir() or run_directory.others(workdir)):
        raise ValueError(f"--workdir={workdir} holds other things than an ablation; name a new or an empty directory")


def _tasks(plan: dict, cells: list[Cell], config: SimpleNamespace) -> list[Task]:
    """What is to be run: a process a cell that is not finished, or one for the seeds of a combination."""
    left = [cell for cell in cells if ablation_results.state(cell) == "waiting"]
    if not config.vmap_seeds:
        return [Task([cell], partial(_command, plan)) for cell in left]
    groups: dict[object, list[Cell]] = {}
    for cell in left:  # only what stands at the same round can go on together
        groups.setdefault((sweep.name(cell.combination), _newest(cell)), []).append(cell)
    return [Task(group, partial(_command, plan)) for group in groups.values()]


def _newest(cell: Cell) -> int:
    """The round of the cell's newest checkpoint; 0 if it has none."""
    steps = [path.name for path in (cell.workdir / "checkpoints").glob("*")]
    return max((int(step) for step in steps if step.isdecimal()), default=0)


def _command(plan: dict, cells: list[Cell], **others) -> list[str]:
    """What runs these cells, which differ in their seeds alone."""
    first, seeds = cells[0], ",".join(str(cell.seed) for cell in cells)
    workdir = str(first.workdir)
    told = dict(seed=first.seed, steps=first.steps, workdir=workdir)
    if len(cells) > 1:
        told["workdir"] = workdir.removesuffix(str(first.seed)) + "{seed}"
    if "eval_every" not in plan["flags"]:
        told["eval_every"] = max(1, first.steps // EVALUATIONS)
    given = [
        *plan["flags"].values(),
        *(f"--{name}={value}" for name, value in (first.combination | told | others).items()),
    ]
    return [sys.executable, "-m", "experiments.cell", plan["experiment"], seeds, *given]


def _rated(plan: dict, cells: list[Cell], workdir: Path) -> list[Cell]:
    """The cells with as many rounds as each combination plays in the budgeted seconds, by its rate in a short run.

    The rates are kept, so that an ablation that is gone on with has the same steps. Where the short run fails, so do the cells.
    """
    names = {sweep.name(cell.combination): cell for cell in reversed(cells)}  # the first seed's
    short = [cell._replace(steps=RATED, workdir=workdir / "rates" / name) for name, cell in names.items()]
    (workdir / "rates").mkdir(exist_ok=True)
    quiet = dict(eval_every=0, sample_every=RATED, checkpoint_every=RATED, log_every=10, steps_per_call=1)
    left = [cell for cell in short if not ablation_results.finished(cell)]
    for cell in left:
        cell.failure.unlink(missing_ok=True)
        shutil.rmtree(cell.workdir, ignore_errors=True)  # a rate is that of one start
    play([Task([cell], partial(_command, plan, **quiet)) for cell in left], short, jobs=1, told="rates")
    found = {}
    for name, cell in zip(names, short):
        if not ablation_results.finished(cell):
            for own in cells:
                if own.combination == cell.combination:
                    fail(own, cell.failure.read_text().strip())
            found[name] = RATED
            continue
        batch = run_directory.read_config(cell.workdir)["flags"]["batch_size"]
        found[name] = max(1, round(plan["amount"] * ablation_results.result(cell)["images_per_second"] / batch))
    return [cell._replace(steps=found[sweep.name(cell.combination)]) for cell in cells]


if __name__ == "__main__":
    sys.argv = [argument for argument in sys.argv if argument != "--"]  # the experiment's flags may stand after one
    jax.config.update("jax_platforms", "cpu")  # accelerators are left to the cells
    common.launch(prepare)
