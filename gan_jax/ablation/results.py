"""What an ablation found: a row for each run, and a table of means over seeds."""

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from gan_jax.ablation import sweep
from gan_jax.ablation.sweep import AblationRun, Combination
from gan_jax.evaluation import scores
from gan_jax.pictures.page import with_arrow
from gan_jax.training.files import replace_file

PLAN = "ablation.json"
OF_TRIALS = {
    "modes": "higher",
    "high_quality": "higher",
    "reverse_kl": "lower",
}  # means over a run's trials: what is better
MEANS = "Mean ± standard deviation (n - 1) over seeds; ↓ lower is better, ↑ higher."
LEAST = 3  # seeds below which nothing is called the best
ASIDE = ("density",)  # measures that are in results.csv only: it has no upper end, and coverage says what is needed
TIMES = ("seconds", "images_per_second")  # of the last start; all else in results.csv is the same on every start


def folder(workdir: Path) -> Path:
    """Where an ablation's runs are: runs/, or cells/ of version 0.1. Beside it, runs.json says which there are."""
    first_version = workdir / "cells"
    return first_version if first_version.is_dir() else workdir / "runs"


def result(run: AblationRun) -> dict | None:
    """The run's result.json; None if it is not finished."""
    path = run.workdir / "result.json"
    content = json.loads(path.read_text()) if path.exists() else {}
    return content if content.get("step", 0) >= run.steps else None


def finished(run: AblationRun) -> bool:
    """Whether it has a result."""
    return result(run) is not None


def done(runs: Iterable[AblationRun]) -> list[AblationRun]:
    """Those that are finished."""
    return [run for run in runs if finished(run)]


def save_runs(workdir: Path, runs: Iterable[AblationRun]) -> None:
    """Writes which runs there are."""
    content = [run._asdict() | {"workdir": run.workdir.name} for run in runs]
    replace_file(folder(workdir).with_suffix(".json"), (json.dumps(content, indent=2) + "\n").encode())


def read(workdir: Path) -> tuple[dict, list[AblationRun]]:
    """What ablation.json says, and the runs.

    Raises ValueError if this is no ablation's directory, or it has not started.
    """
    within = folder(workdir)
    plan, runs = workdir / PLAN, within.with_suffix(".json")
    if not (plan.exists() and runs.exists()):
        raise ValueError(
            f"{workdir} is not the directory of an ablation that has started: it has no {PLAN} and {runs.name}"
        )
    found = json.loads(runs.read_text())
    return json.loads(plan.read_text()), [AblationRun(**each | {"workdir": within / each["workdir"]}) for each in found]


