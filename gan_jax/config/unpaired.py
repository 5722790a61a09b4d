"""The options of unpaired translation: its two domains, its game, and how it translates."""

from dataclasses import dataclass
from typing import ClassVar, TypeVar

from gan_jax.config.options import option, replace
from gan_jax.config.parts import DataConfig
from gan_jax.config.translation import LearningConfig
from gan_jax.data import sources

Config = TypeVar("Config")
A_DATASET = f"{sources.listed()}; recolored:NAME or colored:NAME, of gray ones in colour; tfds:NAME or folder:PATH"


@dataclass(frozen=True)
class DomainsConfig(DataConfig):
    """Two kinds of images."""

    dataset: str | None = option(
        None,
        "In place of domain_a and domain_b, folders of images: unaligned:PATH, with trainA, trainB, testA and testB in it; or "
        "unaligned:PATH_A,PATH_B.",
    )
    domain_a: str = option("digits", f"What is translated: {A_DATASET}.")
    domain_b: str = option("print", "Into what, and back: another of these.")
    load_size: str | None = option(
        None,
        "To which images are enlarged, to be cut back to image_size anywhere: a side or height x width, 286 for 256 as published; "
        "by default they are not.",
    )
    mirror: bool = option(False, "Mirror half of the images in training.")


@dataclass(frozen=True)
class CycleConfig(LearningConfig):
    """How the players learn, and what counts how much."""

    decay_from: int | None = option(
        None, "Round from which on the rates fall linearly to 0; by default after half of the rounds.", low=0
    )
    decay_rounds: int | None = option(None, "Over how many rounds they do so; by default the other half.", low=1)
    game_weight: float = option(
        2.0, "Of the game in the generators' loss; 2 makes up for least squares' factor ½, as published.", low=0
    )
    cycle: float = option(10.0, "Weight of how far an image that went there and back is from itself, λ.", low=0)
    identity: float | None = option(
        None,
        "How much of that an image counts that has nothing to be changed; by default ½ where domains have the same channels, or 0.",
        low=0,
    )
    pool: int = option(50, "Images of each domain that D may be shown again; 0: only new ones.", low=0)


@dataclass(frozen=True)
class AugmentedConfig:
    """Many images of one."""

    GROUP: ClassVar[str] = "augmented"
    augmented: bool = option(
        False,
        "Latents say into which of many images one is made, and back: Augmented CycleGAN (Almahairi et al. 2018).",
    )
    latent_size_a: int = option(
        8, "Numbers in a latent by which an image of domain a is made; few where those of b leave little open.", low=1
    )
    latent_size_b: int = option(8, "Numbers in a latent by which an image of domain b is made.", low=1)
    latent_cycle: float = option(
        1.0, "Weight of how far a latent that was drawn by is from what is said of it after.", low=0
    )
    latent_weight: float = option(
        10.0,
        "Of the game by which what is said of latents gets their prior's distribution; 2 as that of images.",
        low=0,
    )
    latent_lr: float = option(1e-3, "Learning rate of the discriminators of latents.", low=0)


@dataclass(frozen=True)
class TaskConfig:
    """What images show, and a classifier says."""

    GROUP: ClassVar[str] = "task"
    task_loss: bool = option(
        False,
        "A classifier that first learns the labels of domain_a, and then no more, is to see the same before and after (CyCADA); in "
        "the end another learns from translated images, and is tested on domain_b.",
    )
    task_weight: float = option(5.0, "Of what it says; 1 as published.", low=0)
    task_again: int = option(
        11,
        "How often, after stretches of rounds, it learns anew, and images of domain_b too, by labels that another gives them that "
        "learnt from images translated so far; 0 as published.",
        low=0,
    )
    task_sure: float = option(
        0.6, "From which probability on what they say of an image counts; 0 as published: always.", low=0, high=1
    )


def with_decay(config: Config) -> Config:
    """The configuration with rates that fall in the second half of the rounds, unless it says otherwise."""
    own, steps = config.learning, config.run.steps
    start = max(1, steps // 2) if own.decay_from is None else own.decay_from
    length = max(1, steps - start) if own.decay_rounds is None else own.decay_rounds
    return replace(config, decay_from=start, decay_rounds=length)
