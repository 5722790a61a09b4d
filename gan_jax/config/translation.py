"""The options of paired translation: its pairs, its game, and how it translates."""

from dataclasses import dataclass
from typing import ClassVar, TypeVar

import optax

from gan_jax.config.options import option, replace
from gan_jax.config.parts import DataConfig
from gan_jax.data import sources
from gan_jax.data.degrade import DEGRADATIONS
from gan_jax.data.paired import DIRECTIONS
from gan_jax.data.pixels import both_sides, parse_size
from gan_jax.precision import DTYPES

Config = TypeVar("Config")
PAIRED = ("aligned", "pairs", "maps")  # what stands before the colon
DEGRADE = (
    "What is left of an image of which the image itself is to be made, with how much after a colon, as in downscale:4: "
    + ", ".join(name + ("" if each.usual is None else f" ({each.usual})") for name, each in DEGRADATIONS.items())
    + "; hole:center, hole:random or hole:freeform."
)


@dataclass(frozen=True)
class PairedDataConfig(DataConfig):
    """Pairs: of files, or of images and what is left of them."""

    dataset: str = option(
        "photos",
        "Pairs: aligned:PATH, side by side in one file; or pairs:PATH_A,PATH_B, under the same names. Or images, from which "
        f"--degrade makes them: {sources.listed()}, tfds:NAME or folder:PATH.",
    )
    direction: str = option("a_to_b", "aligned:, pairs: which way.", choices=DIRECTIONS)
    degrade: str | None = option(None, DEGRADE)
    load_size: str | None = option(
        None,
        "To which pairs are enlarged, to be cut back to image_size anywhere: a side or height x width, 286 for 256 as published; "
        "by default they are not.",
    )
    mirror: bool = option(True, "Mirror half of the pairs in training.")


@dataclass(frozen=True)
class MapsConfig(PairedDataConfig):
    """Label maps and their images."""

    num_labels: int | None = option(
        None, "How many labels there are; by default as many as the maps to train on have.", low=1
    )


@dataclass(frozen=True)
class LearningConfig:
    """How G and D learn."""

    GROUP: ClassVar[str] = "learning"
    d_lr: float = option(2e-4, "Adam's rate, D's.", low=0)
    g_lr: float = option(2e-4, "Adam's rate, G's.", low=0)
    beta1: float = option(0.5, "Adam's β1.", low=0, high=1)
    beta2: float = option(0.999, "Adam's β2.", low=0, high=1)
    decay_from: int | None = option(
        None, "Step of a player from which on its rate falls linearly to 0; by default it does not.", low=0
    )
    decay_rounds: int = option(1000, "Over how many steps it does so.", low=1)
    ema: float = option(
        0.0, "Decay of a moving average of G's weights that translates; 0: G itself.", low=0, high=0.999999
    )
    dtype: str = option("float32", "What the networks compute in, in training.", choices=DTYPES)


@dataclass(frozen=True)
class TranslationConfig(LearningConfig):
    """And how much a distance counts."""

    l1: float = option(100.0, "Weight of G's mean distance from the target.", low=0)


@dataclass(frozen=True)
class RestorationConfig(TranslationConfig):
    """And each task has a β1 of its own."""

    beta1: float | None = option(None, "Adam's β1; by default the task's, 0.9 or 0.5.", low=0, high=1)


def optimizers(config: LearningConfig) -> tuple[optax.GradientTransformation, optax.GradientTransformation]:
    """G's and D's."""

    def adam(rate: float) -> optax.GradientTransformation:
        if config.decay_from is not None:
            rate = optax.linear_schedule(rate, 0.0, config.decay_rounds, config.decay_from)
        return optax.adam(rate, b1=config.beta1, b2=config.beta2)

    return adam(config.g_lr), adam(config.d_lr)


def is_paired(dataset: str) -> bool:
    """Whether a dataset of this name has pairs, so that none are to be made."""
    return dataset.partition(":")[0] in PAIRED


def with_pairs(config: Config, usual: str) -> Config:
    """The configuration with a degradation that makes pairs, unless its data have some."""
    own = config.data
    return replace(config, degrade=usual) if own.degrade is None and not is_paired(own.dataset) else config


def loaded(config: PairedDataConfig, sides: tuple[int, int]) -> tuple[int, int] | None:
    """The sides to which pairs of these sides are enlarged; None if they are not. Raises ValueError if they are smaller."""
    if config.load_size is None:
        return None
    found = both_sides(parse_size(config.load_size, "load_size"))
    if any(load < side for load, side in zip(found, sides)):
        height, width = sides
        raise ValueError(f"load_size={config.load_size}: smaller than the images, {height}x{width}")
    return found
