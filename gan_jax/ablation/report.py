"""The pictures and the page of an ablation."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from experiments import ablation_results, evaluation, memorised, page, run_directory, sweep
from experiments.ablation_results import by_combination, done, finished
from experiments.sweep import Cell
from gan_jax import panels, pictures, record
from gan_jax.training.files import replace_file

LOSSES = ("d_loss", "g_loss")
POINTS = 200  # of a curve of losses


def save(workdir: Path) -> Path:
    """Draws curves.png and samples.png, and writes report.html, of all cells that are finished; returns its path.

    Raises ValueError if this is no ablation's directory.
    """
    plan, cells = ablation_results.read(workdir)
    panels.bands(_curves(plan, cells), workdir / "curves.png", xlabel=_xlabel(plan))
    groups = by_combination(cells)
    if done(cells):
        pictures.save(_samples(groups), workdir / "samples.png")
    path = workdir / "report.html"
    replace_file(path, _page(workdir, plan, cells).encode())
    return path


def _page(workdir: Path, plan: dict, cells: list[Cell]) -> str:
    swept = "; ".join(f"{name}: {', '.join(values)}" for name, values in plan["sweep"].items())
    seeds = sorted({cell.seed for cell in cells})
    lead = f"{swept}. Seeds {', '.join(map(str, seeds))}. {plan['amount']:g} {plan['budget']} each. {len(done(cells))} of {len(cells)} cells done."
    drawn = lambda name: page.picture(workdir / name) if (workdir / name).exists() else ""
    return page.page(
        f"Ablation of {plan['experiment']}: {', '.join(plan['sweep'])}",
        lead,
        [
            ("Table", page.table(ablation_results.lines(cells)) + page.note(ablation_results.legend(cells))),
            (
                "Curves",
                drawn("curves.png")
                + page.note("Means over seeds; bands of one standard deviation. Losses: running means."),
            ),
            ("Samples", drawn("samples.png") + page.note("In the end, of the same latents in each column.")),
            ("Nearest training images", page.side_by_side(_nearest(cells))),
            ("Cells", page.folded("each run", page.table(_rows(cells)))),
            ("Configuration", _configuration(plan, cells)),
            ("Made with", page.pairs(made_with(_surroundings(plan, cells)))),
        ],
    )


def _surroundings(plan: dict, cells: list[Cell]) -> dict:
    """Those of a cell, which may have accelerators that the ablation's own process leaves alone; and the command."""
    runs = done(cells)
    return plan | (run_directory.read_config(runs[0].workdir) if runs else {}) | {"command": plan["command"]}


def made_with(content: dict) -> dict[str, str]:
    """Machine, devices, versions and command, of a file that has `run_directory.surroundings`."""
    machine = content.get("machine", {})
    told = {name: machine[name] for name in ("processor", "cores", "system") if machine.get(name)}
    versions = ", ".join(f"{name} {version}" for name, version in content["versions"].items())
    return told | {
        "devices": ", ".join(content["devices"]),
        "versions": versions,
        "command": shlex.join(content["command"]),
    }


def _curves(plan: dict, cells: list[Cell]) -> dict[str, panels.Curves]:
    """By title and label, against what is budgeted: scores, then losses as running means."""
    found: dict[str, dict] = {}
    for combination, group in by_combination(cells):
        runs = done(group)
        if not runs:
            continue
        unit = plan["amount"] / runs[0].steps
        lines = [evaluation.read(cell.workdir) for cell in runs]
        steps = [line["step"] for line in lines[0]]
        for name in lines[0][0] if steps else ():
            if name != "step":
                values = np.array([[line[name] for line in run] for run in lines])
                found.setdefault(name, {})[sweep.label(combination)] = (unit * np.array(steps), values)
        columns = [record.read(cell.workdir) for cell in runs]
        for name in LOSSES:
            x, values = _running_means(np.array([run[name] for run in columns]))
            found.setdefault(name, {})[sweep.label(combination)] = (unit * x, values)
    return dict(sorted(found.items(), key=lambda panel: panel[0] in LOSSES))


def _running_means(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of values [R, N] at steps 1..N: some of the steps, and there the means over a fiftieth of all."""
    window = max(1, values.shape[1] // 50)
    means = np.lib.stride_tricks.sliding_window_view(values, window, axis=1).mean(axis=2)
    some = np.unique(np.linspace(0, means.shape[1] - 1, min(POINTS, means.shape[1])).astype(int))
    return some + window, means[:, some]


def _xlabel(plan: dict) -> str:
    return {"steps": "round", "seconds": "seconds of training", "images": "real images that D has seen"}[plan["budget"]]


def _samples(groups: list[tuple[dict, list[Cell]]]) -> Image.Image:
    """Each cell's last grid: a row for each combination, a column for each seed."""
    last = lambda cell: Image.open(sorted((cell.workdir / "samples").glob("*.png"))[-1]) if finished(cell) else None
    seeds = [f"seed {cell.seed}" for cell in groups[0][1]]
    return panels.wall(
        [[last(cell) for cell in group] for _, group in groups], [sweep.label(of) for of, _ in groups], seeds
    )


def _nearest(cells: list[Cell]) -> Iterator[str]:
    """Of each combination's first finished run the pairs of samples and training images."""
    for combination, group in by_combination(cells):
        runs = done(group)
        if runs:
            yield memorised.figure(runs[0].workdir, f"{sweep.label(combination)}, seed {runs[0].seed}")


def _rows(cells: list[Cell]) -> list[list[str]]:
    """The cells' states and measures."""
    measured = [ablation_results.measures(cell) if finished(cell) else {} for cell in cells]
    names = list(dict.fromkeys(name for each in measured for name in each))
    told = lambda value: "" if value is None else f"{value:.4g}"
    body = [
        [
            sweep.label(cell.combination),
            str(cell.seed),
            *(told(each.get(name)) for name in names),
            ablation_results.state(cell),
        ]
        for cell, each in zip(cells, measured)
    ]
    return [["", "seed", *names, "state"], *body]


def _configuration(plan: dict, cells: list[Cell]) -> str:
    """What was given, and all flags of the first finished cell but those that were swept."""
    runs = done(cells)
    if not runs:
        return ""
    config = run_directory.read_config(runs[0].workdir)
    same = {name: value for name, value in config["flags"].items() if name not in {*plan["sweep"], "seed", "workdir"}}
    given = " ".join(plan["flags"].values()) or "no flags beside those swept"
    note = page.note("Flags that are not swept; where one comes with a game, that of the first row.")
    return page.code(given) + page.folded("all flags", note + page.pairs(same))
