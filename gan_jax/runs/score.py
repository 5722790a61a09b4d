"""Scores of a trained run: samples beside real images, and real images beside others; nearest training images."""

import math
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from PIL import Image
from tqdm import tqdm

from gan_jax.config.options import replace, require_known
from gan_jax.config.parts import DataConfig, ScoringConfig
from gan_jax.data import Source, sources
from gan_jax.data.classes import apart, class_numbers
from gan_jax.evaluation import scores
from gan_jax.evaluation.by_class import OfClass, by_class
from gan_jax.evaluation.features import Extractor
from gan_jax.evaluation.memorisation import Memorisation, memorisation
from gan_jax.evaluation.scores import SCORES, Images
from gan_jax.pictures.pairs import pairs
from gan_jax.randomness import example_keys
from gan_jax.runs import data, directory, drawing, monitor
from gan_jax.runs.restore import TrainedRun, restore

COMPARED = 1000  # samples whose nearest training images are looked for
READ = 2**24  # pixels of training images that are read at once
MEMORISATION = "memorisation"


class RealImages(NamedTuple):
    """What a run learnt: its training images and, where there are any, its test images; and what is known of both."""

    source: Source
    test: Source | None
    real: Images
    other: Images


class ByClass(NamedTuple):
    """How samples are scored class by class: other images, labels -> a row for each class; and those of real images."""

    score: object
    real: list[OfClass]


def score(
    run: TrainedRun,
    config: ScoringConfig,
    metrics: Sequence[str] | None = None,
    seed: int = 0,
    data_dir: str | None = None,
) -> tuple[dict, dict[str, Image.Image]]:
    """What evaluation.json says of a run; and of the newest and the best checkpoint the samples nearest to training images.

    Args:
      metrics: names in SCORES, or "memorisation"; None for all that can be computed.
      data_dir: where the data lies now; None for where it was.

    Raises ValueError, OSError or loop.NonFinite.
    """
    sampler, own = run.sampler, run.config.data
    own = own if data_dir is None else replace(own, data_dir=data_dir)
    chosen, memorised, extractor = _chosen(run, config, metrics)
    images = _real_images(run, own, config.num_samples, extractor)
    states = {"newest": run.state}
    if monitor.read(run.workdir):
        states["best"] = restore(run.workdir, monitor.BEST).state
    key, count = jax.random.key(seed), images.real.count
    classes = (
        _by_class(run, own, images, config.num_samples, extractor) if sampler.takes("label") and extractor else None
    )
    columns, tables, pictures = {}, {} if classes is None else {"real": classes.real}, {}
    for kind, state in states.items():
        if kind == "best" and state.step == run.state.step:
            columns[kind] = columns["newest"]
            continue
        drawn = drawing.draw(sampler, state, key, count)
        fake = monitor.fake_images(drawn, count, extractor, title=f"samples, step {state.step}")
        columns[kind] = {"step": int(state.step), **_scores(chosen, images.real, fake, extractor)}
        if classes is not None:
            labels = np.asarray(sampler.conditions(example_keys(key, count), count)["label"])
            tables[kind] = classes.score(fake, labels)
        if memorised:
            found, pictures[kind] = _memorisation(images.source, images.test, images.real, fake)
            columns[kind] |= {f"memorisation_{name}": value for name, value in found._asdict().items()}
    columns["real"] = _scores(chosen, images.real, images.other, extractor)
    result = {
        "scores": columns,
        "by_class": {kind: [_finite(each._asdict()) for each in found] for kind, found in tables.items()},
        "class_names": list(images.source.classes),
        "extractor": extractor and {"name": extractor.name, "fingerprint": extractor.fingerprint},
        "real": {"dataset": own.dataset, "other": "test split" if images.test else "other half of the training split"},
    }
    return result, pictures


def _chosen(
    run: TrainedRun, config: ScoringConfig, metrics: Sequence[str] | None
) -> tuple[list[str], bool, Extractor | None]:
    """The scores that are computed, whether nearest training images are looked for, and the extractor."""
    dataset, shape = run.config.data.dataset, run.spec.image_shape
    if metrics is None:
        extractor = monitor.find_extractor(config, dataset, shape)
        return scores.computable(extractor), True, extractor
    for name in metrics:
        require_known("metric", name, [*SCORES, MEMORISATION])
    chosen = [name for name in metrics if name != MEMORISATION]
    return chosen, MEMORISATION in metrics, monitor.needed_extractor(chosen, config, dataset, shape)


def _real_images(run: TrainedRun, config: DataConfig, count: int, extractor: Extractor | None) -> RealImages:
    """The images that the run learnt. Raises ValueError if they have other classes now."""
    source = data.load(config)
    if source.classes != run.spec.classes:
        differing = apart(run=run.spec.classes, data=source.classes)
        raise ValueError(f"{config.dataset} no longer has the classes that {run.workdir} learnt: {differing}")
    test = data.load_test(config, source)
    return RealImages(source, test, *monitor.real_pair(source, test, count, extractor))


def _by_class(run: TrainedRun, config: DataConfig, images: RealImages, count: int, extractor: Extractor) -> ByClass:
    """How samples are scored class by class."""
    num_classes = len(images.source.classes)
    numbers = _classes(config, num_classes, extractor, images.real)
    real_labels, other_labels = monitor.pair_labels(images.source, images.test, count)
    scored = partial(by_class, num_classes, images.real, real_labels, numbers=numbers)
    return ByClass(scored, scored(images.other, other_labels))


def _classes(config: DataConfig, num_classes: int, extractor: Extractor, real: Images) -> list[int]:
    """The numbers that the extractor's classifier has for a run's classes; [] if it was made for others."""
    if not extractor.name.startswith(directory.short(config.dataset) + "-cnn"):
        return []
    numbers = list(range(num_classes))
    if config.classes:
        whole = sources.load(config.dataset, data_dir=config.data_dir, image_size=config.image_size)
        numbers = class_numbers("classes", config.classes, whole.classes)
    return numbers if max(numbers) < real.features.probabilities.shape[1] else []


def _scores(names: list[str], real: Images, fake: Images, extractor: Extractor | None) -> dict[str, float]:
    found = {}
    for name in (bar := tqdm(names, leave=False, dynamic_ncols=True, disable=not names)):
        bar.set_description(name)
        found |= scores.compute([name], real, fake, extractor)
    return found


def _memorisation(source: Source, test: Source | None, real: Images, fake: Images) -> tuple[Memorisation, Image.Image]:
    """The measures, and the picture of the nearest pairs."""
    held_out = real.pixels if test is None else monitor.real_images(test, None, COMPARED).pixels
    size = max(1, READ // math.prod(source.spec["image"].shape))
    starts = tqdm(range(0, len(source), size), desc="training images", leave=False, dynamic_ncols=True)
    training = (source[np.arange(start, min(start + size, len(source)))]["image"] for start in starts)
    found, nearest = memorisation(
        fake.pixels[:COMPARED], training, held_out[:COMPARED], held_out_is_training=test is None
    )
    return found, pairs(nearest.samples / 127.5 - 1, nearest.training / 127.5 - 1, ("sample", "nearest"))


def _finite(numbers: dict[str, float]) -> dict[str, float | None]:
    """None, which JSON has, in place of NaN, which it has not."""
    return {name: None if np.isnan(value) else value for name, value in numbers.items()}
