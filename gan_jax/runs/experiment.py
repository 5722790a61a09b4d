"""An experiment: the configuration of a system, how its recipe is made, and how it is found by its name."""

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable
from dataclasses import dataclass

from gan_jax.config.options import check, require_known
from gan_jax.data import DataSpec
from gan_jax.recipes.contract import Phase, Recipe
from gan_jax.runs import data, launch, training

PACKAGE = "experiments"


@dataclass(frozen=True)
class Experiment:
    """A system that can be trained; called, it is the main program of its file.

    Fields:
      name: its module in the package experiments; or, with dots, any module (`find`).
      default: its configuration where no flag is given.
      make: (a resolved configuration, what is known of the data) -> the recipe, or the phases of one that grows.
      resolve: (configuration) -> the same with what depends on other options filled in. Raises ValueError, in one line,
        for what cannot be combined.
      load: (resolved configuration) -> the data. Raises ValueError or OSError.
      complete: (resolved configuration, data) -> the same with what depends on the data filled in.
      train: (a run that is about to train) -> None.
    """

    name: str
    default: object
    make: Callable[[object, DataSpec], Recipe | list[Phase]]
    resolve: Callable[[object], object]
    load: Callable[[object], data.Data]
    complete: Callable[[object, data.Data], object]
    train: Callable[[training.Run], None]

    @property
    def doc(self) -> str:
        """What its file says of it."""
        return sys.modules[self.make.__module__].__doc__ or self.name

    def __call__(self, arguments: list[str] | None = None) -> None:
        """Parses the flags, trains, exits."""
        sys.exit(launch.main(self, sys.argv[1:] if arguments is None else arguments))


def experiment(
    name: str,
    config: type,
    make: Callable[[object, DataSpec], Recipe | list[Phase]],
    *,
    resolve: Callable[[object], object] = lambda config: config,
    load: Callable[[object], data.Data] = data.load_images,
    complete: Callable[[object, data.Data], object] = lambda config, data: config,
    train: Callable[[training.Run], None] = training.train,
) -> Experiment:
    """An experiment, as a file of experiments/ makes one of its configuration's class. Args: as `Experiment`'s fields."""

    def resolved(given: object) -> object:
        check(given)
        return resolve(given)

    return Experiment(name, config(), make, resolved, load, complete, train)


def find(name: str) -> Experiment:
    """The experiment of a name: `main` of the module experiments.NAME, or of a module of one's own, as in my_lab.my_gan.

    Raises ValueError if there is none.
    """
    module = name if "." in name else f"{PACKAGE}.{name}"
    if module not in sys.modules:
        if "." not in name:
            require_known("experiment", name, names())
        elif not _exists(module):
            raise ValueError(f"there is no module {module}, of which this is an experiment")
    found = getattr(importlib.import_module(module), "main", None)
    if not isinstance(found, Experiment):
        raise ValueError(f"{module} has no `main = experiment(...)`")
    return found


def names() -> list[str]:
    """The names of all experiments that come with the project."""
    package = importlib.import_module(PACKAGE)
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
