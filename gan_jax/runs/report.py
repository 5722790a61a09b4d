"""A page to look at, of a run: one file, which needs no network."""

import json
import shlex
from pathlib import Path

from gan_jax.config.flags import flag
from gan_jax.config.parts import ScoringConfig
from gan_jax.data import places
from gan_jax.pictures import grids, page
from gan_jax.runs import data_sheet, directory, monitor, score, score_table
from gan_jax.runs.restore import TrainedRun, restore
from gan_jax.training.files import replace_file
from gan_jax.training.loop import NonFinite

NEAREST = "nearest-newest.png"


def save(workdir: Path) -> Path:
    """Writes report.html into the directory; returns its path. Raises ValueError or OSError."""
    path = workdir / "report.html"
    replace_file(path, _page(workdir).encode())
    return path


def made_with(content: dict) -> dict[str, str]:
    """Machine, devices, versions and command, of a file that has `directory.surroundings`."""
    machine = content.get("machine", {})
    known = {name: machine[name] for name in ("processor", "cores", "system") if machine.get(name)}
    versions = ", ".join(f"{name} {version}" for name, version in content["versions"].items())
    return known | {
        "devices": ", ".join(content["devices"]),
        "versions": versions,
        "command": shlex.join(content["command"]),
    }


def nearest(workdir: Path, title: str) -> str:
    """The nearest training images of a run's samples as a figure, or a note of why there are none.

    They are looked for now, unless `evaluate` has done it for this state.
    """
    written = lambda name: (workdir / name).stat().st_mtime if (workdir / name).exists() else 0
    if written(NEAREST) < written("result.json"):  # of an earlier state, or none
        try:
            config = ScoringConfig(num_samples=score.COMPARED)
            _, pictures = score.score(restore(workdir), config, [score.MEMORISATION])
            grids.save(pictures["newest"], workdir / NEAREST)
        except (ValueError, OSError, NonFinite) as error:
            return page.note(f"{title}: no nearest training images ({error})")
    caption = f"{title}: what is most like a copy, each sample left of its nearest training image"
    return page.picture(workdir / NEAREST, caption)


def _page(workdir: Path) -> str:
    content = directory.read_config(workdir)
    if not (workdir / "result.json").exists():
        raise ValueError(f"{workdir} has no result yet: its training is not over")
    result = json.loads((workdir / "result.json").read_text())
    flags, samples = content["flags"], sorted((workdir / "samples").glob("*.png"))
    subject = places.title(flags.get("dataset") or flags.get("mixture") or "")
    of = f"{subject}, seed {flags['seed']}" if subject else f"seed {flags['seed']}"
    lead = f"{of}: {result['step']} rounds, {result['images_per_second']:g} images/s."
    there = lambda *names: [workdir / name for name in names if (workdir / name).exists()]
    shown = [page.picture(samples[-1], "samples at the end")] if samples else []
    shown += [page.picture(path, "over time") for path in there("samples.gif")]
    shown += [page.picture(path, "real images, and as D sees them") for path in there(data_sheet.NAME)]
    draws = _draws_images(workdir)
    return page.page(
        " ".join(str(part) for part in (content["experiment"], flags.get("game")) if part),
        lead,
        [
            ("Samples", page.side_by_side(shown)),
            ("Scores", _scores(workdir, result, hint=draws)),
            ("Curves", "".join(page.picture(path) for path in there("evaluations.png", "curves.png", "trials.png"))),
            ("Nearest training images", nearest(workdir, "samples") if draws else ""),
            ("Configuration", page.pairs(flags)),
            ("Made with", page.pairs(made_with(content))),
        ],
    )


def _draws_images(workdir: Path) -> bool:
    """Whether a run draws images that can be scored; False too if its checkpoints cannot be read."""
    try:
        run: TrainedRun = restore(workdir)
    except (ValueError, OSError):
        return False
    return run.recipe.sampler is not None


def _scores(workdir: Path, result: dict, *, hint: bool) -> str:
    """What `evaluate` found, and what was found in training; of nothing perhaps a hint how to find some."""
    found = ""
    if (workdir / "evaluation.json").exists():
        scored = json.loads((workdir / "evaluation.json").read_text())
        found += page.code("\n".join(score_table.table(scored)))
    lines = list(monitor.summary_lines(result)) if "final" in result else []
    lines += [f"{name}: {value:.4g}" for name, value in result.items() if name.endswith("accuracy")]
    lines += [
        f"{name}: {value['mean']:.4g} ± {value['std']:.4g} over trials"
        for name, value in result.items()
        if isinstance(value, dict) and "trials" in value
    ]
    found += "".join(page.note(line) for line in lines)
    return found or (page.note(f"python -m gan_jax evaluate {flag('workdir', workdir)} adds them") if hint else "")
