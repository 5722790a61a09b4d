"""Experiments on images: flags of the data, and training on them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags
from PIL import Image

from experiments import common, evaluation
from gan_jax import loop, pictures
from gan_jax.data import pipeline
from gan_jax.data import source as source_lib
from gan_jax.data import sources
from gan_jax.data.classes import apart, keep
from gan_jax.randomness import Key, example_keys
from gan_jax.recipe import Batch, Recipe, State

GRID = 64  # images in the sample grids
COLUMNS = 10  # images of each class, where there is a row of each
HELD_OUT = 5  # a fifth of the examples, where there is no test split
CHUNK = 64  # images drawn at once

flags.DEFINE_string(
    "dataset", "digits", f"What to learn: {', '.join(sources.DATASETS)}, tfds:NAME or folder:PATH (your own images)."
)
flags.DEFINE_string("data_dir", "data", "Folder of datasets: mnist's files are in DATA_DIR/mnist, and so on.")
flags.DEFINE_integer("image_size", None, "Side to which images are cropped and resized; by default their own.")
flags.DEFINE_string("classes", None, "Classes to keep, as in 6 or 0,3,6; by default all.")
flags.DEFINE_float("in_memory_gib", 4.0, "A dataset of more GiB than this is read from disk as it is needed.")
flags.DEFINE_integer("data_workers", 2, "Processes that read such a dataset.", lower_bound=0)
flags.adopt_module_key_flags(common)
flags.adopt_module_key_flags(evaluation)

Make = Callable[[SimpleNamespace, tuple[int, int, int]], Recipe]
Resolve = Callable[[SimpleNamespace], SimpleNamespace]
Picture = Callable[[Recipe, State, Key], Image.Image]


def square(recipe: Recipe, state: State, key: Key) -> Image.Image:
    """A square of GRID images."""
    return pictures.grid(np.concatenate(list(draw(recipe, state, key, GRID))))


def rows(
    labels: np.ndarray, names: Sequence[str], recipe: Recipe, state: State, key: Key, columns: int = COLUMNS
) -> Image.Image:
    """A row of images of each of the labels [R], its name before it; a column's images have the same latent."""
    keys = jnp.tile(example_keys(key, columns), len(labels))
    drawn = np.concatenate(list(draw_of(recipe, state, keys, np.repeat(labels, columns))))
    return pictures.rows(drawn, names)


def prepare(experiment: str, make: Make, resolve: Resolve, config: SimpleNamespace) -> common.Train:
    """All that comes before training, and what trains.

    Raises ValueError or OSError for what can be known to be wrong, before anything is written.

    Args:
      experiment: the module's name, which `experiments.sample` finds `make` by.
      make: (configuration, image_shape) -> recipe, made with axis_name=loop.AXIS.
      resolve: fills in what was left to defaults that depend on other flags, and checks names.
    """
    config = resolve(config)
    source = load(config)
    recipe = make(config, source.image_shape)
    plan, workdir = start(experiment, recipe, source, config)
    return lambda: train(recipe, source, plan, config, workdir)


def start(
    experiment: str, recipe: Recipe, source: source_lib.Source, config: SimpleNamespace
) -> tuple[evaluation.Plan | None, Path]:
    """Checks that all fits, plans the evaluation, and opens the run directory. Raises as `prepare`."""
    check(recipe, source, config)
    plan = common.by_first(lambda: evaluation.prepare(config, source, lambda: load_test(config, source)))
    return plan, common.open_workdir(experiment, config, config.dataset, source.image_shape, source.class_names)


def train(
    recipe: Recipe,
    source: source_lib.Source,
    plan: evaluation.Plan | None,
    config: SimpleNamespace,
    workdir: Path,
    *,
    picture: Picture = square,
    batches: Callable[[int], Iterator[Batch]] | None = None,
    measure: Callable[[State], dict] = lambda state: {},
) -> dict:
    """Trains in `workdir` from where it stands to config.steps; evaluates as planned.

    Args:
      picture: what is shown of the samples.
      batches: as `loop.fit` takes them; by default those of `source`.
      measure: what result.json is to say of the last state.

    Returns what was measured; {} but in the first process.
    """
    init_key, step_key, grid_key = jax.random.split(jax.random.key(config.seed), 3)
    state = jax.jit(recipe.init)(init_key, example_batch(source.image_shape))

    def save_grid(step: int, state: State) -> None:
        pictures.save(picture(recipe, state, grid_key), workdir / "samples" / f"{step:06d}.png")

    def evaluate(step: int, state: State) -> None:
        drawn = draw(recipe, state, jax.random.fold_in(grid_key, 1), plan.real.count)
        evaluation.evaluate(plan, step, state, drawn, workdir)

    hooks = (loop.Hook(config.sample_every, save_grid),)
    hooks += (loop.Hook(config.eval_every, evaluate),) if config.eval_every else ()
    batches = batches or batches_of(source, recipe.parts, config)
    result = common.fit(recipe, state, batches, step_key, hooks, config, workdir)
    if jax.process_index() > 0:
        return {}
    measured = measure(loop.local(result.state))
    if plan:
        evaluate(int(result.state.step), loop.local(result.state))  # of a run that was over without it
        scored = evaluation.summary(plan, workdir)
    common.finish(result, config, workdir, **measured, **(scored if plan else {}))
    print("".join(f"{line}\n" for line in (evaluation.told(scored) if plan else ())), end="")
    print(f"sample more:\n  python -m experiments.sample --workdir={workdir} --num=64 --seed=1")
    return measured


