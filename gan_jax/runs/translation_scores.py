"""Scores of a run that translates: how near its images are to what they should be, beside what is made without learning."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import jax
import numpy as np
from PIL import Image
from tqdm import tqdm

from gan_jax.config.options import require_known
from gan_jax.config.parts import ScoringConfig
from gan_jax.data import Source
from gan_jax.evaluation import perceptual, restoration
from gan_jax.evaluation.baselines import BASELINES
from gan_jax.evaluation.features import Extractor
from gan_jax.evaluation.restoration import luma
from gan_jax.pictures.grids import to_pixels
from gan_jax.randomness import Key
from gan_jax.recipes.batch import to_unit_range
from gan_jax.recipes.contract import State, Translator
from gan_jax.runs import learnt, monitor, translated
from gan_jax.runs.learnt import Place
from gan_jax.runs.restore import TrainedRun

MEASURES = ("psnr", "ssim", "l1")
PERCEPTUAL = "perceptual"
READ = 64  # examples at once
Maker = Callable[[dict[str, np.ndarray], int], np.ndarray]  # (examples, the first one's place) -> uint8 [B, H, W, C]


def score(
    run: TrainedRun,
    config: ScoringConfig,
    metrics: Sequence[str] | None = None,
    seed: int = 0,
    place: Place = learnt.WHERE_IT_WAS,
    split: str = "test",
    noisy: bool | None = None,
) -> tuple[dict, dict[str, Image.Image]]:
    """What evaluation.json says of a run, and a sheet of examples.

    Each number is a mean over examples: of the colours; of the luma, `_y`; where there are masks of what was missing, `_hole`.

    Args: metrics: of MEASURES and PERCEPTUAL, None for all; seed: of translators' own noise; place: where the data lie now; split:
    which pairs, "train" or "test"; noisy: as `translated.in_mode`'s. Raises ValueError, OSError or loop.NonFinite.
    """
    names = (*MEASURES, PERCEPTUAL)
    for name in metrics or ():
        require_known(f"metric of a run of {run.experiment}", name, names)
    translators = translated.in_mode(run.recipe.translators, noisy)
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
    rows, key = monitor.real_order(source, count), jax.random.key(seed)
    found = numbers_of(_makers(translators, run.state, source, key), source, rows, wanted, extractor)
    newest = next(iter(found))
    columns = {}
    for name, values in found.items():
        columns[name] = {"step": run.step} if name == newest else {}
        for measure, each in values.items():
            counted = each[np.isfinite(each)]  # not those without a place in their hole, nor PSNR of equal images
            if len(counted):
                columns[name][measure] = float(counted.mean())
            if len(counted) < count:
                left_out[f"{measure} of {count - len(counted):,} images of {name}"] = (
                    "they are equal, or it has no place to look at"
                )
    result = {
        "scores": columns,
        "left_out": left_out,
        "by_class": {},
        "class_names": [],
        "extractor": extractor
        and {"name": extractor.name, "fingerprint": extractor.fingerprint, "for_such_images": extractor.knows_classes},
        "pairs": {"dataset": dataset, "split": split, "count": count},
        "drawn": {"seed": seed, "noisy": [name for name, each in translators.items() if each.noisy]},
    }
    return result, {"translated": _sheet(translators, run.state, source, key)}


def _sheet(translators: Mapping[str, Translator], state: State, source: Source, key: Key) -> Image.Image:
    """Examples: what is given, what is made of it without learning and by translators, and what it should be."""
    examples, shape = source[monitor.real_order(source, translated.SHOWN)], source.spec["target"].shape
    made = {name: baseline(examples, shape) for name, baseline in BASELINES.items() if name != "identity"}
    found = {name: np.asarray(to_unit_range(images)) for name, images in made.items() if images is not None}
    return translated.sheet(translated.columns(translators, state, examples, key, found))


def pairs_of(run: TrainedRun, place: Place, split: str) -> tuple[Source, str]:
    """A split of what the run learnt or did not learn, wherever it lies now, and the name of its dataset.

    Raises ValueError or OSError if it cannot be read, or has changed.
    """
    own, data = learnt.data_config(run, place), learnt.again(run, place)
    source = data.source if split == "train" else data.test()
    if source is None:
        raise ValueError(f"{own.dataset} has no test split; --split=train compares what was learnt")
    return source, own.dataset


def _makers(translators: Mapping[str, Translator], state: State, source: Source, key: Key) -> dict[str, Maker]:
    """What makes images of examples, by name: translators first, then what does without learning."""
    found = {name if len(translators) > 1 else "newest": by(each, state, key) for name, each in translators.items()}
    shape, one = source.spec["target"].shape, source[np.arange(1)]
    for name, baseline in BASELINES.items():
        if baseline(one, shape) is not None:
            found[name] = lambda examples, start, baseline=baseline: baseline(examples, shape)
    return found


def by(translator: Translator, state: State, key: Key) -> Maker:
    """How a translator makes images of examples."""
    return lambda examples, start: to_pixels(
        translated.translate(translator, state, examples, jax.random.fold_in(key, start))
    )


def numbers_of(
    makers: Mapping[str, Maker],
    source: Source,
    rows: np.ndarray,
    wanted: Sequence[str],
    extractor: Extractor | None,
) -> dict[str, dict[str, np.ndarray]]:
    """All numbers of all examples, [N], by what made the images and by what they are."""
    look = None if extractor is None else jax.jit(partial(perceptual.distance, extractor))
    found: dict[str, dict[str, list[np.ndarray]]] = {name: {} for name in makers}
    with tqdm(total=len(rows), desc="pairs", unit="pair", leave=False, dynamic_ncols=True) as bar:
        for start in range(0, len(rows), READ):
            some = rows[start : start + READ]
            examples = source[np.resize(some, READ)]  # filled up, so that one is compiled
            for name, make in makers.items():
                images = make(examples, start)
                values = numbers(images, examples, wanted)
                if look is not None:
                    values[f"{PERCEPTUAL}[{extractor.name}]"] = np.asarray(look(images, examples["target"]))
                for measure, each in values.items():
                    found[name].setdefault(measure, []).append(each[: len(some)])
            bar.update(len(some))
    return {name: {measure: np.concatenate(each) for measure, each in own.items()} for name, own in found.items()}


def numbers(images: np.ndarray, examples: dict[str, np.ndarray], wanted: Sequence[str]) -> dict[str, np.ndarray]:
    """Those of MEASURES that are wanted, of uint8 images beside the examples' targets, [N] each."""
    target, found = examples["target"], {}
    in_luma = (luma(images), luma(target)) if target.shape[-1] == 3 else None
    for name in (name for name in MEASURES if name in wanted):
        measure = getattr(restoration, name)
        found[name] = measure(images, target)
        if in_luma is not None:
            found[f"{name}_y"] = measure(*in_luma)
        if "mask" in examples:
            found[f"{name}_hole"] = measure(images, target, examples["mask"][..., 0])
    return found
