"""A page to look at, of a run: one file, which needs no network. All that it says is in the run's directory."""

import json
from collections.abc import Mapping
from pathlib import Path

from gan_jax.config.flags import flag
from gan_jax.config.given import command
from gan_jax.config.stored import to_json
from gan_jax.data import places
from gan_jax.evaluation import scores
from gan_jax.pictures import page
from gan_jax.pictures.page import with_arrow
from gan_jax.recipes.contract import EARLY
from gan_jax.runs import captions, data_sheet, directory, encoded, growth, monitor, names, progress, score_table
from gan_jax.runs.experiment import find
from gan_jax.runs.progress import duration
from gan_jax.training import record
from gan_jax.training.files import replace_file

NEAREST = "nearest-newest.png"
TRIED = "Evaluated in training, always by samples of the same latents; the first score chooses the best checkpoint."


def save(workdir: Path, nearest: str | None = None, floor: Mapping[str, float] | None = None) -> Path:
    """Writes report.html into the directory; returns its path. Raises ValueError or OSError.

    Args:
      nearest: HTML of the nearest training images (`runs.nearest`); by default what there is of them.
      floor: what real images score; by default what result.json says of it.
    """
    path = workdir / "report.html"
    replace_file(path, _page(workdir, nearest, floor).encode())
    return path


def made_with(content: dict) -> dict[str, str]:
    """Commit, machine, devices and versions, of a file that has `directory.surroundings`."""
    machine = content.get("machine", {})
    known = {"commit": content["commit"]} if content.get("commit") else {}
    known |= {name: machine[name] for name in ("processor", "cores", "system") if machine.get(name)}
    versions = ", ".join(f"{name} {version}" for name, version in content["versions"].items())
    return known | {"devices": ", ".join(content["devices"]), "versions": versions}


def nearest(workdir: Path, title: str) -> str:
    """The picture of the nearest training images, as a figure. Args: title: whose samples they are."""
    return page.picture(
        workdir / NEAREST,
        f"{title}: what is most like a copy. Of each pair the sample is on the left, its nearest training image on the right.",
        "Pairs of images in columns, each titled: sample | nearest.",
    )


def differing(content: dict) -> dict[str, object]:
    """The flags of a run that differ from its experiment's defaults, and their values."""
    flags = content["flags"]
    if "given" in content:
        return {name: flags[name] for name in content["given"] if name in flags}
    try:  # of an earlier version, that did not say
        experiment = find(content["experiment"])
        defaults = to_json(experiment.resolve(experiment.default))
    except ValueError:
        return {}
    return {name: value for name, value in flags.items() if name in defaults and value != defaults[name]}


def _page(workdir: Path, found: str | None, floor: Mapping[str, float] | None) -> str:
    content = directory.read_config(workdir)
    flags, metrics, evaluations = content["flags"], record.read(workdir), monitor.read(workdir)
    result = _json(workdir / "result.json")
    result |= {"floor": floor} if floor else {}
    step = int(max([result.get("step", 0), *metrics.get("step", [])]))
    over = "step" in result and result["step"] == step >= (flags.get("steps") or step)
    draws = _draws_images(content) and any((workdir / "samples").glob("*.png"))
    subject, game = places.title(names.subject(flags) or ""), flags.get("game")
    name = content["experiment"] + (f" on {subject}" if subject else "")
    rounds = f"{step:,} of {flags['steps']:,}" if flags.get("steps") else f"{step:,}"
    if found is None and captions.of(content):
        found = ""
    if found is None:
        found = nearest(workdir, "Samples") if draws and _is_newest(workdir / NEAREST, workdir / "samples") else ""
        found = found or (
            page.note(f"python -m gan_jax report {flag('workdir', workdir)} looks for them.") if draws else ""
        )
    return page.page(
        f"{name}: {game}" if game else name,
        f"Seed {flags['seed']}. {workdir}",
        [
            ("Samples", _samples(workdir, content)),
            ("Encoder", _encoded(workdir)),
            ("Scores", _scores(workdir, result, evaluations, hint=draws)),
            ("Curves", _curves(workdir)),
            ("Nearest training images", found),
            ("Command", _command(content)),
            ("Configuration", _configuration(content)),
            ("Made with", page.pairs(made_with(content))),
        ],
        status="" if over else f"unfinished, {rounds}",
        facts=page.cards({"rounds": rounds} | _facts(workdir, flags, result, evaluations, step)),
    )


