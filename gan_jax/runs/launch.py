"""From a command line to an exit code: what the main programs of experiments and commands have in common.

Exit codes: 0 done; 2 an error, said in one line; 130 and 143 stopped by Ctrl-C and SIGTERM, saved.
"""

import os
import re
import sys
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from logging import CRITICAL, getLogger
from types import MappingProxyType

import jax
from absl import logging

from gan_jax.config.flags import Parsed, help_text, parse
from gan_jax.config.options import check
from gan_jax.config.parts import ClusterConfig
from gan_jax.data import DataSpec
from gan_jax.data.image_paths import require_utf8
from gan_jax.recipes.contract import Phase, Recipe
from gan_jax.runs import training
from gan_jax.runs.data import Data, load_images
from gan_jax.runs.experiment import Experiment
from gan_jax.runs.study import Prepared, Study, open_study
from gan_jax.training import loop

VIRTUAL_DEVICES = "xla_force_host_platform_device_count"
OUT_OF_MEMORY = "RESOURCE_EXHAUSTED"  # as XLA says it
COMPILED_LONG = 0.1  # seconds from which on a program is kept
LEAST_SECONDS = "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"  # where the environment says otherwise
ERRORS = (loop.NonFinite, ValueError, OSError, RuntimeError, MemoryError)  # that are said in one line
HELP = ("--help", "--helpfull", "-h", "--helpshort")


def experiment(
    name: str,
    config: type,
    make: Callable[[object, DataSpec], Recipe | list[Phase]],
    *,
    resolve: Callable[[object], object] = lambda config: config,
    load: Callable[[object], Data] = load_images,
    complete: Callable[[object, Data], object] = lambda config, data: config,
    train: Callable[[training.Run], None] = training.train,
    presets: Mapping[str, object] = MappingProxyType({}),
) -> Experiment:
    """An experiment, as a file of experiments/ makes one of its configuration's class. Args: as `Experiment`'s fields."""

    def resolved(given: object) -> object:
        check(given)
        return resolve(given)

    return Experiment(name, config(), presets, make, resolved, load, complete, train, main)


def study(
    name: str,
    config: type,
    prepare: Callable[[object], Prepared],
    *,
    resolve: Callable[[object], object] = lambda config: config,
) -> Study:
    """A study, as a file of experiments/ makes one of its configuration's class. Args: as `Study`'s fields."""

    def resolved(given: object) -> object:
        check(given)
        return resolve(given)

    return Study(name, config(), resolved, prepare, partial(_main, look))


def main(experiment: Experiment, arguments: Sequence[str]) -> int:
    """An experiment's main program; returns the exit code."""
    return _main(train, experiment, arguments)


def _main(act: Callable[..., int], program: Experiment | Study, arguments: Sequence[str]) -> int:
    command = f"python -m {program.name if '.' in program.name else f'experiments.{program.name}'}"
    try:
        title = f"{command} [--flags]\n\n{program.doc}"
        parsed = parse_or_help(program.default, arguments, title, presets=program.presets)
    except ValueError as error:
        return fail(error)
    return 0 if parsed is None else act(program, parsed.config, parsed.given)


def look(study: Study, config: object, given: Collection[str]) -> int:
    """Makes a study from where it stands; returns the exit code. Args: given: as `open_study`'s."""
    keep_compiled(config.run.compilation_cache)
    return carry_out(partial(open_study, study, config, given))


def train(experiment: Experiment, config: object, given: Collection[str] | None = None) -> int:
    """Trains a configuration from where its run stands; returns the exit code. Args: given: as `training.prepare`'s."""
    keep_compiled(config.run.compilation_cache)

    def prepare() -> Callable[[], None]:
        join(config.cluster)
        run = training.prepare(experiment, config, given)
        return lambda: experiment.train(run)

    return carry_out(prepare)


def carry_out(prepare: Callable[[], Callable[[], None]]) -> int:
    """Prepares and then acts; returns the exit code.

    Args: prepare: raises ValueError or OSError for all that can be known to be wrong; returns what acts.
    """
    be_quiet()
    try:
        act = prepare()
    except ERRORS as error:
        return fail(error)
    except KeyboardInterrupt:  # of a download, say, which the same command goes on with
        print("stopped before the first round", file=sys.stderr)
        return 130
    try:
        act()
    except loop.Interrupted as stop:
        print(f"{stop}; the same command goes on from there", file=sys.stderr)
        return 128 + stop.signal
    except ERRORS as error:
        return fail(error)
    return 0