def save(workdir: Path) -> str:
    """Writes results.csv and table.md; returns the table."""
    _, runs = read(workdir)
    rows = [row(run) for run in runs]
    names = list(dict.fromkeys(name for each in rows for name in each))  # the first rows may be of runs that failed
    file = io.StringIO()
    writer = csv.DictWriter(file, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    replace_file(workdir / "results.csv", file.getvalue().encode())
    text = table(runs)
    replace_file(workdir / "table.md", text.encode())
    return text


def row(run: AblationRun) -> dict[str, object]:
    """A run's flags, state, scores and times."""
    found = result(run)
    start = {**run.combination, "seed": run.seed, "state": state(run)}
    if found is None:
        return start
    others = {f"last {name}": value for name, value in found["metrics"].items()}
    return start | {"step": found["step"]} | measures(run) | others | {name: found[name] for name in TIMES}


def state(run: AblationRun) -> str:
    """done, waiting, or failed and why."""
    if finished(run):
        return "done"
    return f"failed: {run.failure.read_text().strip()}" if run.failure.exists() else "waiting"


def measures(run: AblationRun) -> dict[str, float]:
    """What a finished run scored: in the end, at its best, and what else its experiment measures."""
    found = result(run)
    scored = {}
    for when in ("final", "best"):
        scored |= {f"{when} {name}": value for name, value in found.get(when, {}).items() if name != "step"}
    if "best" in found:
        scored["best step"] = found["best"]["step"]
    scored |= {name: value for name, value in found.items() if name.endswith("accuracy")}
    return scored | {name: found[name]["mean"] for name in OF_TRIALS if name in found}


def floors(runs: Sequence[AblationRun]) -> list[dict[str, float]]:
    """What real images score, by the names of `measures`: each that differs, and so is of other real images."""
    found: list[dict] = []
    for own in (result(run).get("floor", {}) for run in done(runs)):
        if own not in found:
            found.append(own)
    return [{f"{when} {name}": value for name, value in each.items() for when in ("final", "best")} for each in found]


def by_combination(runs: Sequence[AblationRun]) -> list[tuple[Combination, list[AblationRun]]]:
    """The runs of each combination, which differ in their seeds."""
    groups: dict[str, list[AblationRun]] = {}
    for run in runs:
        groups.setdefault(sweep.name(run.combination), []).append(run)
    return [(group[0].combination, group) for group in groups.values()]


def table(runs: Sequence[AblationRun]) -> str:
    """The table in Markdown, and what its figures are."""
    head, *body = lines(runs)
    rows = [head, ["---"] * len(head), *body]
    escaped = lambda row: [text.replace("|", r"\|") for text in row]
    text = "".join(f"| {' | '.join(escaped(row))} |\n" for row in rows)
    return f"{text}\n{legend(runs)}\n"


def legend(runs: Sequence[AblationRun]) -> str:
    """What the table's figures are."""
    if len(floors(runs)) > 1:
        return f"{MEANS} The rows were scored against different real images: they cannot be compared."
    return (
        f"{MEANS} Bold: the best of its column, if its interval mean ± deviation meets no other's, of {LEAST} seeds or more. "
        "Best: by each run's own best checkpoint, chosen by the first score, so it flatters noisy runs."
    )


def lines(runs: Sequence[AblationRun]) -> list[list[str]]:
    """The table's lines: a head; of each combination its measures over seeds; what real images score."""
    groups = by_combination(runs)
    measured = [[measures(run) for run in done(group)] for _, group in groups]
    names = list(dict.fromkeys(name for scored in measured for each in scored for name in each if _is_shown(name)))
    flags = list(runs[0].combination)
    # Of what was scored against other images, or has lost the worst of its seeds, none can be called the best.
    whole = [len(scored) in (0, len(group)) for scored, (_, group) in zip(measured, groups, strict=True)]
    comparable = all(whole) and len(floors(runs)) < 2
    columns = [
        _column(name, [[each[name] for each in scored if name in each] for scored in measured], comparable)
        for name in names
    ]
    body = [
        [
            *(f"`{value}`" for value in combination.values()),
            *(column[i] for column in columns),
            _speed(group),
            _runs(group),
        ]
        for i, (combination, group) in enumerate(groups)
    ]
    real = floors(runs)
    if len(real) == 1 and real[0]:
        body.append(["real images", *[""] * (len(flags) - 1), *(_number(real[0].get(name)) for name in names), "", ""])
    heads = [with_arrow(name, better(name)) for name in names]
    return [[*flags, *heads, "images/s", "runs"], *body]


def _is_shown(name: str) -> bool:
    return name != "best step" and name.partition(" ")[2].partition("[")[0] not in ASIDE


def better(name: str) -> str | None:
    """Which way a measure is better, "lower" or "higher"."""
    if name.endswith("accuracy"):
        return "higher"
    return OF_TRIALS.get(name) or scores.better(name.partition(" ")[2])


def _column(name: str, values: list[list[float]], comparable: bool) -> list[str]:
    """Of each combination mean ± deviation; bold if comparable, the best, and its interval meets no other's."""
    intervals = [_interval(each) for each in values]
    texts = [_format(*interval) if each else "-" for interval, each in zip(intervals, values, strict=True)]
    there = [i for i, each in enumerate(values) if each]
    comparable = comparable and all(len(values[i]) >= LEAST for i in there)
    best = _separate({i: intervals[i] for i in there}, better(name)) if comparable else None
    return [f"**{text}**" if i == best else text for i, text in enumerate(texts)]


def _interval(values: list[float]) -> tuple[float, float]:
    """Mean and standard deviation, NaN for what there is too little for."""
    if not values:
        return math.nan, math.nan
    if len(set(values)) == 1:  # without the rounding of a mean of equal values
        return values[0], 0.0 if len(values) > 1 else math.nan
    return float(np.mean(values)), float(np.std(values, ddof=1))


def _separate(intervals: dict[int, tuple[float, float]], better: str | None) -> int | None:
    """Which interval, mean ± deviation, is better than all others and meets none of them; None if there is no such."""
    sign = {"lower": 1, "higher": -1}.get(better)
    if sign is None or len(intervals) < 2 or any(math.isnan(deviation) for _, deviation in intervals.values()):
        return None
    ends = {i: (sign * mean - deviation, sign * mean + deviation) for i, (mean, deviation) in intervals.items()}
    best = min(ends, key=lambda i: ends[i][1])
    return best if all(ends[best][1] < low for i, (low, _) in ends.items() if i != best) else None


def _format(mean: float, deviation: float) -> str:
    """Both to two digits of the deviation: "21.7, 20.3" is 22 ± 20, "1.9912, 0.0807" is 1.991 ± 0.081."""
    if math.isnan(deviation):
        return _number(mean)
    if not (deviation > 0 and math.isfinite(deviation)):
        return f"{_number(mean)} ± {_number(deviation)}"
    digits = 1 - math.floor(math.log10(float(f"{deviation:.1e}")))  # after the point; before it, if negative
    text = lambda value: f"{round(value, digits):.{max(0, digits)}f}"
    return f"{text(mean)} ± {text(deviation)}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _speed(group: Sequence[AblationRun]) -> str:
    """The median over the runs that were long enough to tell."""
    rates = [result(run)["images_per_second"] for run in done(group)]
    rates = [rate for rate in rates if rate]
    return f"{np.median(rates):.0f}" if rates else "-"


def _runs(group: Sequence[AblationRun]) -> str:
    """How many are done, of how many, and what the others are."""
    left = [state(run) for run in group if not finished(run)]
    return (
        str(len(group)) if not left else f"{len(group) - len(left)} of {len(group)}; {'; '.join(dict.fromkeys(left))}"
    )
