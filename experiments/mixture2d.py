"""Mixtures of Gaussians in the plane: which modes does a game lose? Ten trials at once, by jax.vmap.

    python -m experiments.mixture2d --mixture=grid25
    python -m experiments.mixture2d --mixture=ring8 --game=minmax --trials=1

The measures are PacGAN's (Lin et al. 2018, arXiv:1712.04086): of 2,500 samples, how many modes they cover, how many lie
within 3σ of a mode, and how evenly they are shared out. Rates (images/s) are of one trial, all trials going on.

By default 20,000 rounds in 10 to 12 minutes on 2 CPU cores: all 8 modes of the ring and all 25 of the grid, in ten trials.
"""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import jax
import numpy as np
from flax import linen as nn

from gan_jax.config.gan import AugmentationConfig, GanConfig, PlayersConfig
from gan_jax.config.gan import resolve as resolve_gan
from gan_jax.config.options import option
from gan_jax.config.parts import ClusterConfig, RunConfig
from gan_jax.config.setup import d_fields, setup_fields, with_reference
from gan_jax.data import DataSpec
from gan_jax.data.mixtures import MIXTURES
from gan_jax.networks import mlp
from gan_jax.presets import PRESETS
from gan_jax.recipes import gan
from gan_jax.recipes.contract import Recipe
from gan_jax.recipes.trials import trials
from gan_jax.runs import mixtures
from gan_jax.runs.data import Data
from gan_jax.runs.launch import experiment
from gan_jax.runs.training import Run
from gan_jax.training.parallel import AXIS

# The slope of the rectifiers is that of most discriminators. tanh's plateaus are what makes G's points so sharp.
ACTIVATIONS = {"tanh": nn.tanh, "leaky_relu": partial(nn.leaky_relu, negative_slope=0.2)}


@dataclass(frozen=True)
class Config:
    """All that can be chosen."""

    GROUP: ClassVar[str] = "mixture"
    run: RunConfig = RunConfig(steps=20000, batch_size=128, sample_every=1000)
    mixture: str = option("ring8", "What to learn.", choices=MIXTURES)
    trials: int = option(10, "GANs trained at once; trial k is the single run of seed + k.", low=1)
    g_activation: str = option("tanh", "Of G's hidden layers; D has leaky_relu.", choices=ACTIVATIONS)
    gan: GanConfig = GanConfig(game="r3gan")
    players: PlayersConfig = PlayersConfig(latent_size=2, hidden=(128,) * 4, d_hidden=(128,) * 3)
    augmentation: AugmentationConfig = AugmentationConfig()
    cluster: ClusterConfig = ClusterConfig()


def resolve(config: Config) -> Config:
    """The configuration with all defaults filled in. Raises ValueError for what cannot be combined."""
    if config.augmentation.augment:
        raise ValueError(f"augment={','.join(config.augmentation.augment)}: that is for images, and these are points")
    defaults: dict[str, object] = dict(g_norm="none", d_norm="none", lr_decay="cosine")
    if PRESETS[config.gan.game]["optimizer"] == "adam":
        defaults |= dict(d_lr=2e-3, g_lr=2e-3, beta1=0.0, beta2=0.99)
    if config.gan.game == "r3gan" and config.gan.penalty is None:
        defaults |= dict(penalty_end=0.001)  # R1 and R2 first spread G over all modes; then D must become steep
    return resolve_gan(config, **defaults)


def load(config: Config) -> Data:
    """Points that are drawn as they are needed; a point of each trial is one example."""
    return Data(DataSpec({"image": jax.ShapeDtypeStruct((config.trials, 2), np.float32)}), source=None)


def make_setup(config: Config) -> gan.Setup:
    """One trial's."""
    players = config.players
    generator = mlp.Generator(
        (2,), players.hidden, ACTIVATIONS[config.g_activation], players.g_norm, bounded=False, axis_name=AXIS
    )
    discriminator = mlp.Discriminator(activation=ACTIVATIONS["leaky_relu"], **d_fields(config))
    return gan.Setup(with_reference(config, generator), discriminator, **setup_fields(config))


def make(config: Config, spec: DataSpec) -> Recipe:
    """All trials at once."""
    return trials(gan.make(make_setup(config)))


def train(run: Run) -> None:
    """Trains all trials and counts the modes that each has found."""
    mixtures.train(run, make_setup(run.config), MIXTURES[run.config.mixture])


main = experiment("mixture2d", Config, make, resolve=resolve, load=load, train=train)

if __name__ == "__main__":
    main()
