"""Every game on mixtures of Gaussians, ten trials each, as a table; stopped at any point, the same command goes on.

    python -m experiments.mixture_table --steps=5000

Takes all flags of `experiments.mixture2d`; each cell is a run of it, in a directory of its own under --workdir.
"""

import json
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import jax
from absl import flags

from experiments import common, mixture2d
from gan_jax.presets import PRESETS, require_known
from gan_jax import loop
from gan_jax.data.mixtures import MIXTURES
from gan_jax.training.files import replace_file

DEFAULTS = mixture2d.DEFAULTS | dict(workdir="runs/mixtures", game=None, mixture=None)

flags.DEFINE_list("games", list(PRESETS), "The table's rows.")
flags.DEFINE_list("mixtures", ["ring8", "grid25"], "The table's columns.")
flags.adopt_module_key_flags(mixture2d)


def prepare(config: SimpleNamespace) -> common.Train:
    """Checks all cells; returns what fills the table. Raises ValueError or OSError."""
    for game in config.games:
        require_known("game", game, PRESETS)
    for mixture in config.mixtures:
        require_known("mixture", mixture, MIXTURES)
    if config.game or config.mixture:
        raise ValueError("the table is of many: --games=... and --mixtures=... choose them")
    if jax.process_count() > 1:
        raise ValueError("the table is filled by one process")
    cells = {(game, mixture): _cell(config, game, mixture) for mixture in config.mixtures for game in config.games}
    for cell in cells.values():  # what is wrong shows before any directory is made
        mixture2d.make_setup(mixture2d.resolve(cell))
    trains = {where: mixture2d.prepare(cell) for where, cell in cells.items()}
    return partial(fill, config, cells, trains)


def fill(config: SimpleNamespace, cells: dict, trains: dict) -> None:
    """Runs what is not there yet, and writes and prints the table after each cell."""
    failures = {}
    for number, (where, train) in enumerate(trains.items(), 1):
        if _result(cells[where]).get("step", 0) < config.steps:
            print(f"[{number}/{len(cells)}] {' on '.join(where)}")
            try:
                train()
            except loop.NonFinite as error:
                failures[where] = str(error)
        text = table(config, cells, failures)
        replace_file(Path(config.workdir) / "table.md", text.encode())
    print("\n" + text)


def table(config: SimpleNamespace, cells: dict, failures: dict) -> str:
    """The table in Markdown: a row per game, of each mixture modes, high quality and reverse KL, mean ± deviation."""
    head = ["game"] + [f"{name}: {what}" for name in config.mixtures for what in ("modes", "high quality", "KL")]
    rows = [head, ["---"] * len(head)]
    for game in config.games:
        row = [f"`{game}`"]
        for mixture in config.mixtures:
            result = _result(cells[game, mixture])
            if (game, mixture) in failures or not result:
                row += [failures.get((game, mixture), "-"), "", ""]
            else:
                row += mixture2d.measures(result)
        rows.append(row)
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cell(config: SimpleNamespace, game: str, mixture: str) -> SimpleNamespace:
    """The configuration of one run. What is the table's alone is not its."""
    own = {name: value for name, value in vars(config).items() if name not in ("games", "mixtures")}
    return SimpleNamespace(
        **own | dict(game=game, mixture=mixture, workdir=str(Path(config.workdir) / f"{mixture}-{game}"))
    )


def _result(cell: SimpleNamespace) -> dict:
    path = Path(cell.workdir) / "result.json"
    return json.loads(path.read_text()) if path.exists() else {}


if __name__ == "__main__":
    common.launch(prepare, DEFAULTS)
