"""A study: a program of experiments/ that trains no run of its own, but looks at runs that there are, or has others made.

It keeps what it found in a directory, as a run does: the same command goes on there, and another is refused.
"""

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, NamedTuple

from gan_jax.config.flags import Parsed, parse
from gan_jax.config.given import given as differing
from gan_jax.config.options import option, replace
from gan_jax.data import DataSpec, Source
from gan_jax.data.fingerprint import fingerprint
from gan_jax.runs import directory
from gan_jax.runs.leaving import leave
from gan_jax.runs.lock import alone
from gan_jax.runs.names import default_name


@dataclass(frozen=True)
class StudyConfig:
    """Where its findings are kept, and by which draws they were found."""

    GROUP: ClassVar[str] = "study"
    seed: int = option(0, "Seed of all randomness.", low=0)
    workdir: str | None = option(
        None, "Directory of what is found; by default its name says what differs from the defaults.", resumable=True
    )
    compilation_cache: str | None = option(
        None, "Folder in which compiled programs are kept for later starts; empty for none.", resumable=True
    )


class Prepared(NamedTuple):
    """A study that is about to be made.

    Fields: spec: what is known of its data; source: these; act: (its directory, open) -> None, does it from where it stands.
    """

    spec: DataSpec
    source: Source
    act: Callable[[Path], None]


@dataclass(frozen=True)
class Study:
    """Called, it is the main program of its file.

    Fields:
      name: its module in the package experiments.
      default: its configuration where no flag is given; its part `run` is a StudyConfig.
      resolve: (configuration) -> the same with what depends on other options filled in. Raises ValueError, in one line, for what
        cannot be combined.
      prepare: (resolved configuration) -> what is to be done. Raises ValueError or OSError for all that can be known to be wrong.
      main: (itself, the arguments of its command line) -> the exit code.
    """

    name: str
    default: object
    resolve: Callable[[object], object]
    prepare: Callable[[object], Prepared]
    main: Callable[["Study", Sequence[str]], int]
    presets: ClassVar[Mapping[str, object]] = MappingProxyType({})

    @property
    def doc(self) -> str:
        """What its file says of it."""
        return sys.modules[self.prepare.__module__].__doc__ or self.name

    def default_of(self, config: object) -> object:
        """The configuration where no flag is given."""
        return self.default

    def parse(self, arguments: Sequence[str]) -> Parsed:
        """Its command line's flags (`flags.parse`). Raises ValueError, in one line, for a wrong one."""
        return parse(self.default, arguments)

    def __call__(self, arguments: Sequence[str] | None = None) -> None:
        """Parses the flags, does what they say, exits."""
        leave(self.main(self, sys.argv[1:] if arguments is None else arguments))


def open_study(study: Study, config: object, given: Collection[str]) -> Callable[[], None]:
    """Checks all, opens the directory, and returns what makes the study there.

    Args: given: the options that a directory which is gone on with has to agree with.
    Raises ValueError or OSError for what can be known to be wrong, before anything is written.
    """
    flags = differing(study.default, config)
    config = replace(config, workdir=config.run.workdir or default_name(study, config))
    config = study.resolve(directory.as_there(study, config, given))
    prepared = study.prepare(config)
    workdir = directory.open_run(study, config, prepared.spec, flags, fingerprint(prepared.source))
    return partial(_carry_out, prepared, workdir)


def _carry_out(prepared: Prepared, workdir: Path) -> None:
    with alone(workdir, said="is in the hands of another process, which makes this study:"):
        prepared.act(workdir)
