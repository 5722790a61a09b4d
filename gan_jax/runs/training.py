"""From a configuration to a finished run: what is checked before, trained, drawn, evaluated and written in the end."""

import json
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
from PIL import Image
from tqdm import tqdm

from gan_jax.config.flags import flag
from gan_jax.config.given import given as differing
from gan_jax.config.options import replace
from gan_jax.data import example_batch
from gan_jax.data.fingerprint import fingerprint
from gan_jax.pictures import grids
from gan_jax.randomness import Key
from gan_jax.recipes.contract import Batch, Phase, Recipe, State, phase_at
from gan_jax.runs import class_order, data_sheet, directory, drawing, encoded, monitor, translated, views
from gan_jax.runs.anew import require_unsaved
from gan_jax.runs.banner import banner
from gan_jax.runs.data import Data, batches_of, require_shares
from gan_jax.runs.expected import ExpectedEnd
from gan_jax.runs.experiment import Experiment
from gan_jax.runs.first import by_first, of_first
from gan_jax.runs.lock import alone
from gan_jax.runs.names import default_name
from gan_jax.training import loop, parallel, record
from gan_jax.training.checkpoint import Checkpoints
from gan_jax.training.diagnostics import EarlyWarning
from gan_jax.training.files import replace_file

Picture = Callable[["Run", State, Key], Image.Image]


class Run(NamedTuple):
    """A run that is about to train.

    Fields:
      experiment: its name.
      config: its resolved configuration.
      data: what it learns from.
      phases: its recipe, or the phases of one that grows, made with axis_name=parallel.AXIS.
      workdir: its directory, open.
      plan: how it is evaluated while it trains; None if it is not, and but in the first process.
      batches: as `loop.fit` takes them; None for those of its data.
    """

    experiment: str
    config: object
    data: Data
    phases: list[Phase]
    workdir: Path
    plan: monitor.Plan | None = None
    batches: Callable[[int], Iterator[Batch]] | None = None

    def keys(self) -> Key:
        """For init, for the steps and for samples, [3]."""
        return jax.random.split(jax.random.key(self.config.run.seed), 3)

    def init(self) -> State:
        """The state before the first round."""
        return jax.jit(self.phases[0].recipe.init)(self.keys()[0], example_batch(self.data.spec.example))

    def recipe_at(self, step: int) -> Recipe:
        """The recipe of a state after `step` rounds."""
        return self.phases[phase_at(self.phases, step)].recipe


def check(experiment: Experiment, config: object) -> tuple[object, Data, list[Phase]]:
    """The resolved configuration, the data and the phases, without anything written.

    Raises ValueError or OSError for what can be known to be wrong.
    """
    config = experiment.resolve(config)
    require_shares(config.run.batch_size)
    data = experiment.load(config)
    if config.run.workdir:
        data = class_order.as_learnt(data, config.run.workdir)
    config = experiment.complete(config, data)
    phases = phases_of(experiment.make(config, data.spec), config)
    for phase in phases:
        require_shares(phase.batch_size)
    return config, data, phases


def prepare(experiment: Experiment, config: object, given: Collection[str] | None = None) -> Run:
    """Checks that all fits, plans the evaluation, and opens the run directory.

    Args: given: the options that a run which is gone on with has to agree with; None for all. It keeps the others.
    Raises ValueError or OSError for what can be known to be wrong, before anything is written.
    """
    flags = differing(experiment.default_of(config), config)
    config = replace(config, workdir=config.run.workdir or default_name(experiment, config))
    if given is not None:
        config = of_first(lambda: directory.as_there(experiment, config, given), config)
    config, data, phases = check(experiment, config)
    require_fitting(phases, data)
    plan = by_first(lambda: monitor.prepare(config, data)) if eval_every(config, data) else None

    def open_directory() -> None:
        found = None if data.source is None else fingerprint(data.source)
        directory.open_run(experiment, config, data.spec, flags, found)

    by_first(open_directory)
    run = Run(experiment.name, config, data, phases, Path(config.run.workdir), plan)
    by_first(lambda: data_sheet.save(run.workdir, data, phases[0].recipe, config.run.seed))
    return run


