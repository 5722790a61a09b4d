"""An ablation at work: what is not there yet is run, each run in a process of its own; tables are kept up to date."""

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from gan_jax.ablation import report, results, sweep
from gan_jax.ablation.plan import Plan
from gan_jax.ablation.processes import Task, record_failure, run_tasks
from gan_jax.ablation.sweep import AblationRun
from gan_jax.config.options import flat
from gan_jax.config.parts import EvaluationConfig
from gan_jax.runs import directory, lock, monitor
from gan_jax.runs.experiment import find
from gan_jax.training.files import replace_file

BESIDE = "density_coverage"  # is scored too: a Fréchet distance alone does not say what is missing
EVALUATIONS = 5  # of a run in training, unless --eval_every says otherwise
FRECHET = EvaluationConfig.eval_metrics
RATED = 100  # rounds by which a combination's speed is measured

alone = partial(lock.alone, said="is in the hands of another process, which runs this ablation:")


def carry_out(plan: Plan, runs: list[AblationRun], workdir: Path, *, jobs: int, vmap_trials: bool) -> None:
    """Runs what is not there yet; keeps the tables up to date and draws all pictures in the end.

    Raises RuntimeError if a run failed, when all others are done; lock.Locked if another process is at it;
    loop.Interrupted for a signal.
    """
    content = plan._asdict() | dict(command=sys.argv, **directory.surroundings())
    workdir.mkdir(parents=True, exist_ok=True)
    with alone(workdir):
        replace_file(workdir / results.PLAN, (json.dumps(content, indent=2) + "\n").encode())
        results.folder(workdir).mkdir(exist_ok=True)
        _carry_out(plan, runs, workdir, jobs, vmap_trials)


def _carry_out(plan: Plan, runs: list[AblationRun], workdir: Path, jobs: int, vmap_trials: bool) -> None:
    for run in runs:
        run.failure.unlink(missing_ok=True)  # it is tried again
    if plan.budget == "seconds":
        runs = _rated(plan, runs, workdir)
    results.save_runs(workdir, runs)
    table = lambda: results.save(workdir)
    run_tasks(_tasks(plan, runs, vmap_trials), runs, jobs=jobs, after_each=table)
    print("\n" + table())
    report.save(workdir)
    failed = [run for run in runs if not results.finished(run)]
    print(
        f"\n  {workdir / 'report.html'}  all of it, to look at\n  {workdir}  also has table.md, results.csv, the runs"
    )
    if failed:
        count = f"{len(failed)} of {len(runs)} runs failed"
        raise RuntimeError(f"{count}, which table.md and results.csv say; the same command tries them again")


def _tasks(plan: Plan, runs: Sequence[AblationRun], vmap_trials: bool) -> list[Task]:
    """What is to be done: a process for each run that is not finished, or one for the seeds of a combination."""
    left = [run for run in runs if results.state(run) == "waiting"]
    if not vmap_trials:
        return [Task([run], _command(plan)) for run in left]
    groups: dict[object, list[AblationRun]] = {}
    for run in left:  # only what stands at the same round can go on in one program
        groups.setdefault((sweep.name(run.combination), _newest(run)), []).append(run)
    return [Task(group, _command(plan)) for group in groups.values()]


def _newest(run: AblationRun) -> int:
    """The round of the run's newest checkpoint; 0 if it has none."""
    steps = [path.name for path in (run.workdir / "checkpoints").glob("*")]
    return max((int(step) for step in steps if step.isdecimal()), default=0)


def _command(plan: Plan, **others: object) -> Callable[[list[AblationRun]], list[str]]:
    """runs that differ in their seeds alone -> a command line. Args: others: flags, where there are such."""
    known = flat(find(plan.experiment).default)
    return partial(_arguments, plan, {name: value for name, value in others.items() if name in known}, known)


def _arguments(plan: Plan, others: dict[str, object], known: dict[str, object], runs: list[AblationRun]) -> list[str]:
    first, seeds = runs[0], ",".join(str(run.seed) for run in runs)
    workdir = str(first.workdir)
    own = dict(seed=first.seed, steps=first.steps, workdir=workdir)
    if len(runs) > 1:
        own["workdir"] = workdir.removesuffix(str(first.seed)) + "{seed}"
    if "eval_every" in known and "eval_every" not in plan.flags:
        own["eval_every"] = max(1, first.steps // EVALUATIONS)
    if known.get("eval_metrics") == FRECHET and "eval_metrics" not in plan.flags and not _begun_without(first):
        own["eval_metrics"] = ",".join((*FRECHET, BESIDE))
    values = [f"--{name}={value}" for name, value in (first.combination | own | others).items()]
    return [sys.executable, "-m", "gan_jax.ablation.worker", plan.experiment, seeds, *plan.flags.values(), *values]


def _begun_without(run: AblationRun) -> bool:
    """Whether a run was evaluated by a version that scored nothing beside the Fréchet distance; so it goes on."""
    lines = monitor.read(run.workdir)
    return bool(lines) and not any("coverage" in name for name in lines[0])


def _rated(plan: Plan, runs: list[AblationRun], workdir: Path) -> list[AblationRun]:
    """The runs with as many rounds as each combination makes in the budgeted seconds, by its rate in a short run.

    The rates are kept, so that an ablation that is gone on with has the same steps. Where the short run fails, so do
    the runs.
    """
    names = {sweep.name(run.combination): run for run in reversed(runs)}  # the first seed's
    short = {name: run._replace(steps=RATED, workdir=workdir / "rates" / name) for name, run in names.items()}
    (workdir / "rates").mkdir(exist_ok=True)
    left = [run for run in short.values() if not results.finished(run)]
    for run in left:
        run.failure.unlink(missing_ok=True)
        shutil.rmtree(run.workdir, ignore_errors=True)  # a rate is that of one start
    quiet = dict(eval_every=0, sample_every=RATED, checkpoint_every=RATED, log_every=10, steps_per_call=1)
    tasks = [Task([run], _command(plan, **quiet)) for run in left]
    run_tasks(tasks, list(short.values()), jobs=1, unit="rates")
    for run in runs:
        rated = short[sweep.name(run.combination)]
        if not results.finished(rated):
            record_failure(run, rated.failure.read_text().strip())
    steps = {name: _rounds_in(plan.amount, run) for name, run in short.items()}
    return [run._replace(steps=steps[sweep.name(run.combination)]) for run in runs]


def _rounds_in(seconds: float, rated: AblationRun) -> int:
    """The rounds of some seconds at the rate of a short run; RATED if that failed."""
    if not results.finished(rated):
        return RATED
    batch_size = directory.read_config(rated.workdir)["flags"]["batch_size"]
    return max(1, round(seconds * results.result(rated)["images_per_second"] / batch_size))
