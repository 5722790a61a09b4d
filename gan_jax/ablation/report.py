"""The pictures and the page of an ablation."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from gan_jax.ablation import results, sweep
from gan_jax.ablation.results import by_combination, done, finished
from gan_jax.ablation.sweep import AblationRun, Combination
from gan_jax.pictures import grids, page, panels
from gan_jax.runs import directory, monitor
from gan_jax.runs.nearest import nearest
from gan_jax.runs.report import made_with
from gan_jax.training import record
from gan_jax.training.files import replace_file

POINTS = 200  # of a curve of losses
BUDGETED = {"steps": "round", "seconds": "seconds of training", "images": "real images that D has seen"}


def save(workdir: Path) -> Path:
    """Draws curves.png and samples.png, and writes report.html, of all runs that are finished; returns its path.

    Raises ValueError if this is no ablation's directory.
    """
    plan, runs = results.read(workdir)
    panels.bands(_curves(plan, runs), workdir / "curves.png", xlabel=BUDGETED[plan["budget"]])
    wall = _samples(by_combination(runs))
    if wall is not None:
        grids.save(wall, workdir / "samples.png")
    path = workdir / "report.html"
    replace_file(path, _page(workdir, plan, runs).encode())
    return path


def _page(workdir: Path, plan: dict, runs: list[AblationRun]) -> str:
    swept = "; ".join(f"{name}: {', '.join(values)}" for name, values in plan["sweep"].items())
    seeds = ", ".join(map(str, sorted({run.seed for run in runs})))
    progress = f"{len(done(runs))} of {len(runs)} runs done."
    lead = f"{swept}. Seeds {seeds}. {plan['amount']:g} {plan['budget']} each. {progress}"
    drawn = lambda name, *said: page.picture(workdir / name, *said) if (workdir / name).exists() else ""
    curves = "Means over seeds; bands, and thin lines on bars, of one standard deviation. Losses: running means."
    samples = "In the end: a row for each combination, a column for each seed."
    return page.page(
        f"Ablation of {plan['experiment']}: {', '.join(plan['sweep'])}",
        lead,
        [
            ("Table", page.table(results.lines(runs)) + page.note(results.legend(runs))),
            ("Curves", drawn("curves.png", curves, "Scores and losses of all combinations")),
            ("Samples", drawn("samples.png", samples, "Samples of all runs, side by side")),
            ("Nearest training images", page.side_by_side(_nearest(runs))),
            ("Runs", page.folded("each run", page.table(_rows(runs)))),
            ("Command", page.code(_command(plan))),
            ("Configuration", _configuration(plan, runs)),
            ("Made with", page.pairs(made_with(_surroundings(plan, runs)))),
        ],
    )


def _surroundings(plan: dict, runs: list[AblationRun]) -> dict:
    """Those of a run, which may have accelerators that the ablation's own process leaves alone."""
    first = done(runs)[:1]
    return plan | (directory.read_config(first[0].workdir) if first else {})


def _command(plan: dict) -> str:
    """As a shell takes it, in place of the path of the program that was run."""
    return shlex.join(["python", "-m", "gan_jax", *plan["command"][1:]])


def _curves(plan: dict, runs: list[AblationRun]) -> dict[str, panels.Curves]:
    """By title and label, against what is budgeted: scores, then losses as running means."""
    found: dict[str, dict] = {}
    for combination, group in by_combination(runs):
        label, group = sweep.label(combination), done(group)
        if not group:
            continue
        unit = plan["amount"] / group[0].steps
        lines = [monitor.read(run.workdir) for run in group]
        steps = [line["step"] for line in lines[0]]
        for name in lines[0][0] if steps else ():
            if name != "step":
                values = np.array([[line[name] for line in run] for run in lines])
                found.setdefault(name, {})[label] = (unit * np.array(steps), values)
        columns = [record.read(run.workdir) for run in group]
        for name in filter(_is_loss, columns[0]):
            x, values = _running_means(np.array([run[name] for run in columns]))
            found.setdefault(name, {})[label] = (unit * x, values)
    return dict(sorted(found.items(), key=lambda panel: _is_loss(panel[0])))


def _is_loss(name: str) -> bool:
    return name.endswith("loss")


def _running_means(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of values [R, N] at steps 1..N: some of the steps, and there the means over a fiftieth of all."""
    window = max(1, values.shape[1] // 50)
    means = np.lib.stride_tricks.sliding_window_view(values, window, axis=1).mean(axis=2)
    some = np.unique(np.linspace(0, means.shape[1] - 1, min(POINTS, means.shape[1])).astype(int))
    return some + window, means[:, some]


def _samples(groups: Sequence[tuple[Combination, list[AblationRun]]]) -> Image.Image | None:
    """Each run's last picture of samples: a row for each combination, a column for each seed; None if there is none."""

    def last(run: AblationRun) -> Image.Image | None:
        pictures = sorted((run.workdir / "samples").glob("*.png")) if finished(run) else []
        return Image.open(pictures[-1]) if pictures else None

    pictures = [[last(run) for run in group] for _, group in groups]
    if not any(picture for row in pictures for picture in row):
        return None
    seeds = [f"seed {run.seed}" for run in groups[0][1]]
    return panels.wall(pictures, [sweep.label(combination) for combination, _ in groups], seeds)


def _nearest(runs: list[AblationRun]) -> Iterator[str]:
    """Of each combination's first finished run the pairs of samples and training images."""
    for combination, group in by_combination(runs):
        for run in done(group)[:1]:
            yield nearest(run.workdir, f"{sweep.label(combination)}, seed {run.seed}")


def _rows(runs: list[AblationRun]) -> list[list[str]]:
    """The runs' states and measures."""
    measured = [results.measures(run) if finished(run) else {} for run in runs]
    names = list(dict.fromkeys(name for each in measured for name in each))
    text = lambda value: "" if value is None else f"{value:.4g}"
    body = [
        [sweep.label(run.combination), str(run.seed), *(text(each.get(name)) for name in names), results.state(run)]
        for run, each in zip(runs, measured, strict=True)
    ]
    return [["", "seed", *(page.with_arrow(name, results.better(name)) for name in names), "state"], *body]


def _configuration(plan: dict, runs: list[AblationRun]) -> str:
    """What was given, and all flags of the first finished run but those that were swept."""
    first = done(runs)[:1]
    if not first:
        return ""
    config = directory.read_config(first[0].workdir)
    same = {name: value for name, value in config["flags"].items() if name not in {*plan["sweep"], "seed", "workdir"}}
    given = shlex.join(plan["flags"].values()) or "no flags beside those swept"
    note = page.note("Flags that are not swept; where one comes with a game, that of the first row.")
    return page.code(given) + page.folded("all flags", note + page.pairs(same))
