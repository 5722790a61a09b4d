"""What an ablation found: a row for each cell, and a table of means over seeds."""

import csv
import io
import json
import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from experiments import sweep
from experiments.sweep import Cell, Combination
from gan_jax.evaluation import scores
from gan_jax.training.files import replace_file

PLAN = "ablation.json"
CELLS = "cells.json"
TIMES = ("seconds", "images_per_second")  # of the last start; all else in results.csv is the same on every start


def result(cell: Cell) -> dict | None:
    """The cell's result.json; None if it is not finished."""
    path = cell.workdir / "result.json"
    content = json.loads(path.read_text()) if path.exists() else {}
    return content if content.get("step", 0) >= cell.steps else None


def finished(cell: Cell) -> bool:
    """Whether it has a result."""
    return result(cell) is not None


def done(cells: Iterable[Cell]) -> list[Cell]:
    """Those that are finished."""
    return [cell for cell in cells if finished(cell)]


def save_cells(workdir: Path, cells: list[Cell]) -> None:
    """Writes which cells there are."""
    content = [
        {"combination": cell.combination, "seed": cell.seed, "steps": cell.steps, "workdir": cell.workdir.name}
        for cell in cells
    ]
    replace_file(workdir / CELLS, (json.dumps(content, indent=2) + "\n").encode())


def read(workdir: Path) -> tuple[dict, list[Cell]]:
    """What ablation.json says, and the cells. Raises ValueError if this is no ablation's directory, or not begun yet."""
    try:
        plan, cells = (json.loads((workdir / name).read_text()) for name in (PLAN, CELLS))
    except FileNotFoundError as error:
        raise ValueError(
            f"{workdir} is not the directory of an ablation that has begun: it has no {PLAN} and {CELLS}"
        ) from error
    return plan, [Cell(**cell | {"workdir": workdir / "cells" / cell["workdir"]}) for cell in cells]


