"""A run of an ablation: an experiment in a process that ends when the one that started it does.

`ablation.running` starts it as `python -m gan_jax.ablation.worker EXPERIMENT SEEDS --flags`, with a pipe that stays
open as its input. One seed runs as `python -m experiments.EXPERIMENT` would; several, as in 0,1,2, train in one
program, where "{seed}" in --workdir becomes each one's own.
"""

import os
import sys
import threading
from functools import partial

from gan_jax.runs.leaving import leave


def main() -> None:
    """Trains what the command line says; exits."""
    sys.stdout.reconfigure(line_buffering=True)  # what it printed stands in its log before what ended it
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    leave(train(*sys.argv[1:3], sys.argv[3:]))


def train(name: str, seeds: str, given: list[str]) -> int:
    """Trains an experiment with these flags, its seeds in one program if there are several; returns the exit code."""
    # Here, since they take seconds, in which this process may have to end.
    from gan_jax.runs import launch, trials
    from gan_jax.runs.experiment import find

    experiment = find(name)
    sys.argv = [sys.modules[experiment.make.__module__].__file__, *given]  # what config.json calls the command
    if "," not in seeds:
        return launch.main(experiment, given)
    try:
        config = experiment.parse(given).config
    except ValueError as error:
        return launch.fail(error)
    launch.keep_compiled(config.run.compilation_cache)
    return launch.carry_out(partial(trials.prepare, experiment, [int(seed) for seed in seeds.split(",")], config))


def _end_with_the_starter() -> None:
    """However that ended: otherwise, started again, it would have this directory trained in twice."""
    while os.read(0, 1):
        pass
    os._exit(1)  # a run that is killed loses nothing but the rounds since its last checkpoint


if __name__ == "__main__":
    main()
