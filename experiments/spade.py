"""SPADE, GauGAN (Park et al. 2019, arXiv:1903.07291): label maps become images, in the style of another or in one of their own.

python -m experiments.spade                                    # photographs from their clusters of colours, no download
python -m experiments.spade --dataset=maps:LABELS,IMAGES       # two folders: PNGs of numbers, by a palette or gray, and images
python -m gan_jax translate --workdir=RUN my_map.png

The default's label maps are made of the images: each pixel's nearest of eight colours (`gan_jax.data.degrade.clusters`).
"""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from gan_jax import presets
from gan_jax.config.options import option, replace
from gan_jax.config.parts import ClusterConfig, RunConfig
from gan_jax.config.setup import over_devices
from gan_jax.config.translation import LearningConfig, MapsConfig, loaded, optimizers, with_pairs
from gan_jax.data import DataSpec, label_maps
from gan_jax.data.degrade import PALETTE
from gan_jax.evaluation import features, perceptual
from gan_jax.games import GAMES
from gan_jax.networks import spade as networks
from gan_jax.networks.patchgan import MultiScale
from gan_jax.precision import DTYPES
from gan_jax.recipes import spade
from gan_jax.recipes.contract import Recipe
from gan_jax.recipes.jitter import Jitter
from gan_jax.runs.data import Data
from gan_jax.runs.launch import experiment
from gan_jax.runs.paired import load_pairs
from gan_jax.training.parallel import AXIS

PRESETS: dict[str, "Config"] = {}


@dataclass(frozen=True)
class Config:
    """All that can be chosen."""

    GROUP: ClassVar[str] = "spade"
    preset: str | None = option(None, "Other defaults: published, the paper's for 256 pixels.", choices=PRESETS)
    run: RunConfig = RunConfig(steps=2400, batch_size=8)
    data: MapsConfig = MapsConfig()
    game: str = option("hinge", "What D and G play for.", choices=GAMES)
    feature_matching: float = option(10.0, "Weight of the distance between D's maps of real and of fake images.", low=0)
    perceptual: float = option(10.0, "Weight of a distance between maps of a network that knows emoji.", low=0)
    kl: float = option(0.05, "Weight of the encoder's divergence.", low=0)
    encoder: bool = option(True, "Whether there is an encoder, which gives a style; without it styles are drawn alone.")
    style_size: int = option(64, "Length of a style; 256 as published.", low=1)
    learning: LearningConfig = LearningConfig(
        d_lr=4e-4, g_lr=4e-4, beta1=0.0, beta2=0.9, ema=0.999
    )  # G's is the encoder's too
    width: int = option(8, "Channels of the largest maps of all networks; 64 as published.", low=1)
    scales: int = option(2, "PatchGANs, of images ever half as large.", low=1)
    patch_layers: int = option(2, "Of each, that halve; 3 as published.", low=1)
    cluster: ClusterConfig = ClusterConfig()


PRESETS["published"] = replace(Config(), **presets.PUBLISHED_SPADE)


def complete(config: Config, data: Data) -> Config:
    """The configuration with the number of labels: of clusters, or else that of the maps to train on."""
    kind, _, paths = config.data.dataset.partition(":")
    if kind == "maps":
        return replace(
            config, num_labels=config.data.num_labels or label_maps.count(paths, skip_broken=config.data.skip_broken)
        )
    if config.data.num_labels not in (None, len(PALETTE)):
        raise ValueError(f"num_labels={config.data.num_labels}: of maps:; of clusters there are {len(PALETTE)}")
    return replace(config, num_labels=len(PALETTE))


def make(config: Config, spec: DataSpec) -> Recipe:
    """A generator, an encoder of styles, and PatchGANs."""
    if "labels" not in spec.example:
        given = config.data.dataset if config.data.degrade is None else f"degrade={config.data.degrade}"
        raise ValueError(
            f"{given}: gives no label maps; maps:LABELS,IMAGES has them, or --degrade=clusters makes them of images"
        )
    *sides, channels = spec.example["target"].shape
    costs = {}
    if config.perceptual:
        shape = spec.example["target"].shape
        costs["perceptual_distance"] = config.perceptual, perceptual.cost(features.for_any_images(shape), shape)
    setup = spade.Setup(
        networks.Generator(channels, config.width, AXIS),
        networks.Encoder(config.style_size, config.width) if config.encoder else None,
        MultiScale(config.scales, config.patch_layers, config.width),
        over_devices(GAMES[config.game]),
        *optimizers(config.learning),
        classes=config.data.num_labels,
        style_size=config.style_size,
        features=config.feature_matching,
        kl=config.kl,
        costs=costs,
        jitter=Jitter(loaded(config.data, sides), config.data.mirror),
        ema=config.learning.ema,
        dtype=DTYPES[config.learning.dtype],
        axis_name=AXIS,
    )
    return spade.make(setup)


main = experiment(
    "spade",
    Config,
    make,
    presets=PRESETS,
    resolve=partial(with_pairs, usual="clusters"),
    load=load_pairs,
    complete=complete,
)

if __name__ == "__main__":
    main()