def splits(config: SimpleNamespace) -> tuple[source_lib.Source, source_lib.Source]:
    """What is trained on and what is tested on; without a test split, a fifth of the examples is held out.

    Raises ValueError or OSError if they cannot be read.
    """
    source = load(config)
    test = load_test(config, source)
    if test is not None:
        return source, test
    order = np.random.RandomState(0).permutation(len(source))
    return tuple(keep(source, rows) for rows in np.split(order, [len(source) - max(1, len(source) // HELD_OUT)]))


def load_test(config: SimpleNamespace, source: source_lib.Source) -> source_lib.Source | None:
    """The dataset's split "test"; None if it has none.

    Raises ValueError or OSError if it cannot be read, or is not like `source`, the split "train".
    """
    try:
        test = load(config, "test")
    except source_lib.NoSplit:
        return None
    if test.image_shape != source.image_shape:
        raise ValueError(
            f"{config.dataset}: its split train has images {source.image_shape}, its split test {test.image_shape}; "
            "they must be alike"
        )
    if test.class_names != source.class_names:
        differing = apart(train=source.class_names, test=test.class_names)
        raise ValueError(f"{config.dataset}: its splits train and test must have the same classes: {differing}")
    return test


def batches_of(source: source_lib.Source, parts: int, config: SimpleNamespace) -> Callable[[int], Iterator[Batch]]:
    """This process's share of the batches from a step on, as `loop.fit` takes them."""
    return lambda step: pipeline.batches(
        source,
        seed=config.seed,
        batch_size=config.batch_size,
        parts=parts,
        start_step=step,
        process_index=jax.process_index(),
        process_count=jax.process_count(),
        workers=0 if isinstance(source, source_lib.ArraySource) else config.data_workers,
    )


def example_batch(image_shape: tuple[int, int, int]) -> Batch:
    """A batch of one black image, for its shapes."""
    return {"image": np.zeros((1, 1, *image_shape), np.uint8), "label": np.zeros((1, 1), np.int32)}


def draw(recipe: Recipe, state: State, key: Key, num: int) -> Iterator[np.ndarray]:
    """Yields `num` images [B, H, W, C] in [-1, 1], CHUNK at a time; image i depends on the key and i alone."""
    keys, draw_chunk = example_keys(key, num), jax.jit(recipe.sample, static_argnums=2)
    return chunks(num, lambda rows: draw_chunk(state, keys[rows], CHUNK))


def draw_of(
    recipe: Recipe, state: State, keys: Key, labels: np.ndarray | None = None, bound: float | None = None
) -> Iterator[np.ndarray]:
    """Yields images [B, H, W, C] in [-1, 1] of the keys [n], CHUNK at a time.

    Args: labels: [n]; None where the recipe knows none. bound: of the latents (`randomness.latents`).
    """
    draw = lambda state, keys, *labels: recipe.generate(state, recipe.latents(keys, len(keys), bound), *labels)
    return _by_rows(draw, state, keys, labels)


def generate(
    recipe: Recipe, state: State, latents: np.ndarray, labels: np.ndarray | None = None
) -> Iterator[np.ndarray]:
    """Yields images [B, H, W, C] in [-1, 1] of latents [n, d], and of labels as `recipe.generate` takes them, CHUNK at a time."""
    return _by_rows(recipe.generate, state, latents, labels)


def _by_rows(draw: Callable[..., jax.Array], state: State, *columns: Key | np.ndarray | None) -> Iterator[np.ndarray]:
    draw_chunk, columns = jax.jit(draw), [column for column in columns if column is not None]
    return chunks(len(columns[0]), lambda rows: draw_chunk(state, *(column[rows] for column in columns)))


def require_finite(chunks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The images, as they are. Raises ValueError at the first that has NaN or an infinity."""
    count = 0
    for images in chunks:
        finite = np.isfinite(images).all(axis=(1, 2, 3))
        if not finite.all():
            raise ValueError(f"image {count + int(np.argmin(finite))} is not finite: the generator's weights are not")
        count += len(images)
        yield images


def chunks(num: int, compute: Callable[[np.ndarray], jax.Array]) -> Iterator[np.ndarray]:
    """Yields what `compute` makes of the rows 0..num-1, CHUNK of them at a time, filled up so that one is compiled."""
    for start in range(0, num, CHUNK):
        rows = np.arange(start, start + CHUNK) % num
        yield np.asarray(compute(rows))[: num - start]


def load(config: SimpleNamespace, split: str = "train") -> source_lib.Source:
    """A split of the dataset that the flags name, in memory if it fits. Raises ValueError or OSError."""
    source = sources.load(
        config.dataset, data_dir=config.data_dir, split=split, image_size=config.image_size, classes=config.classes
    )
    fits = source_lib.nbytes(source) <= config.in_memory_gib * 2**30
    return source_lib.in_memory(source) if fits else source


def check(recipe: Recipe, source: source_lib.Source, config: SimpleNamespace) -> None:
    """Raises ValueError unless the devices can share the batch and the networks fit the images."""
    common.require_shares(config)
    # Traces the networks without compiling them: an image they do not fit shows now.
    jax.eval_shape(recipe.init, jax.random.key(0), example_batch(source.image_shape))
