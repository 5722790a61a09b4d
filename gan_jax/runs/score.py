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
from gan_jax.data import Source, places
from gan_jax.evaluation import scores
from gan_jax.evaluation.by_class import OfClass, by_class
from gan_jax.evaluation.features import Extractor
from gan_jax.evaluation.memorisation import Memorisation, memorisation
from gan_jax.evaluation.scores import SCORES, Images
from gan_jax.pictures.kinds import kind_of
from gan_jax.pictures.pairs import pairs
from gan_jax.randomness import example_keys
from gan_jax.runs import (
    data,
    directory,
    drawing,
    frame_scores,
    learnt,
    likelihood,
    linear_svm,
    monitor,
    path_length,
    score_table,
)
from gan_jax.runs.learnt import Place
from gan_jax.runs.restore import TrainedRun, restore

COMPARED = 1000  # samples whose nearest training images are looked for
READ = 2**24  # pixels of training images that are read at once
MEMORISATION, ELBO, PATH_LENGTH = "memorisation", "elbo", path_length.NAME
SVM, FRAMES = linear_svm.NAME, frame_scores.NAME
BY_NAME = (PATH_LENGTH, SVM)  # which are computed where they are asked for


class ByClass(NamedTuple):
    """How samples are scored class by class: other images, labels -> a row for each class; and those of real images."""

    score: object
    real: list[OfClass]


class Drawing(NamedTuple):
    """How samples are drawn.

    Fields: seed; truncation, cutoff: as of `TrainedRun.truncated`; standing_batches: over how many batches the generator's batch
    statistics are measured anew, 0 for those that training left; frames: of videos, and of the real ones; None for as many as in
    training.
    """

    seed: int = 0
    truncation: float | None = None
    cutoff: int | None = None
    standing_batches: int = 0
    frames: int | None = None


AS_TRAINED = Drawing()
# With which other images real ones are compared, by what they are of and whether there is a test split.
_OTHER = {
    ("train", True): "test split",
    ("train", False): "other half of the training split",
    ("test", True): "training split",
}


def score(
    run: TrainedRun,
    config: ScoringConfig,
    metrics: Sequence[str] | None = None,
    how: Drawing = AS_TRAINED,
    place: Place = learnt.WHERE_IT_WAS,
    iwae: int | None = None,
    split: str = learnt.SPLITS[0],
) -> tuple[dict, dict[str, Image.Image]]:
    """What evaluation.json says of a run; and of the newest and the best checkpoint the samples nearest to training images.

    What cannot be computed, of so few images or without an extractor, is left out, and evaluation.json says why.

    Args:
      metrics: names in SCORES, "memorisation", "elbo", "frames", "path_length" or "linear_svm"; None for all but the last two,
        which cost as much as all others.
      how: the samples are drawn.
      place: where the data lie now.
      iwae: with "elbo", the latents of an importance-weighted bound; None for none.
      split: with which images samples are compared, a name in `learnt.SPLITS`.

    Raises ValueError, OSError or loop.NonFinite.
    """
    own = learnt.data_config(run, place)
    if how.frames is not None:
        run, own, place = (
            run.longer(how.frames),
            replace(own, frames=how.frames),
            place._replace(allow_changed_data=True),
        )
    sampler = run.sampler
    newest, bound = run.truncated(how.truncation, how.cutoff)
    chosen, extractor, left_out = _chosen(run, config, metrics)
    if iwae is not None and ELBO not in chosen:
        raise ValueError(f"iwae={iwae}: bounds the likelihood of runs that have one, with --metrics={ELBO}")
    # Of path lengths alone the images that are compared are not looked at: pairs have images of their own.
    seeing = extractor if scores.needing(chosen, "features", "classes") else None
    images = learnt.read(run, own, config.num_samples, seeing, place.allow_changed_data, split)
    restored = {"newest": newest}
    if monitor.read(run.workdir):
        try:
            best = restore(run.workdir, monitor.BEST)
            best = best if how.frames is None else best.longer(how.frames)
            restored["best"], _ = best.truncated(how.truncation, how.cutoff)
        except (ValueError, OSError) as error:
            left_out["best checkpoint"] = str(error)
    key, count = jax.random.key(how.seed), images.real.count
    keys = example_keys(key, count)
    conditions = sampler.conditions(keys, count)
    classes = _by_class(run, own, images, config.num_samples, seeing) if sampler.takes("label") and seeing else None
    looking = frame_scores.looking(own.dataset, images.real.pixels.shape[2:]) if FRAMES in chosen else None
    columns, tables, pictures = {}, {} if classes is None else {"real": classes.real}, {}
    for kind, one in restored.items():  # of a network that grows, each by its own recipe
        state = one.state
        if kind == "best" and state.step == run.state.step:
            columns[kind] = columns["newest"]
            continue
        standing = one.standing(how.standing_batches, bound).state
        drawn = drawing.draw_of(one.sampler, standing, keys, conditions, bound)
        fake = monitor.fake_images(drawn, count, seeing, kind=run.kind, title=f"samples, step {state.step}")
        columns[kind] = {"step": int(state.step), **_scores(chosen, images.real, fake, extractor, left_out)}
        if classes is not None:
            tables[kind] = classes.score(fake, np.asarray(conditions["label"]))
        if ELBO in chosen:
            held_out = (images.source, "training") if images.test is None else (images.test, "test")
            columns[kind] |= likelihood.bounds(one.recipe.likelihood, state, *held_out, config.num_samples, key, iwae)
        if PATH_LENGTH in chosen:
            drawn_by = (one.sampler, standing, extractor, config.num_samples, key, bound)
            columns[kind] |= path_length.mean_length(*drawn_by)
        if FRAMES in chosen:
            columns[kind] |= frame_scores.numbers(looking, images.real.pixels, fake.pixels)
        if SVM in chosen:
            columns[kind] |= linear_svm.accuracies(one, state, *data.held_out(images.source, images.test))
        if MEMORISATION in chosen:
            try:
                found, pictures[f"nearest-{kind}"] = _memorisation(images.source, images.test, images.real, fake)
                columns[kind] |= {f"memorisation_{name}": value for name, value in found._asdict().items()}
            except ValueError as error:
                left_out[MEMORISATION] = str(error)
    columns["real"] = _scores(chosen, images.real, images.other, extractor, left_out)
    if FRAMES in chosen:
        columns["real"] |= frame_scores.numbers(looking, images.real.pixels, images.other.pixels)
    if columns["newest"].keys() == {"step"} and not columns["real"]:
        raise ValueError("; ".join(score_table.left_out(left_out)))
    result = {
        "scores": columns,
        "left_out": left_out,
        "drawn": {**how._asdict(), "styles": sampler.styles is not None},
        "by_class": {kind: [_finite(each._asdict()) for each in found] for kind, found in tables.items()},
        "class_names": list(images.source.classes),
        "extractor": extractor
        and {"name": extractor.name, "fingerprint": extractor.fingerprint, "for_such_images": extractor.knows_classes},
        "real": {"dataset": own.dataset, "split": split, "other": _OTHER[split, images.test is not None]},
    }
    return result, pictures