def save(workdir: Path) -> str:
    """Writes results.csv and table.md; returns the table."""
    _, cells = read(workdir)
    rows = [row(cell) for cell in cells]
    names = list(dict.fromkeys(name for each in rows for name in each))  # the first rows may be of cells that failed
    file = io.StringIO()
    writer = csv.DictWriter(file, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    replace_file(workdir / "results.csv", file.getvalue().encode())
    text = table(cells)
    replace_file(workdir / "table.md", text.encode())
    return text


def row(cell: Cell) -> dict[str, object]:
    """A cell's flags, state, scores and times."""
    found = result(cell)
    start = {**cell.combination, "seed": cell.seed, "state": state(cell)}
    if found is None:
        return start
    others = {f"last {name}": value for name, value in found["metrics"].items()}
    return start | {"step": found["step"]} | measures(cell) | others | {name: found[name] for name in TIMES}


def state(cell: Cell) -> str:
    """done, waiting, or failed and why."""
    if finished(cell):
        return "done"
    return f"failed: {cell.failure.read_text().strip()}" if cell.failure.exists() else "waiting"


def measures(cell: Cell) -> dict[str, float]:
    """What a finished cell scored: in the end, at its best, and what else its experiment measures."""
    found = result(cell)
    scored = {}
    for when in ("final", "best"):
        scored |= {f"{when} {name}": value for name, value in found.get(when, {}).items() if name != "step"}
    if "best" in found:
        scored["best step"] = found["best"]["step"]
    return scored | {name: value for name, value in found.items() if name.endswith("accuracy")}


def floors(cells: list[Cell]) -> list[dict[str, float]]:
    """What real images score, by the names of `measures`: each that differs, and so is of other real images."""
    found: list[dict] = []
    for own in (result(cell).get("floor", {}) for cell in done(cells)):
        if own not in found:
            found.append(own)
    return [{f"{when} {name}": value for name, value in each.items() for when in ("final", "best")} for each in found]


def by_combination(cells: list[Cell]) -> list[tuple[Combination, list[Cell]]]:
    """The cells of each combination, which differ in their seeds."""
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(sweep.name(cell.combination), []).append(cell)
    return [(group[0].combination, group) for group in groups.values()]


def table(cells: list[Cell]) -> str:
    """The table in Markdown, and what its figures are."""
    head, *body = lines(cells)
    rows = [head, ["---"] * len(head), *body]
    escaped = lambda row: [text.replace("|", r"\|") for text in row]
    text = "".join(f"| {' | '.join(escaped(row))} |\n" for row in rows)
    return f"{text}\n{legend(cells)}\n"


def legend(cells: list[Cell]) -> str:
    """What the table's figures are."""
    if len(floors(cells)) > 1:
        return "Mean ± standard deviation (n - 1) over seeds. The rows were scored against different real images: they cannot be compared."
    return (
        "Mean ± standard deviation (n - 1) over seeds. Bold: the best of its column, if its interval mean ± deviation "
        "meets no other's. Best: by each run's own best checkpoint, chosen by the first score, so it flatters noisy runs."
    )


def lines(cells: list[Cell]) -> list[list[str]]:
    """The table's lines: a head; of each combination its measures over seeds; what real images score."""
    groups = by_combination(cells)
    measured = [[measures(cell) for cell in done(group)] for _, group in groups]
    names = list(dict.fromkeys(name for runs in measured for run in runs for name in run if name != "best step"))
    flags = list(cells[0].combination)
    # Of what was scored against other images, or has lost the worst of its seeds, none can be called the best.
    whole = [len(runs) in (0, len(group)) for runs, (_, group) in zip(measured, groups)]
    comparable = all(whole) and len(floors(cells)) < 2
    columns = [
        _column(name, [[run[name] for run in runs if name in run] for runs in measured], comparable) for name in names
    ]
    speeds = [_speed(group) for _, group in groups]
    body = [
        [f"`{value}`" for value in combination.values()] + [column[i] for column in columns] + [speeds[i], _runs(group)]
        for i, (combination, group) in enumerate(groups)
    ]
    real = floors(cells)
    if len(real) == 1 and real[0]:
        body.append(["real images", *[""] * (len(flags) - 1), *(_number(real[0].get(name)) for name in names), "", ""])
    return [[*flags, *names, "images/s", "runs"], *body]


def _column(name: str, values: list[list[float]], comparable: bool) -> list[str]:
    """Of each combination mean ± deviation; the best one bold if they are comparable and its interval meets no other's."""
    intervals = [_interval(each) for each in values]
    told = [_told(*interval) if each else "-" for interval, each in zip(intervals, values)]
    there = [i for i, each in enumerate(values) if each]
    best = _separate({i: intervals[i] for i in there}, better(name)) if comparable else None
    return [f"**{text}**" if i == best else text for i, text in enumerate(told)]


def better(name: str) -> str | None:
    """Which way a measure is better, "lower" or "higher"."""
    return "higher" if name.endswith("accuracy") else scores.better(name.partition(" ")[2])


def _interval(values: list[float]) -> tuple[float, float]:
    """Mean and standard deviation, NaN for what there is too little for."""
    if not values:
        return math.nan, math.nan
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


def _separate(intervals: dict[int, tuple[float, float]], better: str | None) -> int | None:
    """Which interval, mean ± deviation, is better than all others and meets none of them; None if there is no such."""
    sign = {"lower": 1, "higher": -1}.get(better)
    if sign is None or len(intervals) < 2 or any(math.isnan(deviation) for _, deviation in intervals.values()):
        return None
    ends = {i: (sign * mean - deviation, sign * mean + deviation) for i, (mean, deviation) in intervals.items()}
    best = min(ends, key=lambda i: ends[i][1])
    return best if all(ends[best][1] < low for i, (low, _) in ends.items() if i != best) else None


def _told(mean: float, deviation: float) -> str:
    return _number(mean) if math.isnan(deviation) else f"{_number(mean)} ± {_number(deviation)}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _speed(group: list[Cell]) -> str:
    """The median over the runs that were long enough to tell."""
    rates = [result(cell)["images_per_second"] for cell in done(group)]
    rates = [rate for rate in rates if rate]
    return f"{np.median(rates):.0f}" if rates else "-"


def _runs(group: list[Cell]) -> str:
    """How many are done, of how many, and what the others are."""
    left = [state(cell) for cell in group if not finished(cell)]
    return (
        str(len(group)) if not left else f"{len(group) - len(left)} of {len(group)}; {'; '.join(dict.fromkeys(left))}"
    )