def _facts(workdir: Path, flags: dict, result: dict, evaluations: list[dict], step: int) -> dict:
    """What is to be seen at once, beside the rounds."""
    facts: dict[str, object] = {}
    lines = [line for line in progress.read(workdir) if line["step"] <= step]
    if lines:
        last = lines[-1]
        rounds = (
            "" if last["step"] == step and not last["since"] else f"of rounds {last['since'] + 1:,} to {last['step']:,}"
        )
        facts["training time"] = (duration(last["seconds"]), rounds)
        facts["images seen"] = f"{last['images']:,}"
    elif "seconds" in result:
        facts["training time"] = (duration(result["seconds"]), "since the last start")
        if "n_critic" in flags:
            facts["images seen"] = f"{step * flags['batch_size'] * flags['n_critic']:,}"
    if result.get("images_per_second"):
        facts["images/s"] = f"{result['images_per_second']:,g}"
    if evaluations:
        best = _best(evaluations)
        number = list(best)[1]
        facts[with_arrow(f"best {number}", scores.better(number))] = (
            f"{best[number]:.4g}",
            f"of round {best['step']:,}",
        )
    return facts


def _samples(workdir: Path, content: dict) -> str:
    """The last picture of samples, and all of them over time."""
    pictures, flags = sorted((workdir / "samples").glob("*.png")), content["flags"]
    if not pictures:
        return ""
    step = int(pictures[-1].stem)
    if known := captions.of(content):
        said, what = known[captions.NEWEST]
        shown = [page.picture(pictures[-1], said.format(f"{step:,}"), what)]
        shown += [page.picture(workdir / name, *text) for name, text in known.items() if (workdir / name).exists()]
        return page.side_by_side(shown)
    early = bool(flags.get("ema")) and "given" in content  # earlier versions drew all alike
    by = "by G itself, as it is in training" if early and step < EARLY else "by the moving average of G's weights"
    last = f"After round {step:,}" + (f", {by}." if flags.get("ema") else ".")
    shown = [page.picture(pictures[-1], last, f"Samples after round {step:,}")]
    if (workdir / "samples.gif").exists():
        said = "Over time, always of the same latents."
        said += (
            f" Before round {EARLY} by G itself, as it is in training: averages know too little yet." if early else ""
        )
        shown.append(page.picture(workdir / "samples.gif", said, "The same samples, from the first round to the last"))
    if (workdir / growth.NAME).exists():
        said = "Samples at the end of each phase."
        shown.append(page.picture(workdir / growth.NAME, said, "Samples of each phase, side by side"))
    if (workdir / data_sheet.NAME).exists():
        said = "Real images, and as the networks see them."
        shown.append(page.picture(workdir / data_sheet.NAME, said, "Real images that the run learns"))
    return page.side_by_side(shown)


def _encoded(workdir: Path) -> str:
    """What the encoder makes of images, where there is one."""
    there = {name: said for name, said in encoded.CAPTIONS.items() if (workdir / name).exists()}
    return page.side_by_side([page.picture(workdir / name, *said) for name, said in there.items()]) if there else ""


def _curves(workdir: Path) -> str:
    captions = {
        "evaluations.png": ("Scores in training. Dashed: what real images score.", "Scores against rounds"),
        "curves.png": (
            "Metrics of each round, faint, and their running means. Above each panel is what is healthy.",
            "Losses and other metrics against rounds, a panel for each kind",
        ),
        "trials.png": ("Samples of all trials, on the data.", "Points of each trial over those of the mixture"),
    }
    return "".join(page.picture(workdir / name, *said) for name, said in captions.items() if (workdir / name).exists())


