"""What all experiments share: flags of the run, from flags to a finished run, one-line errors."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar

import jax
import numpy as np
from absl import app, flags, logging
from jax.experimental import multihost_utils
from tqdm import tqdm

from experiments import run_directory
from gan_jax import loop, pictures, record
from gan_jax.checkpoint import Checkpoints
from gan_jax.early_warning import EarlyWarning
from gan_jax.randomness import Key
from gan_jax.recipe import Batch, Recipe, State

FLAGS = flags.FLAGS

flags.DEFINE_integer("batch_size", 64, "Examples in a batch, over all devices.", lower_bound=1)
flags.DEFINE_integer("steps", 1000, "Rounds to train, those of earlier starts included.", lower_bound=1)
flags.DEFINE_integer("seed", 0, "Seed of all randomness.", lower_bound=0)
flags.DEFINE_string("workdir", None, "Where the run is kept; by default runs/EXPERIMENT-DATASET-GAME-seedN.")
flags.DEFINE_integer("log_every", 10, "Rounds between looks at the metrics; all are recorded.", lower_bound=1)
flags.DEFINE_integer("sample_every", 250, "Rounds between sample grids.", lower_bound=1)
flags.DEFINE_integer("checkpoint_every", 500, "Rounds between checkpoints.", lower_bound=1)
flags.DEFINE_integer(
    "steps_per_call", 1, "Rounds in one call of the devices, at most; see README, Speed.", lower_bound=1
)
flags.DEFINE_string(
    "compilation_cache", None, "Folder in which compiled programs are kept for later starts; empty for none."
)
flags.DEFINE_bool("distributed", False, "Join the processes of a cluster that jax knows (Slurm, TPU, ...).")
flags.DEFINE_string("coordinator_address", None, "HOST:PORT of the first process; with num_processes, process_id.")
flags.DEFINE_integer("num_processes", None, "How many processes the run has.", lower_bound=1)
flags.DEFINE_integer("process_id", None, "Which of them this is, from 0.", lower_bound=0)

COMPILED_LONG = 0.1  # seconds from which on a program is kept

Train = Callable[[], None]
Result = TypeVar("Result")


def launch(prepare: Callable[[SimpleNamespace], Train], defaults: dict[str, object] = {}) -> None:
    """An experiment's main program: parses the flags, runs, exits.

    Exit codes: 0 done; 2 an error, told in one line; 130 and 143 stopped by Ctrl-C and SIGTERM, saved.

    Args:
      prepare: configuration -> what trains. All that can be known to be wrong it raises as ValueError or OSError.
      defaults: the experiment's own defaults of flags that it shares with others.
    """
    for name, value in defaults.items():
        FLAGS.set_default(name, value)
    main = lambda _: sys.exit(run(prepare, config_from_flags()))
    app.run(main, flags_parser=parse_flags)


def parse_flags(argv: list[str], *, takes_more: bool = False) -> list[str]:
    """Parses flags for app.run: one line and exit code 2 for a wrong one, and for other arguments unless it takes more."""
    try:
        rest = FLAGS(argv)
    except flags.Error as error:
        sys.exit(fail(error))
    if len(rest) > 1 and not takes_more:
        sys.exit(fail(f"unexpected argument {rest[1]!r}; flags look like --name=value"))
    _keep_compiled(FLAGS.compilation_cache)
    logging.set_verbosity(logging.FATAL)  # Orbax tells much, and logs the errors that it raises
    sys.unraisablehook = _unraisable
    return rest


def _keep_compiled(folder: str | None) -> None:
    """Keeps compiled programs in a folder: by default JAX_COMPILATION_CACHE_DIR, or else the user's own folder of caches."""
    if folder is None:
        caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        folder = jax.config.jax_compilation_cache_dir or os.path.join(caches, "gan_jax", "compiled")
    jax.config.update("jax_compilation_cache_dir", folder or None)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", COMPILED_LONG)


def _unraisable(error) -> None:
    """Python's own way with an exception that nobody can catch, but for those that follow a failure of Orbax.

    It lets go of an event loop that TensorStore's threads then call; each would print a stack.
    """
    if str(error.exc_value) != "Event loop is closed":
        sys.__unraisablehook__(error)


def config_from_flags() -> SimpleNamespace:
    """All flags that the experiments define, by name."""
    by_module = FLAGS.flags_by_module_dict()  # the main module goes by the program's name
    ours = [module for module in by_module if module.startswith("experiments.") or module == sys.argv[0]]
    return SimpleNamespace(**{flag.name: flag.value for module in ours for flag in by_module[module]})


def fail(error: Exception | str) -> int:
    """Tells the error in one line on stderr; returns exit code 2."""
    print("error: " + " ".join(str(error).split()), file=sys.stderr)
    return 2


