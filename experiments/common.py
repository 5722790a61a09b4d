"""What all experiments share: flags of the data and of the run, from flags to a finished run, one-line errors."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
from absl import app, flags, logging
from jax.experimental import multihost_utils

from experiments import run_directory
from gan_jax import loop, pictures, record
from gan_jax.checkpoint import Checkpoints
from gan_jax.data import pipeline
from gan_jax.data import source as source_lib
from gan_jax.data import sources
from gan_jax.recipe import Batch, Recipe

FLAGS = flags.FLAGS
GRID = 64  # images in the sample grids

flags.DEFINE_string(
    "dataset", "digits", f"What to learn: {', '.join(sources.DATASETS)}, tfds:NAME or folder:PATH (your own images)."
)
flags.DEFINE_string("data_dir", "data", "Folder of datasets: mnist's files are in DATA_DIR/mnist, and so on.")
flags.DEFINE_integer("image_size", None, "Side to which images are cropped and resized; by default their own.")
flags.DEFINE_string("classes", None, "Classes to keep, as in 6 or 0,3,6; by default all.")
flags.DEFINE_float("in_memory_gib", 4.0, "A dataset of more GiB than this is read from disk as it is needed.")
flags.DEFINE_integer("data_workers", 2, "Processes that read such a dataset.", lower_bound=0)
flags.DEFINE_integer("batch_size", 64, "Examples in a batch, over all devices.", lower_bound=1)
flags.DEFINE_integer("steps", 1000, "Rounds to train, those of earlier starts included.", lower_bound=1)
flags.DEFINE_integer("seed", 0, "Seed of all randomness.", lower_bound=0)
flags.DEFINE_string("workdir", None, "Where the run is kept; by default runs/EXPERIMENT-DATASET-GAME-seedN.")
flags.DEFINE_integer("log_every", 10, "Rounds between looks at the metrics; all are recorded.", lower_bound=1)
flags.DEFINE_integer("sample_every", 250, "Rounds between sample grids.", lower_bound=1)
flags.DEFINE_integer("checkpoint_every", 500, "Rounds between checkpoints.", lower_bound=1)
flags.DEFINE_bool("distributed", False, "Join the processes of a cluster that jax knows (Slurm, TPU, ...).")
flags.DEFINE_string("coordinator_address", None, "HOST:PORT of the first process; with num_processes, process_id.")
flags.DEFINE_integer("num_processes", None, "How many processes the run has.", lower_bound=1)
flags.DEFINE_integer("process_id", None, "Which of them this is, from 0.", lower_bound=0)

Make = Callable[[SimpleNamespace, tuple[int, int, int]], Recipe]
Resolve = Callable[[SimpleNamespace], SimpleNamespace]


def launch(experiment: str, make: Make, resolve: Resolve = lambda config: config) -> None:
    """An experiment's main program: parses the flags, runs, exits.

    Exit codes: 0 done; 2 an error, told in one line; 130 and 143 stopped by Ctrl-C and SIGTERM, saved.

    Args:
      experiment: the module's name, which `experiments.sample` finds `make` by.
      make: (configuration, image_shape) -> recipe, made with axis_name=loop.AXIS.
      resolve: fills in what was left to defaults that depend on other flags, and checks names.
    """
    main = lambda _: sys.exit(run(experiment, make, resolve, config_from_flags()))
    app.run(main, flags_parser=parse_flags)


def parse_flags(argv: list[str]) -> list[str]:
    """Parses flags for app.run: one line and exit code 2 for a wrong one."""
    try:
        rest = FLAGS(argv)
    except flags.Error as error:
        sys.exit(fail(error))
    if len(rest) > 1:
        sys.exit(fail(f"unexpected argument {rest[1]!r}; flags look like --name=value"))
    logging.set_verbosity(logging.FATAL)  # Orbax tells much, and logs the errors that it raises
    sys.unraisablehook = _unraisable
    return rest


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


def run(experiment: str, make: Make, resolve: Resolve, config: SimpleNamespace) -> int:
    """Runs an experiment; returns the exit code. All that can be known to be wrong is, before anything is written."""
    try:
        _join(config)
        config = resolve(config)
        source = _load(config)
        recipe = make(config, source.image_shape)
        _check(recipe, source, config)
        config.workdir = config.workdir or run_directory.default_name(experiment, config)
        workdir = _open(experiment, config, source)
    except (ValueError, OSError) as error:
        return fail(error)
    try:
        train(recipe, source, config, workdir)
    except loop.Interrupted as stop:
        print(f"{stop}; the same command goes on from there", file=sys.stderr)
        return 128 + stop.signal
    except (loop.NonFinite, OSError, RuntimeError) as error:
        return fail(error)
    return 0


def train(recipe: Recipe, source: source_lib.Source, config: SimpleNamespace, workdir: Path) -> dict:
    """Trains in `workdir` from where it stands to config.steps; returns what result.json says."""
    batches = lambda step: pipeline.batches(
        source,
        seed=config.seed,
        batch_size=config.batch_size,
        parts=recipe.parts,
        start_step=step,
        process_index=jax.process_index(),
        process_count=jax.process_count(),
        workers=0 if isinstance(source, source_lib.ArraySource) else config.data_workers,
    )
    init_key, step_key, grid_key = jax.random.split(jax.random.key(config.seed), 3)
    state = jax.jit(recipe.init)(init_key, example_batch(source.image_shape))
    draw = jax.jit(recipe.sample, static_argnums=2)

    def save_grid(step: int, state) -> None:
        images = np.asarray(draw(state, grid_key, GRID))
        pictures.save(pictures.grid(images), workdir / "samples" / f"{step:06d}.png")

    lead = jax.process_index() == 0
    checkpoints = Checkpoints(workdir / "checkpoints") if lead else None

    def open_record(step: int) -> record.Record:
        if step > 0:  # told only now, since the newest checkpoint may prove damaged
            print(f"going on with {workdir} from step {step}")
        return record.Record(workdir, after=step)

    try:
        result = loop.fit(
            recipe,
            state,
            batches,
            step_key,
            steps=config.steps,
            checkpoints=checkpoints,
            record=open_record,
            checkpoint_every=config.checkpoint_every,
            log_every=config.log_every,
            hooks=(loop.Hook(config.sample_every, save_grid),),
        )
    finally:
        if lead:
            checkpoints.close()
    return finish(result, config, workdir) if lead else {}


def finish(result: loop.Result, config: SimpleNamespace, workdir: Path) -> dict:
    """Writes the animation, the curves and result.json; tells where all lies and how to sample more."""
    frames = sorted((workdir / "samples").glob("*.png"))
    pictures.animate(frames, workdir / "samples.gif")
    pictures.curves(record.read(workdir), workdir / "curves.png")
    if result.metrics:
        content = {
            "step": int(result.state.step),
            "metrics": result.metrics,
            "seconds": round(result.seconds, 3),
            "images_per_second": round(result.steps_per_second * config.batch_size, 1),
        }
        record.replace_file(workdir / "result.json", (json.dumps(content, indent=2) + "\n").encode())
    else:
        print(f"nothing to do: the run is at step {int(result.state.step)}; --steps=N trains on")
        content = json.loads((workdir / "result.json").read_text()) if (workdir / "result.json").exists() else {}
    took = f"{content.get('seconds')} s since the last start, {content.get('images_per_second')} images/s"
    print(f"""
{content.get("step")} rounds; {took}
  {frames[-1] if frames else ""}  samples at the end
  {workdir / "samples.gif"}  samples over time
  {workdir / "curves.png"}  losses
  {workdir}  also has metrics.jsonl, tensorboard, config.json, result.json, checkpoints
