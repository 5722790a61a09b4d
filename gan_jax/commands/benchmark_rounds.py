"""rounds a second of an experiment with any of its flags, and the memory that they take

python -m gan_jax benchmark_rounds dcgan
python -m gan_jax benchmark_rounds biggan --dataset=cifar10 --batch_size=256 --dtype=bfloat16 --width=64 --steps_per_call=10

Rounds as training makes them, compiled, on all devices, on the same images again and again; of networks that grow the
first phase's. Nothing is written.
"""

from collections.abc import Sequence
from functools import partial

from gan_jax.benchmarks import rounds
from gan_jax.config.flags import Parsed
from gan_jax.runs import launch, training
from gan_jax.runs.experiment import Experiment, find


def run(arguments: Sequence[str]) -> int:
    """The command; returns the exit code."""
    try:
        experiment, parsed = parse(arguments)
    except ValueError as error:
        return launch.fail(error)
    if parsed is None:
        return 0
    launch.keep_compiled(parsed.config.run.compilation_cache)

    def prepare():
        config, data, (first, *_) = training.check(experiment, parsed.config)
        return partial(rounds.report, config, data, first.recipe)

    return launch.carry_out(prepare)


def parse(arguments: Sequence[str]) -> tuple[Experiment, Parsed | None]:
    """The experiment that is named first, dcgan if none is, and its flags; None if help was asked for and given.

    Raises ValueError.
    """
    name, *rest = arguments if arguments and not arguments[0].startswith("-") else ["dcgan", *arguments]
    experiment = find(name)
    title = f"python -m gan_jax benchmark_rounds {name}: {__doc__.strip()}"
    return experiment, launch.parse_or_help(experiment.default, rest, title, presets=experiment.presets)
