"""How near a run that learnt without pairs comes to what images should become, where that is known after all."""

from collections.abc import Mapping, Sequence

import numpy as np

from gan_jax.config.options import replace
from gan_jax.config.parts import DataConfig
from gan_jax.data import Source
from gan_jax.data.paired import Turned
from gan_jax.data.pixels import in_channels
from gan_jax.data.source import NoSplit
from gan_jax.evaluation.features import Extractor
from gan_jax.randomness import Key
from gan_jax.recipes.contract import State, Translator
from gan_jax.runs import data, monitor, translation_scores
from gan_jax.runs.restore import TrainedRun

KINDS = ("aligned:", "pairs:")


def pairs_of(run: TrainedRun, config: DataConfig, truth: str, translator: Translator) -> Source:
    """Pairs of images that a translator takes, and of what they should become: the split "test" of a dataset, or all of it.

    Raises ValueError or OSError if they cannot be read, or are not like the run's images.
    """
    if not truth.startswith(KINDS):
        raise ValueError(f"truth={truth}: must be pairs of images, aligned:PATH or pairs:PATH_A,PATH_B")
    own = replace(config, dataset=truth)
    try:
        source = data.find(own, "test")
    except NoSplit:
        source = data.find(own)
    source = source if translator.domain == "a" else Turned(source)
    for field, domain in (("image", translator.domain), ("target", translator.into)):
        here, there = source.spec[field].shape, run.spec.example[domain]["image"].shape
        if here != there:
            raise ValueError(f"truth={truth}: has images of the shape {list(here)}, domain {domain} of {list(there)}")
    return source


def beside(
    translator: Translator,
    name: str,
    state: State,
    key: Key,
    pairs: Source,
    learnt: np.ndarray,
    count: int,
    wanted: Sequence[str],
    extractor: Extractor | None,
) -> Mapping[str, dict[str, float]]:
    """Means over pairs by column: of images translated, as they are, and of those that were learnt the nearest to them.

    Args: name: of the translator; learnt: images of the other domain, uint8 [N, H, W, C]; count: of the pairs, at most; wanted:
    measures of `translation_scores`; extractor: of a perceptual distance, if it has maps.
    """
    channels = learnt.shape[-1]
    makers = {
        name: translation_scores.by(translator, state, key),
        f"{translator.domain} as it is": lambda examples, start: in_channels(examples["image"], channels),
        f"nearest {translator.into}": lambda examples, start: nearest(in_channels(examples["image"], channels), learnt),
    }
    looks = extractor if extractor is not None and extractor.maps is not None else None
    looks = looks if translation_scores.PERCEPTUAL in wanted else None
    found = translation_scores.numbers_of(makers, pairs, monitor.real_order(pairs, count), wanted, looks)
    finite = {column: {name: each[np.isfinite(each)] for name, each in own.items()} for column, own in found.items()}
    return {  # PSNR of equal images is not
        column: {name: float(each.mean()) for name, each in own.items() if len(each)} for column, own in finite.items()
    }


def nearest(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Of each image that of the others whose pixels are nearest to its own, by the sum of squares; uint8 [n, H, W, C]."""
    flat = others.reshape(len(others), -1).astype(np.float32)
    distances = (flat**2).sum(axis=1) - 2 * images.reshape(len(images), -1).astype(np.float32) @ flat.T
    return others[distances.argmin(axis=1)]