def phases_of(made: Recipe | list[Phase], config: object) -> list[Phase]:
    """The phases that an experiment made; a recipe is one phase without an end."""
    return [Phase(made, None, config.run.batch_size)] if isinstance(made, Recipe) else list(made)


def require_fitting(phases: Sequence[Phase], data: Data) -> None:
    """Raises ValueError unless the networks of all phases fit the examples: traces them without compiling them."""
    key = jax.random.key(0)
    state = jax.eval_shape(phases[0].recipe.init, key, example_batch(data.spec.example))
    for phase in phases[1:]:
        state = jax.eval_shape(phase.grow, state, key)


def draw_samples(run: Run, state: State, key: Key) -> Image.Image:
    """The picture of what a run draws: of samples, or of examples, which it did not learn if there are such, translated."""
    recipe = run.recipe_at(int(state.step))
    if recipe.sampler is None:
        return translated.picture(recipe.translators, state, run.data.test() or run.data.source, key)
    return drawing.picture(recipe.sampler, run.data.spec.classes, state, key)


def train(run: Run, *, picture: Picture = draw_samples, measure: Callable[[State], dict] = lambda state: {}) -> dict:
    """Trains from where the run stands to config.run.steps; evaluates as planned.

    Args:
      picture: what samples/STEP.png shows; nothing where nothing can be drawn.
      measure: what result.json is to say of the last state; called by the first process.

    Returns what was measured; {} but in the first process.
    """
    result = fit(run, hooks_of(run, picture))
    return finish(run, result, measure) if jax.process_index() == 0 else {}


def hooks_of(run: Run, picture: Picture = draw_samples) -> tuple[loop.Hook, ...]:
    """What `due` says, for the loop."""
    return tuple(loop.Hook(every, partial(act, run)) for every, act in due(run, picture))


def due(run: Run, picture: Picture = draw_samples) -> list[tuple[int, Callable[[Run, int, State], None]]]:
    """What is done every so many rounds: (rounds, what). The same in all processes; the first one does it."""
    recipe = run.phases[0].recipe
    drawn = recipe.sampler is not None or recipe.translators or picture is not draw_samples
    pictures = [(run.config.run.sample_every, partial(save_picture, picture))] if drawn else []
    every = eval_every(run.config, run.data)
    encodes = run.phases[0].recipe.encode is not None
    codes = [(run.config.run.sample_every, save_encoded)] if encodes else []
    return pictures + codes + ([(every, evaluate)] if every else [])


def eval_every(config: object, data: Data) -> int:
    """Rounds between evaluations; 0 where there are none."""
    return config.evaluation.eval_every if hasattr(config, "evaluation") and data.real is not None else 0


def save_picture(picture: Picture, run: Run, step: int, state: State) -> None:
    """Writes samples/STEP.png, always of the same latents."""
    grids.save(picture(run, state, run.keys()[2]), run.workdir / "samples" / f"{step:06d}.png")


def save_encoded(run: Run, step: int, state: State) -> None:
    """Writes what the encoder makes of images that it does not learn, or else of those that it does."""

    def save() -> None:
        for name, picture in encoded.pictures(run.recipe_at(step), state, run.data.test() or run.data.source):
            grids.save(picture, run.workdir / name)

    views.guarded("draw what is encoded", save)


def evaluate(run: Run, step: int, state: State) -> None:
    """Scores samples, always of the same latents; keeps the state if it is the best so far."""
    key = jax.random.fold_in(run.keys()[2], 1)
    drawn = drawing.draw(run.recipe_at(step).sampler, state, key, run.plan.real.count)
    monitor.evaluate(run.plan, step, state, drawn, run.workdir)


