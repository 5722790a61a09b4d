"""every game on mixtures of Gaussians, ten trials each, as a table

python -m gan_jax mixtures --steps=5000

Takes all flags of experiments.mixture2d too; each run has a directory of its own under --workdir. Stopped at any point,
the same command goes on.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gan_jax.config.flags import Parsed
from gan_jax.config.options import option, replace, require_known
from gan_jax.config.parts import ClusterConfig
from gan_jax.data.mixtures import MIXTURES
from gan_jax.presets import PRESETS
from gan_jax.runs import launch, training
from gan_jax.runs.experiment import find
from gan_jax.runs.mixtures import measures
from gan_jax.runs.training import Run
from gan_jax.training.files import replace_file
from gan_jax.training.loop import NonFinite

WORKDIR = "runs/mixtures"
Place = tuple[str, str]  # in the table: (game, mixture)


@dataclass(frozen=True)
class Options:
    """What the table has, and the options of its runs."""

    games: tuple[str, ...] = option(tuple(PRESETS), "The table's rows.")
    mixtures: tuple[str, ...] = option(("ring8", "grid25"), "The table's columns.")
    runs: object = None  # the experiment's configuration


def run(arguments: Sequence[str]) -> int:
    """The command; returns the exit code."""
    options = Options(runs=replace(find("mixture2d").default, workdir=WORKDIR))
    try:
        parsed = launch.parse_or_help(options, arguments, f"python -m gan_jax mixtures: {__doc__}")
    except ValueError as error:
        return launch.fail(error)
    if parsed is None:
        return 0
    launch.keep_compiled(parsed.config.runs.run.compilation_cache)
    return launch.carry_out(partial(prepare, parsed))


def prepare(parsed: Parsed) -> Callable[[], None]:
    """Checks all runs; returns what fills the table. Raises ValueError or OSError."""
    options, experiment = parsed.config, find("mixture2d")
    for game in options.games:
        require_known("game", game, PRESETS)
    for mixture in options.mixtures:
        require_known("mixture", mixture, MIXTURES)
    if {"game", "mixture"} & parsed.given.keys():
        raise ValueError("the table is of many: --games=... and --mixtures=... choose them")
    if options.runs.cluster != ClusterConfig():
        raise ValueError("the table is filled by one process")
    configs = {
        (game, mixture): _of_run(options.runs, game, mixture) for mixture in options.mixtures for game in options.games
    }
    for config in configs.values():  # what is wrong shows before any directory is made
        training.check(experiment, config)
    return partial(fill, options, {place: training.prepare(experiment, config) for place, config in configs.items()})


def fill(options: Options, runs: Mapping[Place, Run]) -> None:
    """Trains what is not there yet, and writes and prints the table after each run."""
    train, workdir, failures = find("mixture2d").train, Path(options.runs.run.workdir), {}
    for number, (place, each) in enumerate(runs.items(), 1):
        if _result(each).get("step", 0) < options.runs.run.steps:
            print(f"[{number}/{len(runs)}] {' on '.join(place)}")
            try:
                train(each)
            except NonFinite as error:
                failures[place] = str(error)
        text = table(options, {place: _result(each) for place, each in runs.items()}, failures)
        replace_file(workdir / "table.md", text.encode())
    print("\n" + text)


def table(options: Options, results: Mapping[Place, dict], failures: Mapping[Place, str]) -> str:
    """The table in Markdown: a row per game, of each mixture modes, high quality and reverse KL, mean ± deviation."""
    head = ["game"] + [f"{name}: {what}" for name in options.mixtures for what in ("modes", "high quality", "KL")]
    rows = [head, ["---"] * len(head)]
    for game in options.games:
        row = [f"`{game}`"]
        for mixture in options.mixtures:
            place = game, mixture
            missing = place in failures or not results[place]
            row += [failures.get(place, "-"), "", ""] if missing else measures(results[place])
        rows.append(row)
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _of_run(config: object, game: str, mixture: str) -> object:
    return replace(config, game=game, mixture=mixture, workdir=str(Path(config.run.workdir) / f"{mixture}-{game}"))


def _result(run: Run) -> dict:
    path = run.workdir / "result.json"
    return json.loads(path.read_text()) if path.exists() else {}