def _chosen(
    run: TrainedRun, config: ScoringConfig, metrics: Sequence[str] | None
) -> tuple[list[str], Extractor | None, dict[str, str]]:
    """What is computed, the extractor, and what is not computed without one, with the reason.

    Raises ValueError for an unknown name, or if nothing can be computed, or no path length.
    """
    dataset, shape = run.config.data.dataset, run.spec.seen_shape
    every = [*scores.of_kind(run.kind.name), MEMORISATION, *[ELBO] * (run.recipe.likelihood is not None)]
    every += [FRAMES] * (run.kind.name == "video")
    names = every if metrics is None else list(metrics)
    for name in names:
        require_known(f"metric of a run of {run.experiment}", name, [*every, *BY_NAME])
    needing = scores.needing(names, "features", "classes")
    extractor = (
        monitor.find_extractor(config, dataset, shape, run.kind.name) if needing or PATH_LENGTH in names else None
    )
    if PATH_LENGTH in names:
        path_length.require(run.sampler, run.state, extractor, shape)
    if SVM in names:
        linear_svm.require(run)
    lacking = [name for name in needing if name not in scores.computable(extractor, run.kind.name)]
    if lacking == names:
        monitor.needed_extractor(lacking, config, dataset, shape, run.kind.name)  # which says how to get one
    why = (
        f"no extractor knows the classes of {places.title(dataset)}" if extractor else "no extractor takes such images"
    )
    return [name for name in names if name not in lacking], extractor, dict.fromkeys(lacking, why)


def _by_class(
    run: TrainedRun, config: DataConfig, images: learnt.RealImages, count: int, extractor: Extractor
) -> ByClass:
    """How samples are scored class by class."""
    names = images.source.classes
    numbers = _classes(config, names, extractor, images.real)
    real_labels, other_labels = monitor.pair_labels(*images.compared, count)
    scored = partial(by_class, len(names), images.real, real_labels, numbers=numbers)
    return ByClass(scored, scored(images.other, other_labels))


def _classes(config: DataConfig, names: Sequence[str], extractor: Extractor, real: Images) -> list[int]:
    """The numbers that the extractor's classifier has for a run's classes; [] if it was made for others."""
    trained_on = {directory.short(name) + "-cnn" for name in (config.dataset, places.title(config.dataset))}
    if not extractor.name.startswith(tuple(trained_on)):
        return []
    known = extractor.classes
    if not known:  # of version 0.2, which numbered the classes of folders as strings are sorted
        known = data.all_classes(config) if config.classes else names
        known = sorted(known) if config.dataset.startswith("folder:") else known
    if not set(names) <= set(known) or len(known) > real.features.probabilities.shape[1]:
        return []
    return [known.index(name) for name in names]


def _scores(
    names: Sequence[str], real: Images, fake: Images, extractor: Extractor | None, left_out: dict[str, str]
) -> dict[str, float]:
    """Those scores that can be computed; adds to `left_out` why others cannot."""
    found, names = {}, [name for name in names if name in SCORES]
    for name in (bar := tqdm(names, leave=False, dynamic_ncols=True, disable=not names)):
        bar.set_description(name)
        try:
            found |= scores.compute([name], real, fake, extractor)
        except ValueError as error:
            left_out[name] = str(error).removeprefix(f"{name} ")
    return found


def _memorisation(source: Source, test: Source | None, real: Images, fake: Images) -> tuple[Memorisation, Image.Image]:
    """The measures, and the picture of the nearest pairs."""
    held_out = real.pixels if test is None else monitor.real_images(test, None, COMPARED).pixels
    kind, size = kind_of(source.spec), max(1, READ // math.prod(real.pixels.shape[1:]))
    starts = tqdm(range(0, len(source), size), desc="training images", leave=False, dynamic_ncols=True)
    rows = (np.arange(start, min(start + size, len(source))) for start in starts)
    training = (kind.of_examples(source[some][kind.name]) for some in rows)
    found, nearest = memorisation(
        fake.pixels[:COMPARED], training, held_out[:COMPARED], held_out_is_training=test is None
    )
    return found, pairs(kind.shown(nearest.samples), kind.shown(nearest.training), ("sample", "nearest"))


def _finite(numbers: dict[str, float]) -> dict[str, float | None]:
    """None, which JSON has, in place of NaN, which it has not."""
    return {name: None if np.isnan(value) else value for name, value in numbers.items()}
