"""Scores of a run that translates between domains: are its images of the other, do they show the same, what is hidden in them?

Of each way, beside images as they are and real ones of the other domain:

- frechet_distance from images of the other domain;
- labels_kept, the share whose class, to a classifier of that domain, is the label of what they were made of;
- l1_back, how far an image that went there and back is from itself, E|F(G(x)) - x| in 0 to 255, and how far when noise is added
  on the way: CycleGAN hides in its images what it needs to undo them (Chu et al. 2017, arXiv:1712.02950);
- in colour hue_spread, how much hues differ, and hue_spread_of_one, those of one example drawn anew (`evaluation.hues`).
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np
from PIL import Image

from gan_jax.config.options import require_known
from gan_jax.config.parts import ScoringConfig
from gan_jax.data import Domains, Source
from gan_jax.data.pixels import in_channels
from gan_jax.evaluation import hues, scores
from gan_jax.evaluation.features import Extractor
from gan_jax.pictures.grids import to_pixels
from gan_jax.randomness import Key
from gan_jax.recipes.contract import State, Translator
from gan_jax.runs import learnt, monitor, translated, translation_scores, truths
from gan_jax.runs.learnt import Place
from gan_jax.runs.restore import TrainedRun

MEASURES = ("frechet_distance", "labels_kept", "back", "hue_spread")
NOISE = 8.0  # of 255: what is hidden in an image does not survive it, and what is to be seen does
READ = 64  # examples at once
DRAWS = 16  # of each of the first READ examples, of a translator with noise of its own


class Side(NamedTuple):
    """One way of translation.

    Fields: name, translator; source: the examples; target: images of the domain that they are to be of; others: more of these;
    extractor: that knows them, None without one.
    """

    name: str
    translator: Translator
    source: Source
    target: Source
    others: Source
    extractor: Extractor | None


def score(
    run: TrainedRun,
    config: ScoringConfig,
    metrics: Sequence[str] | None = None,
    seed: int = 0,
    place: Place = learnt.WHERE_IT_WAS,
    split: str = "test",
    noisy: bool | None = None,
    truth: str | None = None,
) -> tuple[dict, dict[str, Image.Image]]:
    """What evaluation.json says of a run, and a sheet of examples.

    Args: metrics: of MEASURES, and with a truth of `translation_scores`; None for all; seed: of noise; place: where the data lie
    now; split: which images, "train" or "test"; noisy: as `translated.in_mode`'s; truth: pairs, what images should become.
    Raises ValueError, OSError or loop.NonFinite.
    """
    paired = (*translation_scores.MEASURES, translation_scores.PERCEPTUAL) if truth else ()
    for name in metrics or ():
        require_known(f"metric of a run of {run.experiment}", name, (*MEASURES, *paired))
    wanted, key, left_out = list(metrics or (*MEASURES, *paired)), jax.random.key(seed), {}
    translators = translated.in_mode(run.recipe.translators, noisy)
    domains, others = _domains(run, place, split)
    columns: dict[str, dict[str, float]] = {}
    extractors, counts = {}, {}
    for name, translator in translators.items():
        domain, into = translator.domain, translator.into
        extractors[into] = _extractor(run, config, into, left_out)
        side = Side(
            name, translator, domains.sources[domain], domains.sources[into], others.sources[into], extractors[into]
        )
        counts[domain] = min(config.num_samples, *map(len, (side.source, side.target, side.others)))
        for column, found in _of_side(side, run.state, key, counts[domain], wanted, left_out).items():
            columns.setdefault(column, {}).update(found)
        columns[name] = {"step": run.step, **columns[name]}
        if truth:
            pairs = truths.pairs_of(run, learnt.data_config(run, place), truth, translator)
            known = side.others[np.arange(len(side.others))]["image"]
            beside = truths.beside(
                translator, name, run.state, key, pairs, known, config.num_samples, wanted, side.extractor
            )
            for column, found in beside.items():
                columns.setdefault(column, {}).update(found)
    used = [each for each in extractors.values() if each is not None]
    result = {
        "scores": columns,
        "left_out": left_out,
        "by_class": {},
        "class_names": [],
        "extractor": {
            "name": ", ".join(dict.fromkeys(each.name for each in used)),
            "fingerprint": ", ".join(dict.fromkeys(each.fingerprint for each in used)),
            "for_such_images": all(each.knows_classes for each in used),
        }
        if used
        else None,
        "domains": {"split": split, "counts": counts, "truth": truth},
        "drawn": {"seed": seed, "noisy": [name for name, each in translators.items() if each.noisy]},
    }
    sheet = translated.sheet(translated.there_and_back(translators, run.state, domains, key, NOISE))
    return result, {"translated": sheet}


def _domains(run: TrainedRun, place: Place, split: str) -> tuple[Domains, Domains]:
    """The images that are translated, with their labels; and those of the other split."""
    found = learnt.again(run, place)
    both = Domains(dict(found.found)), found.test()
    return both if split == "train" else both[::-1]


def _extractor(run: TrainedRun, config: ScoringConfig, domain: str, left_out: dict[str, str]) -> Extractor | None:
    """The network that looks at images of a domain; None, with the reason, if there is none."""
    own = run.config.data
    name = own.dataset or getattr(own, f"domain_{domain}")
    try:
        return monitor.find_extractor(config, name, run.spec.example[domain]["image"].shape)
    except ValueError as error:
        left_out[f"scores of images of {domain}"] = str(error)
        return None


def _of_side(
    side: Side, state: State, key: Key, count: int, wanted: Sequence[str], left_out: dict[str, str]
) -> dict[str, dict[str, float]]:
    """The numbers of one way, by column."""
    rows, order = (monitor.real_order(source, count) for source in (side.source, side.others))
    made, back, noised = _all(side, state, key, rows, "back" in wanted)
    given, real = side.source[rows], side.others[order]
    here, there = f"{side.translator.domain} as it is", f"real {side.translator.into}"
    images = {side.name: made, here: in_channels(given["image"], made.shape[-1]), there: real["image"]}
    found: dict[str, dict[str, float]] = {column: {} for column in images}
    if side.extractor is not None and {"frechet_distance", "labels_kept"} & set(wanted):
        labels = {}
        if _labelled(side.source, side.extractor):
            labels = dict.fromkeys((side.name, here), given["label"])
            labels |= {there: real["label"]} if _labelled(side.others, side.extractor) else {}
        _add_of_features(found, side, images, labels, wanted, left_out)
    if "hue_spread" in wanted and made.shape[-1] == 3:
        for column in (side.name, there):
            found[column]["hue_spread"] = hues.spread(hues.hues(images[column]))
        if side.translator.noisy:
            found[side.name]["hue_spread_of_one"] = _of_one(side, state, key, rows[:READ])
    if back is not None:
        apart = lambda images: float(np.mean(np.abs(images - given["image"].astype(np.float32))))
        found[side.name] |= {"l1_back": apart(back), f"l1_back_noise{NOISE:g}": apart(noised)}
    return {column: numbers for column, numbers in found.items() if numbers or column == side.name}


def _add_of_features(
    found: dict[str, dict[str, float]],
    side: Side,
    images: dict[str, np.ndarray],
    labels: dict[str, np.ndarray],
    wanted: Sequence[str],
    left_out: dict[str, str],
) -> None:
    """Adds what the side's extractor sees in images. Args: labels: of those columns whose images have some."""
    extractor, count = side.extractor, len(images[side.name])
    target = monitor.real_images(side.target, extractor, count, title="")
    for column, each in images.items():
        looked = scores.look(iter([each]), count, extractor)
        if "frechet_distance" in wanted:
            try:
                found[column] |= scores.compute(["frechet_distance"], target, looked, extractor)
            except ValueError as error:
                left_out[f"frechet_distance of {column}"] = str(error).removeprefix("frechet_distance ")
        if "labels_kept" in wanted and column in labels:
            seen = looked.features.probabilities.argmax(axis=1)
            found[column][f"labels_kept[{extractor.name}]"] = float(np.mean(seen == labels[column]))
    if "labels_kept" in wanted and not labels:
        left_out[f"labels_kept of {side.name}"] = (
            f"{extractor.name} does not know labels of domain {side.translator.domain}"
        )


