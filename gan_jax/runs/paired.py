"""The pairs that a run translates: those of files, or images beside what a degradation leaves of them."""

from functools import partial

from gan_jax.config.translation import PairedDataConfig, is_paired
from gan_jax.data import ArraySource, Source, describe, in_memory
from gan_jax.data.degrade import VERSIONS, degraded
from gan_jax.data.paired import turned
from gan_jax.runs import data
from gan_jax.runs.data import Data


def load_pairs(config: object) -> Data:
    """The pairs that config.data names; where there is no test split, a fifth of them is not learnt, and is the test.

    Raises ValueError or OSError if they cannot be read, or there are none.
    """
    train, test = splits(config.data)
    return Data(describe(train), train, test=lambda: test)


def splits(config: PairedDataConfig) -> tuple[Source, Source]:
    """What is learnt and what is tested on. Raises as `load_pairs`."""
    if is_paired(config.dataset):
        if config.degrade is not None:
            raise ValueError(f"degrade={config.degrade}: makes pairs of images, and {config.dataset} has pairs")
        if config.dataset.startswith("maps:") and config.direction != PairedDataConfig.direction:
            raise ValueError(
                f"direction={config.direction}: label maps are what images are made of, and not the other way"
            )
        made = partial(turned, direction=config.direction)
        return tuple(made(split) for split in data.splits(config))
    if config.direction != PairedDataConfig.direction:
        raise ValueError(f"direction={config.direction}: of aligned: and pairs:, not of {config.dataset}")
    if config.degrade is None:
        raise ValueError(f"{config.dataset} has images but no pairs: --degrade makes them, say --degrade=gray")
    if config.load_size is not None:
        raise ValueError(
            f"load_size={config.load_size}: of files of pairs; enlarged, what --degrade={config.degrade} leaves would change"
        )
    train, test = data.splits(config)
    return _beside_itself(train, config.degrade, VERSIONS), _beside_itself(test, config.degrade, 1)


def _beside_itself(source: Source, degrade: str, versions: int) -> Source:
    """Pairs of the source's images; in memory if these are, and nothing is by chance."""
    made = degraded(source, degrade, versions)
    return in_memory(made) if isinstance(source, ArraySource) and not made.by_chance else made