def run(prepare: Callable[[SimpleNamespace], Train], config: SimpleNamespace) -> int:
    """Runs an experiment; returns the exit code."""
    try:
        _join(config)
        train = prepare(config)
    except (ValueError, OSError) as error:
        return fail(error)
    try:
        train()
    except loop.Interrupted as stop:
        print(f"{stop}; the same command goes on from there", file=sys.stderr)
        return 128 + stop.signal
    except (loop.NonFinite, OSError, RuntimeError) as error:
        return fail(error)
    return 0


def require_shares(config: SimpleNamespace) -> None:
    """Raises ValueError unless the devices can share the batch."""
    if config.batch_size % jax.device_count():
        raise ValueError(f"batch_size {config.batch_size} is not divisible by the {jax.device_count()} devices")


def open_workdir(
    experiment: str, config: SimpleNamespace, subject: str, shape: tuple[int, ...], class_names: tuple[str, ...] = ()
) -> Path:
    """The run directory, opened by the first process.

    Args: subject: what is learnt, for the directory's default name; shape: of an example; class_names: of its labels.
    """
    config.workdir = config.workdir or run_directory.default_name(experiment, subject, config)
    by_first(lambda: run_directory.open_run(experiment, config, shape, class_names))
    return Path(config.workdir)


def by_first(act: Callable[[], Result]) -> Result | None:
    """What `act` returns in the first process; None in the others. If it raises, they do not go on to wait for it."""
    result = error = None
    if jax.process_index() == 0:
        try:
            result = act()
        except (ValueError, OSError) as raised:
            error = raised
    if jax.process_count() > 1 and multihost_utils.broadcast_one_to_all(np.int32(error is not None)) and not error:
        error = ValueError("the first process cannot start; it says why")
    if error:
        raise error
    return result


def fit(
    recipe: Recipe,
    state: State,
    batches: Callable[[int], Iterator[Batch]],
    key: Key,
    hooks: tuple[loop.Hook, ...],
    config: SimpleNamespace,
    workdir: Path,
) -> loop.Result:
    """Trains in `workdir` from where it stands to config.steps."""
    lead = jax.process_index() == 0
    checkpoints = Checkpoints(workdir / "checkpoints") if lead else None

    def open_record(step: int) -> record.Record:
        if step > 0:  # told only now, since the newest checkpoint may prove damaged
            print(f"going on with {workdir} from step {step}")
        return record.Record(workdir, after=step)

    try:
        return loop.fit(
            recipe,
            state,
            batches,
            key,
            steps=config.steps,
            checkpoints=checkpoints,
            record=open_record,
            checkpoint_every=config.checkpoint_every,
            log_every=config.log_every,
            steps_per_call=config.steps_per_call,
            hooks=hooks,
            observe=EarlyWarning(tell=tqdm.write),
        )
    finally:
        if lead:
            checkpoints.close()


def finish(result: loop.Result, config: SimpleNamespace, workdir: Path, **measured) -> None:
    """Writes the animation, the curves and result.json; tells where all lies.

    Args: measured: what result.json is to say beside the last metrics and times.
    """
    frames = sorted((workdir / "samples").glob("*.png"))
    columns = record.read(workdir)
    pictures.animate(frames, workdir / "samples.gif")
    pictures.curves(columns, workdir / "curves.png")
    path, step = workdir / "result.json", int(result.state.step)
    content = json.loads(path.read_text()) if path.exists() else {}
    if not result.metrics:
        print(f"nothing to do: the run is at step {step}; --steps=N trains on")
    if result.metrics or content.get("step") != step:  # a run that was killed at its very end has yet to say it
        content = {
            "step": step,
            "metrics": {name: column[-1] for name, column in columns.items() if name != "step"},
            "seconds": round(result.seconds, 3),
            "images_per_second": round(result.steps_per_second * config.batch_size, 1),
            **measured,
        }
        record.replace_file(path, (json.dumps(content, indent=2) + "\n").encode())
    drawn = [f"{frames[-1]}  samples at the end", f"{workdir / 'samples.gif'}  samples over time"] if frames else []
    rest = f"{workdir}  also has metrics.jsonl, tensorboard, config.json, result.json, checkpoints"
    print(f"\n{step} rounds; {content['seconds']} s since the last start, {content['images_per_second']} images/s")
    print("\n".join(f"  {place}" for place in [*drawn, f"{workdir / 'curves.png'}  losses", rest]))


def _join(config: SimpleNamespace) -> None:
    """Joins the other processes of the run, if there are any; before JAX looks for devices."""
    own = (config.coordinator_address, config.num_processes, config.process_id)
    if any(value is not None for value in own):
        if any(value is None for value in own):
            raise ValueError("coordinator_address, num_processes and process_id go together: give all three")
        jax.distributed.initialize(*own)
    elif config.distributed:
        jax.distributed.initialize()