def _of_one(side: Side, state: State, key: Key, rows: np.ndarray) -> float:
    """How much hues of images differ that were drawn of the same example, a mean over examples."""
    examples, drawn = {"image": side.source[rows]["image"]}, []
    for number in range(DRAWS):
        images = translated.translate(side.translator, state, examples, jax.random.fold_in(key, number))
        drawn.append(hues.hues(to_pixels(images)))
    return float(np.mean([hues.spread(each) for each in np.stack(drawn, axis=1)]))


def _labelled(source: Source, extractor: Extractor) -> bool:
    """Whether an extractor's classes are those of a source, in its order; one that has no names has those of as many numbers."""
    if not source.classes or not extractor.knows_classes:
        return False
    return not extractor.classes or tuple(extractor.classes) == tuple(source.classes)


def _all(
    side: Side, state: State, key: Key, rows: np.ndarray, way_back: bool
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Of examples: what is made of them, and that back, without noise and with it; uint8 [n, H, W, C] each."""
    made, backs, noised = [], [], []
    way_back = way_back and side.translator.back is not None
    for start in range(0, len(rows), READ):
        some = rows[start : start + READ]
        examples = {"image": side.source[np.resize(some, READ)]["image"]}  # filled up, so that one is compiled
        own = jax.random.fold_in(key, start)
        images = translated.translate(side.translator, state, examples, own)
        made.append(to_pixels(images)[: len(some)])
        if way_back:
            for amount, into in ((0.0, backs), (NOISE, noised)):
                found = translated.back(side.translator, state, examples, images, amount, own)
                into.append(to_pixels(found)[: len(some)])
    return np.concatenate(made), *(np.concatenate(each) if each else None for each in (backs, noised))