def fit(run: Run, hooks: tuple[loop.Hook, ...] = (), state: State | None = None, key: Key | None = None) -> loop.Result:
    """Trains in the run's directory from where it stands to config.run.steps.

    Args: state, key: the first state and the key of the steps, where they are not of the run's seed alone.
    """
    lead, own = jax.process_index() == 0, run.config.run
    state, shown, end = run.init() if state is None else state, views.of(run), ExpectedEnd(own.steps, tqdm.write)

    def open_record(step: int) -> record.Record:
        if step > 0:  # said only now, since the newest checkpoint may prove damaged
            print(f"going on with {run.workdir} from step {step}", flush=True)
        else:
            require_unsaved(run.workdir, own.checkpoint_every)
        shown.start(step)
        return record.Record(run.workdir, after=step)

    with kept(run.workdir) if lead else nullcontext() as checkpoints, shown.when_it_stops():
        if lead:
            print(banner(run, state), flush=True)
        return loop.fit(
            run.phases,
            state,
            run.batches or batches_of(run.data.source, run.phases, run.config),
            run.keys()[1] if key is None else key,
            steps=own.steps,
            checkpoints=checkpoints,
            record=open_record,
            checkpoint_every=own.checkpoint_every,
            log_every=own.log_every,
            steps_per_call=own.steps_per_call,
            hooks=(*hooks, loop.Hook(own.checkpoint_every, shown.checkpoint)),
            observe=EarlyWarning(warn=tqdm.write),
            costs=end.before,
            pace=end,
        )


@contextmanager
def kept(workdir: Path) -> Iterator[Checkpoints]:
    """The checkpoints of a run, whose directory nobody else trains in meanwhile. Raises lock.Locked or ReadError."""
    workdir.mkdir(parents=True, exist_ok=True)
    with alone(workdir), Checkpoints(workdir / "checkpoints") as checkpoints:
        yield checkpoints


def finish(run: Run, result: loop.Result, measure: Callable[[State], dict] = lambda state: {}) -> dict:
    """Measures the last state, writes result.json, pictures and page, says where all is. Returns what was measured."""
    state = parallel.local(result.state)
    measured, scored = measure(state), {}
    if run.plan:
        evaluate(run, int(state.step), state)  # of a run that was over without it
        scored = monitor.summary(run.plan, run.workdir)
    write_result(run, result, **measured, **scored)
    print("".join(f"{line}\n" for line in (monitor.summary_lines(scored) if scored else ())), end="")
    recipe = run.recipe_at(int(state.step))
    if recipe.translators:
        print(
            f"translate images of your own:\n  python -m gan_jax translate {flag('workdir', run.workdir)} IMAGE_OR_FOLDER"
        )
        print(f"how good they are:\n  python -m gan_jax evaluate {flag('workdir', run.workdir)}")
    if recipe.sampler is not None and len(run.data.spec.seen_shape) > 2:
        print(f"sample more:\n  python -m gan_jax sample {flag('workdir', run.workdir)} --num=64 --seed=1")
        print(f"see what they are nearest to, too:\n  python -m gan_jax report {flag('workdir', run.workdir)}")
    return measured


def write_result(run: Run, result: loop.Result, **measured) -> None:
    """Writes result.json, then draws all that is seen of the run; says where all is.

    Args: measured: what result.json is to say beside the last metrics and times.
    """
    workdir = run.workdir
    frames = sorted((workdir / "samples").glob("*.png"))
    columns = record.read(workdir)
    last = {name: column[-1] for name, column in columns.items() if name != "step" and not math.isnan(column[-1])}
    path, step = workdir / "result.json", int(result.state.step)
    content = json.loads(path.read_text()) if path.exists() else {}
    if not result.metrics:
        print(f"nothing to do: the run is at step {step}; --steps=N trains on")
    if result.metrics or content.get("step") != step:  # a run that was killed at its very end has yet to say it
        content = {
            "step": step,
            "metrics": last,
            "seconds": round(result.seconds, 3),
            "images_per_second": round(result.steps_per_second * run.phases[phase_at(run.phases, step)].batch_size, 1),
            **measured,
        }
        replace_file(path, (json.dumps(content, indent=2) + "\n").encode())
    views.of(run).draw()
    there = [f"{frames[-1]}  samples at the end", f"{workdir / 'samples.gif'}  samples over time"] if frames else []
    there += [f"{workdir / 'curves.png'}  losses", f"{workdir / 'report.html'}  all of it on a page"]
    if (workdir / data_sheet.NAME).exists():
        there.append(f"{workdir / data_sheet.NAME}  real images, and as the networks see them")
    there += [f"{workdir}  also has metrics.jsonl, tensorboard, config.json, result.json, checkpoints"]
    print(f"\n{step} rounds; {content['seconds']} s since the last start, {content['images_per_second']} images/s")
    print("\n".join(f"  {place}" for place in there))
