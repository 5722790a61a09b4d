"""an experiment with every combination of some flags' values, each with a few seeds; tables, curves, a report

python -m gan_jax ablate --sweep=game=minmax,non_saturating,wasserstein_gp --seeds=3 --steps=2000
python -m gan_jax ablate --experiment=cgan --sweep=conditioning=embed,projection --sweep=d_lr=1e-4,4e-4 -- --width=64

Takes all flags of the experiment too: --steps are those of each run, --seed is the first one, --workdir the ablation's
directory. Each run has a process and a directory of its own. Stopped or killed at any point, the same command goes on:
runs that are finished stay, those that were cut off go on from their last checkpoints, those that failed are tried
again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import jax
from absl import flags

from gan_jax.ablation import plan, running
from gan_jax.ablation.plan import AblationConfig
from gan_jax.config.flags import Parsed
from gan_jax.config.options import flat
from gan_jax.runs import launch
from gan_jax.runs.experiment import Experiment, find


@dataclass(frozen=True)
class Options:
    """Those of the ablation, and those of its runs."""

    ablation: AblationConfig
    runs: object  # the experiment's configuration


def run(arguments: Sequence[str]) -> int:
    """The command; returns the exit code."""
    jax.config.update("jax_platforms", "cpu")  # accelerators are left to the runs
    try:
        parsed = parse(arguments)
    except ValueError as error:
        return launch.fail(error)
    if parsed is None:
        return 0
    launch.keep_compiled(parsed.config.runs.run.compilation_cache)
    return launch.carry_out(partial(prepare, parsed))


def parse(arguments: Sequence[str]) -> Parsed | None:
    """The command line, with the flags of the experiment that it names; None if help was asked for and given.

    Raises ValueError.
    """
    # What is needed first; --sweep may be given several times, and its values have commas.
    first = flags.FlagValues()
    flags.DEFINE_string("experiment", AblationConfig.experiment, "", flag_values=first)
    flags.DEFINE_multi_string("sweep", [], "", flag_values=first)
    first.set_gnu_getopt()
    try:
        rest = first(["ablate", *(each for each in arguments if each != "--")], known_only=True)[1:]
    except flags.Error as error:
        raise ValueError(str(error)) from error
    experiment = find(first.experiment)
    own = AblationConfig(experiment=first.experiment, sweep=tuple(first.sweep))
    _require_apart(experiment)
    try:
        presets = {name: Options(own, each) for name, each in experiment.presets.items()}
        title = f"python -m gan_jax ablate: {__doc__}"
        return launch.parse_or_help(Options(own, experiment.default), rest, title, presets=presets)
    except ValueError as error:
        if isinstance(error.__cause__, flags.UnrecognizedFlagError):
            raise ValueError(f"{experiment.name}: {error}") from error
        raise


def prepare(parsed: Parsed) -> Callable[[], None]:
    """Checks all runs without writing anything; returns what carries the ablation out. Raises ValueError or OSError."""
    own, config = parsed.config.ablation, parsed.config.runs
    made = plan.make(find(own.experiment), config, own, parsed.given)
    return partial(running.carry_out, *made, jobs=own.jobs, vmap_trials=own.vmap_trials)


def _require_apart(experiment: Experiment) -> None:
    """Raises ValueError if a flag of the experiment has the name of one of the ablation's."""
    both = flat(AblationConfig()).keys() & flat(experiment.default).keys()
    if both:
        shown = ", ".join(f"--{name}" for name in sorted(both))
        raise ValueError(f"{experiment.name} has {shown}, which an ablation has too: it needs another name")
