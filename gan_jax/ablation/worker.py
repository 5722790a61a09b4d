"""A cell of an ablation: an experiment in a process that ends when the one that started it does.

`experiments.ablate` starts it as `python -m experiments.cell EXPERIMENT SEEDS --flags`, with a pipe that stays open as its
input. One seed runs as `python -m experiments.EXPERIMENT` would; several, as in 0,1,2, train together, where "{seed}" in
--workdir becomes each one's own.
"""

import importlib
import os
import sys
import threading
from functools import partial

from experiments import common, together


def main() -> None:
    experiment, seeds = sys.argv[1:3]
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    module = importlib.import_module(f"experiments.{experiment}")
    sys.argv[:3] = [module.__file__]  # what config.json calls the command
    prepare = module.prepare
    if "," in seeds:
        prepare = partial(together.prepare, module.training, [int(seed) for seed in seeds.split(",")])
    common.launch(prepare, module.DEFAULTS)


def _end_with_the_starter() -> None:
    """However that ended: otherwise, started again, it would have this directory trained in twice."""
    while os.read(0, 1):
        pass
    os._exit(1)  # a run that is killed loses nothing but the rounds since its last checkpoint


if __name__ == "__main__":
    main()
