"""DCGAN (Radford, Metz & Chintala 2016, arXiv:1511.06434) and every game on its networks, or on dense ones.

python -m experiments.dcgan                                         # digits, no download
python -m experiments.dcgan --dataset=mnist --game=wasserstein_gp
python -m experiments.dcgan --dataset=folder:PATH --preset=few_images    # some hundred images of your own, 64 pixels
python -m experiments.dcgan --network=mlp --hidden=500,500
python -m experiments.dcgan --preset=published                      # as in the paper; the default is the best we know

Digits, the default: 6,000 rounds in 88 s on 2 CPU cores; frechet_distance[digits-cnn,898] 0.20 ± 0.03, real images 0.37.
"""

from dataclasses import dataclass
from typing import ClassVar

from gan_jax import presets
from gan_jax.config.gan import (
    AdaptiveAugmentationConfig,
    ArchitectureConfig,
    GanConfig,
    PlayersConfig,
    with_network_defaults,
)
from gan_jax.config.options import option, replace
from gan_jax.config.parts import ClusterConfig, DataConfig, EvaluationConfig, RunConfig
from gan_jax.config.setup import adaptation, make_networks, setup_fields
from gan_jax.data import DataSpec
from gan_jax.recipes import adaptive, gan
from gan_jax.recipes.contract import Recipe
from gan_jax.runs.launch import experiment

PRESETS: dict[str, "Config"] = {}


@dataclass(frozen=True)
class Config:
    """All that can be chosen."""

    GROUP: ClassVar[str] = "dcgan"
    preset: str | None = option(
        None,
        "Other defaults: published, the paper's; few_images, for some hundred pictures of your own.",
        choices=PRESETS,
    )
    run: RunConfig = RunConfig(steps=6000)
    data: DataConfig = DataConfig()
    gan: GanConfig = GanConfig(game="non_saturating_r1")
    architecture: ArchitectureConfig = ArchitectureConfig(depth=1, weight_std=0.05, weight_bound=True)
    players: PlayersConfig = PlayersConfig(minibatch="stddev")
    augmentation: AdaptiveAugmentationConfig = AdaptiveAugmentationConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    cluster: ClusterConfig = ClusterConfig()


PRESETS["published"] = replace(Config(), **presets.PUBLISHED_DCGAN)
PRESETS["few_images"] = replace(Config(), **presets.FEW_IMAGES)


def make(config: Config, spec: DataSpec) -> Recipe:
    """The game of a generator that draws images from noise, and a discriminator that tells them from real ones."""
    generator, discriminator = make_networks(config, spec.image_shape)
    return adaptive.make(gan.Setup(generator, discriminator, **setup_fields(config)), adaptation(config))


main = experiment("dcgan", Config, make, resolve=with_network_defaults, presets=PRESETS)

if __name__ == "__main__":
    main()
