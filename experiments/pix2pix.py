"""pix2pix (Isola et al. 2017, arXiv:1611.07004): images become others, as pairs show it; a conditional GAN beside an L1 distance.

python -m experiments.pix2pix                                          # two photographs from maps of their colours, no download
python -m experiments.pix2pix --dataset=aligned:facades --direction=b_to_a --image_size=256 --preset=published
python -m gan_jax evaluate --workdir=RUN                               # beside baselines, over pairs that were not learnt
python -m gan_jax translate --workdir=RUN my_drawing.png --out=translated
"""

from dataclasses import dataclass
from typing import ClassVar

from gan_jax import presets
from gan_jax.config.options import option, replace
from gan_jax.config.parts import ClusterConfig, RunConfig
from gan_jax.config.setup import over_devices
from gan_jax.config.translation import PairedDataConfig, TranslationConfig, loaded, optimizers, with_pairs
from gan_jax.data import DataSpec
from gan_jax.games import GAMES
from gan_jax.networks.patchgan import NORMS, PatchGAN
from gan_jax.networks.unet import UNet, halvings_of
from gan_jax.precision import DTYPES
from gan_jax.recipes import translation
from gan_jax.recipes.contract import Recipe
from gan_jax.recipes.jitter import Jitter
from gan_jax.recipes.translation import Setup
from gan_jax.runs.launch import experiment
from gan_jax.runs.paired import load_pairs
from gan_jax.training.parallel import AXIS

PRESETS: dict[str, "Config"] = {}


@dataclass(frozen=True)
class Config:
    """All that can be chosen."""

    GROUP: ClassVar[str] = "pix2pix"
    preset: str | None = option(None, "Other defaults: published, the paper's for 256 pixels.", choices=PRESETS)
    run: RunConfig = RunConfig(steps=2500, batch_size=8)
    data: PairedDataConfig = PairedDataConfig()
    game: str = option("non_saturating", "What D and G play for.", choices=GAMES)
    translation: TranslationConfig = TranslationConfig(ema=0.999)
    width: int = option(24, "Channels of the largest maps of both networks; 64 as published.", low=1)
    halvings: int | None = option(None, "How often G's maps halve; by default until a side is odd or 1.", low=1)
    norm: str = option("batch", "Normalisation in both networks.", choices=NORMS)
    dropout: float = option(0.5, "Rate of G's dropout, its only noise.", low=0, high=0.99)
    patch_layers: int = option(
        2, "Of D, that halve: it scores patches of 16, 34, 70, ... pixels; 0: pixels; 3 as published.", low=0
    )
    conditional: bool = option(True, "Whether D sees what an image was made of.")
    noisy: bool = option(
        False,
        "Whether translate and evaluate, unless told otherwise, keep dropout and use an image's own statistics, as published.",
    )
    cluster: ClusterConfig = ClusterConfig()


PRESETS["published"] = replace(Config(), **presets.PUBLISHED_PIX2PIX)


def resolve(config: Config) -> Config:
    """The configuration with what makes pairs of images: of the default's a map of colours, of others their edges."""
    return with_pairs(config, usual="clusters" if config.data.dataset == PairedDataConfig.dataset else "edges")


def make(config: Config, spec: DataSpec) -> Recipe:
    """A U-Net that draws, and a D that scores patches."""
    own, (height, width, channels) = config.translation, spec.example["target"].shape
    halvings = config.halvings or halvings_of((height, width))
    setup = Setup(
        UNet(channels, halvings, config.width, config.norm, config.dropout, AXIS),
        PatchGAN(config.patch_layers, config.width, config.norm, AXIS),
        over_devices(GAMES[config.game]),
        *optimizers(own),
        costs={"l1_distance": (own.l1, translation.l1)},
        conditional=config.conditional,
        jitter=Jitter(loaded(config.data, (height, width)), config.data.mirror),
        multiple=2**halvings,
        noisy=config.noisy,
        ema=own.ema,
        dtype=DTYPES[own.dtype],
        axis_name=AXIS,
    )
    return translation.make(setup, name=config.data.direction)


main = experiment("pix2pix", Config, make, presets=PRESETS, resolve=resolve, load=load_pairs)

if __name__ == "__main__":
    main()
