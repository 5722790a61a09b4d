"""Scores of a trained run, which need nothing but its directory: a table, evaluation.json, and the nearest pairs.

python -m experiments.evaluate --workdir=RUN
python -m experiments.evaluate --workdir=RUN --metrics=frechet_distance,precision_recall --num_samples=5000
"""

import json
import math
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
from absl import app, flags
from tqdm import tqdm

from experiments import common, evaluation, images, run_directory, sample
from experiments.presets import require_known
from gan_jax import pictures
from gan_jax.data import sources
from gan_jax.data.classes import apart, class_numbers
from gan_jax.data.source import Source
from gan_jax.evaluation import scores
from gan_jax.evaluation.by_class import by_class
from gan_jax.evaluation.features import Extractor
from gan_jax.evaluation.memorisation import memorisation
from gan_jax.evaluation.scores import SCORES, Images
from gan_jax.loop import NonFinite
from gan_jax.randomness import example_keys
from gan_jax.record import replace_file

FLAGS = flags.FLAGS
COMPARED = 1000  # samples whose nearest training images are looked for
READ = 2**24  # pixels of training images that are read at once

flags.DEFINE_list("metrics", None, f"Of {', '.join(SCORES)}, memorisation; by default all.")
flags.declare_key_flag("workdir")
flags.declare_key_flag("seed")
flags.adopt_module_key_flags(evaluation)


def evaluate(config: SimpleNamespace) -> dict:
    """What evaluation.json says of the run in config.workdir; the flags are `evaluation`'s, metrics, workdir and seed.

    Raises ValueError, OSError or NonFinite.
    """
    workdir = Path(config.workdir)
    content, recipe, state = sample.restore_images(workdir)
    run = SimpleNamespace(**content["flags"])
    run.data_dir = config.data_dir or run.data_dir
    asked = SimpleNamespace(**vars(config) | {"dataset": run.dataset})
    shape = tuple(content["image_shape"])
    if config.metrics is None:
        extractor = evaluation.find_extractor(asked, shape)
        chosen, memorised = scores.computable(extractor), True
    else:
        for name in config.metrics:
            require_known("metric", name, [*SCORES, "memorisation"])
        chosen, memorised = (
            [name for name in config.metrics if name != "memorisation"],
            "memorisation" in config.metrics,
        )
        extractor = evaluation.needed_extractor(chosen, asked, shape)

    source = images.load(run)
    if list(source.class_names) != content["class_names"]:
        differing = apart(run=content["class_names"], data=source.class_names)
        raise ValueError(f"{run.dataset} no longer has the classes that {workdir} learnt: {differing}")
    test = images.load_test(run, source)
    states = {"newest": state}
    if evaluation.read(workdir):
        states["best"] = sample.restore_images(workdir, evaluation.BEST)[2]
    real, other = evaluation.real_pair(source, test, config.num_samples, extractor)
    columns, classes = {}, {}
    labelled = recipe.sample_labels is not None and extractor is not None
    if labelled:
        numbers = _classes(run, source.num_classes, extractor, real)
        real_labels, other_labels = evaluation.pair_labels(source, test, config.num_samples)
        scored = partial(by_class, source.num_classes, real, real_labels, numbers=numbers)
        classes["real"] = scored(other, other_labels)
    for kind, state in states.items():
        if kind == "best" and state.step == states["newest"].step:
            columns[kind] = columns["newest"]
            continue
        drawn = images.draw(recipe, state, jax.random.key(config.seed), real.count)
        fake = evaluation.fake_images(drawn, real.count, extractor, told=f"samples, step {state.step}")
        columns[kind] = {"step": int(state.step), **_scores(chosen, real, fake, extractor)}
        if labelled:
            labels = np.asarray(recipe.sample_labels(example_keys(jax.random.key(config.seed), real.count), real.count))
            classes[kind] = scored(fake, labels)
        if memorised:
            found, picture = _memorisation(source, test, real, fake)
            columns[kind] |= {f"memorisation_{name}": value for name, value in found._asdict().items()}
            pictures.save(picture, workdir / f"nearest-{kind}.png")
    columns["real"] = _scores(chosen, real, other, extractor)
    return {
        "scores": columns,
        "by_class": {kind: [_finite(each._asdict()) for each in found] for kind, found in classes.items()},
        "class_names": source.class_names,
        "extractor": extractor and {"name": extractor.name, "fingerprint": extractor.fingerprint},
        "real": {"dataset": run.dataset, "other": "test split" if test else "other half of the training split"},
    }


