"""Scores of a run that translates: how near its images are to what they should be, beside what is made without learning."""

from collections.abc import Iterator, Sequence
from functools import partial

import jax
import numpy as np
from PIL import Image
from tqdm import tqdm

from gan_jax.config.options import replace, require_known
from gan_jax.config.parts import ScoringConfig
from gan_jax.data import Source
from gan_jax.data.fingerprint import fingerprint
from gan_jax.evaluation import perceptual, restoration
from gan_jax.evaluation.baselines import BASELINES
from gan_jax.evaluation.features import Extractor
from gan_jax.evaluation.restoration import luma
from gan_jax.pictures.grids import to_pixels
from gan_jax.randomness import Key
from gan_jax.recipes.batch import to_unit_range
from gan_jax.runs import directory, learnt, monitor, same_data, translated
from gan_jax.runs.experiment import find
from gan_jax.runs.learnt import Place
from gan_jax.runs.restore import TrainedRun

MEASURES = ("psnr", "ssim", "l1")
PERCEPTUAL = "perceptual"
HIGHER = ("psnr", "ssim")  # is better
READ = 64  # examples at once


def score(
    run: TrainedRun,
    config: ScoringConfig,
    metrics: Sequence[str] | None = None,
    seed: int = 0,
    place: Place = learnt.WHERE_IT_WAS,
    split: str = "test",
) -> tuple[dict, dict[str, Image.Image]]:
    """What evaluation.json says of a run, and a sheet of examples.

    Each number is a mean over examples: of the colours; of the luma, `_y`; where there are masks of what was missing, `_hole`.

    Args: metrics: of MEASURES and PERCEPTUAL, None for all; seed: of translators' own noise; place: where the data lie now; split:
    which pairs, "train" or "test". Raises ValueError, OSError or loop.NonFinite.
    """
    names = (*MEASURES, PERCEPTUAL)
    for name in metrics or ():
        require_known(f"metric of a run of {run.experiment}", name, names)
    source, dataset = pairs_of(run, place, split)
    shape, count = source.spec["target"].shape, min(config.num_samples, len(source))
    wanted, left_out = list(metrics or names), {}
    extractor = None
    if PERCEPTUAL in wanted:
        try:
            extractor = monitor.find_extractor(config, dataset, shape)
            perceptual.require_maps(extractor, shape)
        except ValueError as error:
            extractor, left_out[PERCEPTUAL] = None, str(error)
    rows = monitor.real_order(source, count)
    key, columns = jax.random.key(seed), {}
    for name, made in _all(run, source, rows, key):
        title = f"images of {name}"
        columns[name] = _means(made, source, rows, wanted, extractor, title)
    newest = next(iter(columns))
    result = {
        "scores": {name: ({"step": run.step} if name == newest else {}) | found for name, found in columns.items()},
        "left_out": left_out,
        "by_class": {},
        "class_names": [],
        "extractor": extractor
        and {"name": extractor.name, "fingerprint": extractor.fingerprint, "for_such_images": extractor.knows_classes},
        "pairs": {"dataset": dataset, "split": split, "count": count},
        "drawn": {"seed": seed, "noisy": [name for name, each in run.recipe.translators.items() if each.noisy]},
    }
    return result, {"translated": _sheet(run, source, key)}


def _sheet(run: TrainedRun, source: Source, key: Key) -> Image.Image:
    """Examples: what is given, what is made of it without learning and by translators, and what it should be."""
    examples, shape = source[monitor.real_order(source, translated.SHOWN)], source.spec["target"].shape
    made = {name: baseline(examples, shape) for name, baseline in BASELINES.items() if name != "identity"}
    found = {name: np.asarray(to_unit_range(images)) for name, images in made.items() if images is not None}
    return translated.sheet(translated.columns(run.recipe.translators, run.state, examples, key, found))


def pairs_of(run: TrainedRun, place: Place, split: str) -> tuple[Source, str]:
    """A split of what the run learnt or did not learn, wherever it lies now, and the name of its dataset.

    Raises ValueError or OSError if it cannot be read, or has changed.
    """
    own = learnt.data_config(run, place)
    experiment = find(run.experiment)
    given = {"data_dir": own.data_dir, "dataset": own.dataset}
    data = experiment.load(replace(run.config, **given))
    same_data.require_same(
        run.workdir,
        same_data.of_run(directory.read_config(run.workdir)),
        fingerprint(data.source),
        place.allow_changed_data,
    )
    return (data.source if split == "train" else data.test()), own.dataset


def _all(run: TrainedRun, source: Source, rows: np.ndarray, key: Key) -> Iterator[tuple[str, Iterator[np.ndarray]]]:
    """Yields names and what is made of the examples, uint8 [B, H, W, C] at a time: by translators first, then without learning."""
    examples = lambda numbers: source[rows[numbers]]
    several = len(run.recipe.translators) > 1
    for name, translator in run.recipe.translators.items():
        made = translated.translate(translator, run.state, examples, len(rows), key)
        yield name if several else "newest", map(to_pixels, made)
    shape, one = source.spec["target"].shape, source[rows[:1]]
    for name, baseline in BASELINES.items():
        if baseline(one, shape) is not None:
            chunks = (source[rows[start : start + READ]] for start in range(0, len(rows), READ))
            yield name, map(partial(baseline, shape=shape), chunks)


def _means(
    made: Iterator[np.ndarray],
    source: Source,
    rows: np.ndarray,
    wanted: Sequence[str],
    extractor: Extractor | None,
    title: str,
) -> dict[str, float]:
    """The means of all numbers over the examples."""
    look = None if extractor is None else jax.jit(partial(perceptual.distance, extractor))
    found: dict[str, list[np.ndarray]] = {}
    done = 0
    with tqdm(total=len(rows), desc=title, leave=False, dynamic_ncols=True) as bar:
        for images in made:
            examples = source[rows[done : done + len(images)]]
            for name, values in numbers(images, examples, wanted).items():
                found.setdefault(name, []).append(values)
            if look is not None:
                values = np.asarray(look(images, examples["target"]))
                found.setdefault(f"{PERCEPTUAL}[{extractor.name}]", []).append(values)
            done += len(images)
            bar.update(len(images))
    return {name: float(np.mean(np.concatenate(values))) for name, values in found.items()}


def numbers(images: np.ndarray, examples: dict[str, np.ndarray], wanted: Sequence[str]) -> dict[str, np.ndarray]:
    """Those of MEASURES that are wanted, of uint8 images beside the examples' targets, [N] each."""
    target, found = examples["target"], {}
    for name in (name for name in MEASURES if name in wanted):
        measure = getattr(restoration, name)
        found[name] = measure(images, target)
        if target.shape[-1] == 3:
            found[f"{name}_y"] = measure(luma(images), luma(target))
        if "mask" in examples:
            found[f"{name}_hole"] = measure(images, target, examples["mask"][..., 0])
    return found
