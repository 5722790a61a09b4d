"""SAGAN (Zhang et al. 2019, arXiv:1805.08318): self-attention, spectral normalisation of both players, the hinge game.

python -m experiments.sagan                                   # digits, class by class, no download
python -m experiments.sagan --dataset=mnist                   # drawn in 32×32, attention over maps of 16×16
python -m experiments.sagan --preset=published                # as in the paper, for images of 128 pixels
"""

from dataclasses import dataclass
from typing import ClassVar

from gan_jax import presets
from gan_jax.config.gan import AdaptiveAugmentationConfig, GanConfig, resolve
from gan_jax.config.options import option, replace
from gan_jax.config.parts import ClusterConfig, DataConfig, EvaluationConfig, RunConfig
from gan_jax.config.residual import ResidualConfig, networks_of
from gan_jax.config.setup import adaptation, setup_fields
from gan_jax.data import DataSpec
from gan_jax.recipes import adaptive, gan
from gan_jax.recipes.conditions import of_classes
from gan_jax.recipes.contract import Recipe
from gan_jax.runs.data import load_conditional
from gan_jax.runs.launch import experiment

PRESETS: dict[str, "Config"] = {}


@dataclass(frozen=True)
class Config:
    """All that can be chosen."""

    GROUP: ClassVar[str] = "sagan"
    preset: str | None = option(None, "Other defaults: published, the paper's.", choices=PRESETS)
    run: RunConfig = RunConfig(steps=4000)
    data: DataConfig = DataConfig()
    gan: GanConfig = GanConfig(game="hinge", d_lr=8e-4, g_lr=2e-4, beta1=0.0, beta2=0.9)
    players: ResidualConfig = ResidualConfig(latent_size=128)
    augmentation: AdaptiveAugmentationConfig = AdaptiveAugmentationConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    cluster: ClusterConfig = ClusterConfig()


PRESETS["published"] = replace(Config(), **presets.PUBLISHED_SAGAN)


def make(config: Config, spec: DataSpec) -> Recipe:
    """A class-conditional GAN, whose latent enters at the beginning alone; without classes an unconditional one."""
    networks = networks_of(config.players, spec, shared=0, hierarchical=False)
    condition, draw = of_classes(spec.class_counts)
    setup = gan.Setup(*networks, condition=condition, **setup_fields(config))
    return adaptive.make(setup, adaptation(config), draw)


main = experiment("sagan", Config, make, resolve=resolve, presets=PRESETS, load=load_conditional)

if __name__ == "__main__":
    main()