def _classes(run: SimpleNamespace, num_classes: int, extractor: Extractor, real: Images) -> list[int]:
    """The numbers that the extractor's classifier has for a run's classes; [] if it was made for others."""
    if not extractor.name.startswith(run_directory.short(run.dataset) + "-cnn"):
        return []
    numbers = list(range(num_classes))
    if run.classes:
        whole = sources.load(run.dataset, data_dir=run.data_dir, image_size=run.image_size)
        numbers = class_numbers("classes", run.classes, whole.class_names)
    return numbers if max(numbers) < real.features.probabilities.shape[1] else []


def _scores(names: list[str], real: Images, fake: Images, extractor) -> dict[str, float]:
    found = {}
    for name in (bar := tqdm(names, leave=False, dynamic_ncols=True, disable=not names)):
        bar.set_description(name)
        found |= scores.compute([name], real, fake, extractor)
    return found


def _memorisation(source: Source, test: Source | None, real: Images, fake: Images):
    """The measures, and the picture of the nearest pairs."""
    held_out = real.pixels if test is None else evaluation.real_images(test, None, COMPARED).pixels
    size = max(1, READ // math.prod(source.image_shape))
    starts = tqdm(range(0, len(source), size), desc="training images", leave=False, dynamic_ncols=True)
    training = (source[np.arange(start, min(start + size, len(source)))]["image"] for start in starts)
    found, pairs = memorisation(
        fake.pixels[:COMPARED], training, held_out[:COMPARED], held_out_is_training=test is None
    )
    sides = np.stack([pairs.samples, pairs.training], axis=1).reshape(-1, *pairs.samples.shape[1:])
    return found, pictures.grid(sides / 127.5 - 1, columns=8)


def table(result: dict) -> Iterator[str]:
    """The lines of a table of `evaluate`'s result."""
    columns = result["scores"]
    names = {"newest": "newest", "best": "best", "real": "real images"}
    heads = [
        f"{names[kind]} ({column['step']})" if "step" in column else names[kind] for kind, column in columns.items()
    ]
    rows = {}
    for number, column in enumerate(columns.values()):
        for name, value in column.items():
            if name != "step":
                rows.setdefault(name, [name, *[""] * len(columns)])[number + 1] = _format(value)
    width = max(len(row[0]) for row in rows.values())
    yield f"{'':{width}}  " + "  ".join(f"{head:>14}" for head in heads)
    for name, *values in rows.values():
        yield f"{name:{width}}  " + "  ".join(f"{value:>14}" for value in values)
    yield from _class_table(result["class_names"], result["by_class"])


def _finite(numbers: dict[str, float]) -> dict[str, float | None]:
    """None, which JSON has, in place of NaN, which it has not."""
    return {name: None if np.isnan(value) else value for name, value in numbers.items()}


def _class_table(class_names: Sequence[str], found: dict[str, list[dict]]) -> Iterator[str]:
    """The lines of a table of a row per class: each measure of samples beside that of real images. None without classes."""
    if not found:
        return
    measures, width = ["accuracy", "ms_ssim", "density", "coverage"], max(5, *map(len, class_names))
    yield ""
    yield f"{'class':>{width}}  count  " + "  ".join(f"{name:>8} {'(real)':>8}" for name in measures)
    for name, fake, real in zip(class_names, found["newest"], found["real"], strict=True):
        values = "  ".join(f"{_short(fake[measure])} {_short(real[measure])}" for measure in measures)
        yield f"{name:>{width}}  {fake['count']:>5}  {values}"
    right = [(fake["accuracy"], fake["count"]) for fake in found["newest"] if fake["accuracy"] is not None]
    if right:
        rates, counts = zip(*right)
        overall = np.average(rates, weights=counts)
        yield f"taken for the class that was asked for: {overall:.2%} of {sum(counts)}; at least {min(rates):.2%} of each"


def _short(value: float | None) -> str:
    return f"{'-' if value is None else format(value, '.3f'):>8}"


def _format(value: float) -> str:
    return str(value) if isinstance(value, bool) else f"{value:.4g}"


def main(_) -> None:
    if FLAGS.workdir is None:
        sys.exit(common.fail("--workdir=RUN is needed: the directory of a run"))
    config = common.config_from_flags()
    config.data_dir = FLAGS.data_dir if FLAGS["data_dir"].present else None
    try:
        result = evaluate(config)
        path = Path(config.workdir) / "evaluation.json"
        replace_file(path, (json.dumps(result, indent=2) + "\n").encode())
    except (ValueError, OSError, NonFinite) as error:
        sys.exit(common.fail(error))
    print("\n".join(table(result)))
    print(path)


if __name__ == "__main__":
    app.run(main, flags_parser=common.parse_flags)
