"""An experiment: the configuration of a system, how its recipe is made, and how it is found by its name."""

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gan_jax.config.flags import Parsed, parse
from gan_jax.config.options import flat, require_known
from gan_jax.data import DataSpec
from gan_jax.recipes.contract import Phase, Recipe
from gan_jax.runs.data import Data
from gan_jax.runs.leaving import leave

PACKAGE = "experiments"
STUDIES = ("attack", "augment", "defend")  # those of its files that train nothing of their own (`runs.study`)


@dataclass(frozen=True)
class Experiment:
    """A system that can be trained; called, it is the main program of its file.

    Fields:
      name: its module in the package experiments; or, with dots, any module (`find`).
      default: its configuration where no flag is given.
      presets: what is the default instead, by the values of its flag --preset, where it has one.
      make: (a resolved configuration, what is known of the data) -> the recipe, or the phases of one that grows.
      resolve: (configuration) -> the same with what depends on other options filled in. Raises ValueError, in one line,
        for what cannot be combined.
      load: (resolved configuration) -> the data. Raises ValueError or OSError.
      complete: (resolved configuration, data) -> the same with what depends on the data filled in.
      train: (a run that is about to train, `training.Run`) -> None.
      main: (itself, the arguments of its command line) -> the exit code.
    """

    name: str
    default: object
    presets: Mapping[str, object]
    make: Callable[[object, DataSpec], Recipe | list[Phase]]
    resolve: Callable[[object], object]
    load: Callable[[object], Data]
    complete: Callable[[object, Data], object]
    train: Callable[..., None]
    main: Callable[["Experiment", Sequence[str]], int]

    @property
    def doc(self) -> str:
        """What its file says of it."""
        return sys.modules[self.make.__module__].__doc__ or self.name

    def default_of(self, config: object) -> object:
        """The configuration where no flag is given but --preset, if this one has any."""
        preset = flat(config).get("preset")
        return self.default if preset is None else self.presets[preset]

    def parse(self, arguments: Sequence[str]) -> Parsed:
        """Its command line's flags (`flags.parse`). Raises ValueError, in one line, for a wrong one."""
        return parse(self.default, arguments, self.presets)

    def __call__(self, arguments: Sequence[str] | None = None) -> None:
        """Parses the flags, trains, exits."""
        leave(self.main(self, sys.argv[1:] if arguments is None else arguments))


def find(name: str) -> Experiment:
    """The experiment of a name: `main` of the module experiments.NAME, or of a module of one's own, as in my_lab.my_gan.

    Raises ValueError if there is none.
    """
    module = name if "." in name else f"{PACKAGE}.{name}"
    require_no_study(name)
    if module not in sys.modules:
        if "." not in name:
            require_known("experiment", name, names())
        elif not _exists(module):
            raise ValueError(f"there is no module {module}, of which this is an experiment")
    found = getattr(importlib.import_module(module), "main", None)
    if not isinstance(found, Experiment):
        raise ValueError(f"{module} has no `main = experiment(...)`")
    return found


def require_no_study(name: str) -> None:
    """Raises ValueError if what a directory or a flag names so has no run of its own."""
    if name in STUDIES:
        raise ValueError(f"{name} is a study, which trains nothing of its own: python -m {PACKAGE}.{name} makes it")


def names() -> list[str]:
    """The names of all experiments that come with the project."""
    package = importlib.import_module(PACKAGE)
    return sorted({module.name for module in pkgutil.iter_modules(package.__path__)} - {*STUDIES})


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