def _scores(workdir: Path, result: dict, evaluations: list[dict], *, hint: bool) -> str:
    """What `evaluate` found, and what was found in training; of nothing perhaps a hint how to find some."""
    found = ""
    if (workdir / "evaluation.json").exists():
        scored = _json(workdir / "evaluation.json")
        found += page.table(_with_arrows(score_table.rows(scored)))
        by_class = "\n".join(score_table.class_table(scored["class_names"], scored["by_class"])).strip("\n")
        found += page.folded("class by class", page.code(by_class)) if by_class else ""
        said = [*score_table.drawn(scored), *score_table.left_out(scored.get("left_out", {}))]
        found += "".join(page.note(line) for line in said)
        found += page.note(
            f"By python -m gan_jax evaluate, after round {next(iter(scored['scores'].values()))['step']:,}."
        )
    if evaluations:
        found += page.table(_with_arrows(_in_training(evaluations, result.get("floor", {})))) + page.note(TRIED)
    lines = [f"{name}: {value:.4g}" for name, value in result.items() if name.endswith("accuracy")]
    lines += [
        f"{with_arrow(name, scores.better(name))}: {value['mean']:.4g} ± {value['std']:.4g} over trials"
        for name, value in result.items()
        if isinstance(value, dict) and "trials" in value
    ]
    found += "".join(page.note(line) for line in lines)
    return found or (page.note(f"python -m gan_jax evaluate {flag('workdir', workdir)} adds them.") if hint else "")


def _in_training(evaluations: list[dict], floor: Mapping[str, float]) -> list[list[str]]:
    """The rows of a table of the last and the best evaluation, and of real images."""
    last, best = evaluations[-1], _best(evaluations)
    head = ["in training", f"last ({last['step']:,})", f"best ({best['step']:,})", *(["real images"] if floor else [])]
    number = lambda value: "" if value is None else f"{value:.4g}"
    body = [
        [name, number(last[name]), number(best[name]), *([number(floor.get(name))] if floor else [])]
        for name in list(last)[1:]
    ]
    return [head, *body]


def _best(evaluations: list[dict]) -> dict:
    """The evaluation whose first number is best; the earliest of equal ones."""
    number = list(evaluations[0])[1]
    sign = -1 if scores.better(number) == "higher" else 1
    return min(evaluations, key=lambda line: sign * line[number])


def _with_arrows(rows: list[list[str]]) -> list[list[str]]:
    """The rows of a table; each whose first cell is a measure says which way that is better."""
    head, *body = rows
    return [head, *([with_arrow(first, scores.better(first)), *rest] for first, *rest in body)]


def _command(content: dict) -> str:
    if "given" in content:
        return page.code(command(content["experiment"], content["given"]))
    return page.code(" ".join(content["command"]))


def _configuration(content: dict) -> str:
    """What differs from the defaults, and all of it when asked for."""
    own = differing(content)
    shown = page.pairs(own) if own else page.note("All is as the experiment has it by default.")
    return shown + page.folded(f"all {len(content['flags'])} flags", page.pairs(content["flags"]))


def _is_newest(path: Path, folder: Path) -> bool:
    """Whether a file is there, and newer than all files of a folder."""
    written = lambda path: path.stat().st_mtime
    return path.exists() and written(path) >= max(map(written, folder.iterdir()), default=0.0)


def _draws_images(content: dict) -> bool:
    """Whether what the run learns are images."""
    shapes = [field[1] for field in _leaves(content["data"]["example"]).values()]
    return any(len(shape) == 3 for shape in shapes)


def _leaves(example: dict) -> dict[str, list]:
    """The fields of an example, also of one of several domains."""
    found: dict[str, list] = {}
    for name, field in example.items():
        found |= _leaves(field) if isinstance(field, dict) else {name: field}
    return found


def _json(path: Path) -> dict:
    return json.loads(path.read_text()) if path.exists() else {}