def command(
    default: object, arguments: Sequence[str], title: str, act: Callable[[Parsed], None], *, takes_more: bool = False
) -> int:
    """The main program of a command that has options; returns the exit code.

    Args: title: what --help says first; takes_more: whether it takes arguments that are no flags.
    """
    try:
        parsed = parse_or_help(default, arguments, title, takes_more=takes_more)
        if parsed is None:
            return 0
        keep_compiled(None)
        be_quiet()
        act(parsed)
    except ERRORS as error:
        return fail(error)
    return 0


def parse_or_help(
    default: object,
    arguments: Sequence[str],
    title: str,
    *,
    takes_more: bool = False,
    presets: Mapping[str, object] = MappingProxyType({}),
) -> Parsed | None:
    """The parsed command line (`flags.parse`); None if help was asked for and given. Raises ValueError for a wrong one."""
    if any(argument in HELP for argument in arguments):
        print(help_text(default, title))
        return None
    for argument in arguments:
        require_utf8(argument)  # or else it could not be said, nor be written into config.json
    parsed = parse(default, arguments, presets)
    if parsed.arguments and not takes_more:
        raise ValueError(f"unexpected argument {parsed.arguments[0]!r}; flags look like --name=value")
    return parsed


def fail(error: Exception | str) -> int:
    """Says the error in one line on stderr; returns exit code 2."""
    said = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, MemoryError) or OUT_OF_MEMORY in said:
        asked = re.search(r"allocat\w+ ([\d.]+ ?\w+)", said)
        wanted = f" ({asked[1]} were asked for)" if asked else ""
        said = f"out of memory{wanted}: a smaller batch, width or image size needs less, and so does --dtype=bfloat16"
    print(f"error: {said}", file=sys.stderr)
    return 2


def keep_compiled(folder: str | None) -> None:
    """Keeps compiled programs in a folder: by default JAX_COMPILATION_CACHE_DIR, or else the user's own folder of caches.

    But not in that of a process whose CPU stands for several devices: when such a program is read again, jaxlib 0.10 may
    wait forever for devices that meet in a branch, as those of a lazy penalty do.

    Those are kept that took COMPILED_LONG, or as long as LEAST_SECONDS says in the environment.
    """
    if folder is None:
        caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        virtual = VIRTUAL_DEVICES in os.environ.get("XLA_FLAGS", "")
        own = None if virtual else os.path.join(caches, "gan_jax", "compiled")
        folder = jax.config.jax_compilation_cache_dir or own
    jax.config.update("jax_compilation_cache_dir", folder or None)
    if LEAST_SECONDS not in os.environ:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", COMPILED_LONG)


def be_quiet() -> None:
    """Keeps what others print from drowning our lines."""
    logging.set_verbosity(logging.FATAL)  # Orbax logs much, among it the errors that it raises
    getLogger("asyncio").setLevel(CRITICAL)  # and leaves tasks behind when it raises one of several
    warnings.filterwarnings("ignore", "coroutine .* was never awaited")  # so too of its event loops
    sys.unraisablehook = _unraisable


def join(cluster: ClusterConfig) -> None:
    """Joins the other processes of the run, if there are any; before JAX looks for devices. Raises ValueError."""
    own = (cluster.coordinator_address, cluster.num_processes, cluster.process_id)
    if any(value is not None for value in own):
        if any(value is None for value in own):
            raise ValueError("coordinator_address, num_processes and process_id go together: give all three")
        jax.distributed.initialize(*own)
    elif cluster.distributed:
        jax.distributed.initialize()


def _unraisable(error) -> None:
    """Python's own way with an exception that nobody can catch, but for those that follow a failure of Orbax.

    It lets go of an event loop that TensorStore's threads then call, or that could not be opened; each would print a stack.
    """
    if not re.search("Event loop is closed|EventLoop' object has no attribute", str(error.exc_value)):
        sys.__unraisablehook__(error)
