"""SPADE, GauGAN (Park et al. 2019, arXiv:1903.07291): label maps become images, in the style of another or in one of their own.

python -m experiments.spade                                    # photographs from their clusters of colours, no download
python -m experiments.spade --dataset=maps:LABELS,IMAGES       # two folders: PNGs of numbers, by a palette or gray, and images
python -m gan_jax translate --workdir=RUN my_map.png

The default's label maps are made of the images: each pixel's nearest of eight colours (`gan_jax.data.degrade.clusters`).
"""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import optax

from gan_jax import presets
from gan_jax.config.options import option, replace
from gan_jax.config.parts import ClusterConfig, RunConfig
from gan_jax.config.setup import over_devices
from gan_jax.config.translation import MapsConfig, loaded, with_pairs
from gan_jax.data import DataSpec
from gan_jax.data.degrade import PALETTE
from gan_jax.data.label_maps import count_labels
from gan_jax.evaluation import features, perceptual
from gan_jax.games import GAMES
from gan_jax.networks import spade as networks
from gan_jax.networks.patchgan import MultiScale
from gan_jax.precision import DTYPES
from gan_jax.recipes import spade
from gan_jax.recipes.contract import Recipe
from gan_jax.recipes.translation import Jitter
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
    run: RunConfig = RunConfig(steps=1500, batch_size=8)
    data: MapsConfig = MapsConfig()
    game: str = option("hinge", "What D and G play for.", choices=GAMES)
    features: float = option(10.0, "Weight of the distance between D's maps of real and of fake images.", low=0)
    perceptual: float = option(10.0, "Weight of a distance between maps of a network that knows emoji.", low=0)
    kl: float = option(0.05, "Weight of the encoder's divergence.", low=0)
    encoder: bool = option(True, "Whether there is an encoder, which gives a style; without it styles are drawn alone.")
    style_size: int = option(64, "Length of a style; 256 as published.", low=1)
    d_lr: float = option(4e-4, "Adam's rate, D's.", low=0)
    g_lr: float = option(1e-4, "Adam's, G's and the encoder's.", low=0)
    beta1: float = option(0.0, "Adam's β1.", low=0, high=1)
    beta2: float = option(0.9, "Adam's β2.", low=0, high=1)
    width: int = option(8, "Channels of the largest maps of all networks; 64 as published.", low=1)
    scales: int = option(2, "PatchGANs, of images ever half as large.", low=1)
    patch_layers: int = option(2, "Of each, that halve; 3 as published.", low=1)
    ema: float = option(
        0.99, "Decay of a moving average of G's weights that translates; 0: G itself.", low=0, high=0.999999
    )
    dtype: str = option("float32", "What the networks compute in, in training.", choices=DTYPES)
    cluster: ClusterConfig = ClusterConfig()


PRESETS["published"] = replace(Config(), **presets.PUBLISHED_SPADE)


def complete(config: Config, data: Data) -> Config:
    """The configuration with the number of labels: of clusters, or else that of the maps to train on."""
    of_maps = lambda: count_labels(data.source) if config.data.dataset.startswith("maps:") else len(PALETTE)
    count = config.data.num_labels or of_maps()
    return replace(config, num_labels=count)


def make(config: Config, spec: DataSpec) -> Recipe:
    """A generator, an encoder of styles, and PatchGANs."""
    if "labels" not in spec.example:
        raise ValueError(f"degrade={config.data.degrade}: gives no label maps; clusters does")
    *sides, channels = spec.example["target"].shape
    adam = partial(optax.adam, b1=config.beta1, b2=config.beta2)
    look = features.for_any_images(spec.example["target"].shape)
    costs = {"perceptual_distance": (config.perceptual, perceptual.cost(look))} if config.perceptual else {}
    setup = spade.Setup(
        networks.Generator(channels, config.width, AXIS),
        networks.Encoder(config.style_size, config.width) if config.encoder else None,
        MultiScale(config.scales, config.patch_layers, config.width),
        over_devices(GAMES[config.game]),
        adam(config.g_lr),
        adam(config.d_lr),
        classes=config.data.num_labels,
        style_size=config.style_size,
        features=config.features,
        kl=config.kl,
        costs=costs,
        jitter=Jitter(loaded(config.data, sides), config.data.mirror),
        ema=config.ema,
        dtype=DTYPES[config.dtype],
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
