"""What an ablation compares: values of flags, and of each combination a few seeds."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from gan_jax.config import flags
from gan_jax.config.options import options, replace
from gan_jax.runs import directory
from gan_jax.runs.experiment import Experiment

Config = TypeVar("Config")
Combination = dict[str, str]  # swept flags' values, as they are given on the command line

LONGEST = 200  # bytes of a name, to which a seed and a suffix are added; file systems take 255


class AblationRun(NamedTuple):
    """One run of an ablation.

    Fields: combination; seed; steps: rounds, None before they are known; workdir: its directory, where its result is.
    """

    combination: Combination
    seed: int
    steps: int | None
    workdir: Path

    @property
    def log(self) -> Path:
        """What the run printed."""
        return self.workdir.with_name(self.workdir.name + ".log")

    @property
    def failure(self) -> Path:
        """The error that ended it, if one did."""
        return self.workdir.with_name(self.workdir.name + ".failed")


def parse(sweeps: Sequence[str], experiment: Experiment) -> dict[str, list[str]]:
    """The values of each swept flag, of texts like "game=minmax,hinge" or, if values have commas, "penalty=r1|r1,r2".

    Raises ValueError for what is no such text, or a flag that the experiment does not have or that cannot be swept.
    """
    known = {each.name: each for each in options(experiment.default)}
    found = {}
    for text in sweeps:
        name, equals, values = text.partition("=")
        name = name.strip().lstrip("-")
        if not equals or not name:
            raise ValueError(f"sweep={text}: must be a flag and its values, as in --sweep=game=minmax,hinge")
        if name not in known:
            hint = flags.unknown_flag(name, known).partition("; ")[2]
            raise ValueError(f"sweep={text}: {experiment.name} has no flag --{name}; {hint}")
        if name == "seed":
            raise ValueError(f"sweep={text}: seeds are --seeds=3, from --seed on, or --seed_list=0,7")
        if name == "preset":
            raise ValueError(f"sweep={text}: a preset stands for many flags; give it for all runs, as --preset=NAME")
        if known[name].resumable:
            raise ValueError(
                f"sweep={text}: --{name} does not change what is computed in a round; see --budget for steps"
            )
        if name in found:
            raise ValueError(f"sweep={text}: --{name} is swept twice")
        found[name] = [value.strip() for value in values.split("|" if "|" in values else ",")]
        if "" in found[name] or len(set(found[name])) < len(found[name]):
            raise ValueError(f"sweep={text}: must be different values, each but once, as in --sweep=game=minmax,hinge")
    if not found:
        raise ValueError("--sweep=FLAG=VALUE,VALUE,... is needed: what is compared")
    return found


def combinations(swept: dict[str, list[str]]) -> list[Combination]:
    """All of them, the last flag's values changing first.

    Raises ValueError if a directory's name would be shared or too long.
    """
    found = [dict(zip(swept, values, strict=True)) for values in itertools.product(*swept.values())]
    names = [name(combination) for combination in found]
    for combination, own in zip(found, names, strict=True):
        if len(own.encode()) > LONGEST:
            raise ValueError(
                f"sweep: the values of {label(combination)} are too long for a file's name, {LONGEST} bytes"
            )
        if names.count(own) > 1:
            raise ValueError(
                f"sweep: the values of {label(combination)} and of another read alike in a file's name: {own}"
            )
    return found


def name(combination: Combination) -> str:
    """As part of a directory's name: "game_minmax-n_critic_5"."""
    return "-".join(f"{flag}_{directory.short(value)}" for flag, value in combination.items())


def label(combination: Combination) -> str:
    """For people: "minmax", or with several flags "game=minmax, n_critic=5"."""
    if len(combination) == 1:
        return next(iter(combination.values()))
    return ", ".join(f"{flag}={value}" for flag, value in combination.items())


def configuration(config: Config, combination: Combination) -> Config:
    """The configuration with the combination's values. Raises ValueError for a value that a flag cannot have."""
    known = {each.name: each for each in options(config)}
    try:
        return replace(config, **{name: flags.value_of(known[name], text) for name, text in combination.items()})
    except ValueError as error:
        raise ValueError(f"sweep: {error}") from error