sample more:
  python -m experiments.sample --workdir={workdir} --num=64 --seed=1""")
    return content


def example_batch(image_shape: tuple[int, int, int]) -> Batch:
    """A batch of one black image, for its shapes."""
    return {"image": np.zeros((1, 1, *image_shape), np.uint8), "label": np.zeros((1, 1), np.int32)}


def _join(config: SimpleNamespace) -> None:
    """Joins the other processes of the run, if there are any; before JAX looks for devices."""
    own = (config.coordinator_address, config.num_processes, config.process_id)
    if any(value is not None for value in own):
        if any(value is None for value in own):
            raise ValueError("coordinator_address, num_processes and process_id go together: give all three")
        jax.distributed.initialize(*own)
    elif config.distributed:
        jax.distributed.initialize()


def _load(config: SimpleNamespace) -> source_lib.Source:
    source = sources.load(
        config.dataset, data_dir=config.data_dir, image_size=config.image_size, classes=config.classes
    )
    fits = source_lib.nbytes(source) <= config.in_memory_gib * 2**30
    return source_lib.in_memory(source) if fits else source


def _open(experiment: str, config: SimpleNamespace, source: source_lib.Source) -> Path:
    """The run directory, opened by the first process. If that cannot, no process goes on to wait for it."""
    error = None
    if jax.process_index() == 0:
        try:
            run_directory.open_run(experiment, config, source.image_shape, source.num_classes)
        except (ValueError, OSError) as raised:
            error = raised
    if jax.process_count() > 1 and multihost_utils.broadcast_one_to_all(np.int32(error is not None)) and not error:
        error = ValueError("the first process cannot open the run directory")
    if error:
        raise error
    return Path(config.workdir)


def _check(recipe: Recipe, source: source_lib.Source, config: SimpleNamespace) -> None:
    if config.batch_size % jax.device_count():
        raise ValueError(f"batch_size {config.batch_size} is not divisible by the {jax.device_count()} devices")
    # Traces the networks without compiling them: an image they do not fit shows now.
    jax.eval_shape(recipe.init, jax.random.key(0), example_batch(source.image_shape))
