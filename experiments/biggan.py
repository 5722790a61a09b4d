"""BigGAN (Brock et al. 2019, arXiv:1809.11096): large, class-conditional, each block given the class and a part of the latent.

python -m experiments.biggan                                  # digits, no download
python -m experiments.biggan --dataset=mnist --deep            # BigGAN-deep
python -m gan_jax sample --workdir=RUN --label=0..9 --truncation=0.5 --standing_batches=16
python -m experiments.biggan --preset=published               # as in the paper, for images of 128 pixels; or published_deep
"""

from dataclasses import dataclass
from typing import ClassVar

import optax

from gan_jax import presets
from gan_jax.config.gan import AdaptiveAugmentationConfig, GanConfig, resolve
from gan_jax.config.options import option, replace
from gan_jax.config.parts import ClusterConfig, DataConfig, EvaluationConfig, RunConfig
from gan_jax.config.residual import ResidualConfig, networks_of
from gan_jax.config.setup import adaptation, setup_fields
from gan_jax.data import DataSpec
from gan_jax.networks import biggan, biggan_deep
from gan_jax.recipes import adaptive, gan
from gan_jax.recipes.conditions import of_classes
from gan_jax.recipes.contract import Recipe
from gan_jax.runs.data import load_conditional
from gan_jax.runs.launch import experiment
from gan_jax.training.optimizers import orthogonal_regularization

PRESETS: dict[str, "Config"] = {}
EMBEDDINGS = ("shared",)  # of classes, which are not to be orthogonal to one another


@dataclass(frozen=True)
class Config:
    """All that can be chosen."""

    GROUP: ClassVar[str] = "biggan"
    preset: str | None = option(
        None, "Other defaults: published, the paper's; published_deep, BigGAN-deep's.", choices=PRESETS
    )
    run: RunConfig = RunConfig(steps=4000)
    data: DataConfig = DataConfig()
    deep: bool = option(False, "BigGAN-deep's networks: bottlenecks, and the whole latent for each block.")
    shared: int = option(
        32, "Length of the vector of each class that all of G's blocks share; 128 as published.", low=1
    )
    orthogonal: float = option(1e-4, "Weight of G's orthogonal regularization; 0: none.", low=0)
    gan: GanConfig = GanConfig(game="hinge", d_lr=8e-4, g_lr=2e-4, beta1=0.0, beta2=0.999)
    players: ResidualConfig = ResidualConfig(latent_size=120)
    augmentation: AdaptiveAugmentationConfig = AdaptiveAugmentationConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    cluster: ClusterConfig = ClusterConfig()


PRESETS["published"] = replace(Config(), **presets.PUBLISHED_BIGGAN)
PRESETS["published_deep"] = replace(PRESETS["published"], **presets.PUBLISHED_BIGGAN_DEEP)


def make(config: Config, spec: DataSpec) -> Recipe:
    """A class-conditional GAN; without classes an unconditional one."""
    fields = setup_fields(config)
    if config.deep:
        networks = networks_of(config.players, spec, biggan_deep, shared=config.shared)
    else:
        networks = networks_of(config.players, spec, shared=config.shared, hierarchical=True)
        fields["latent_size"] = biggan.latent_size(spec.image_shape[:2], config.players.latent_size)
    if config.orthogonal:
        pull = orthogonal_regularization(config.orthogonal, skip=EMBEDDINGS)
        fields["g_optimizer"] = optax.chain(pull, fields["g_optimizer"])
    condition, draw = of_classes(spec.class_counts)
    return adaptive.make(gan.Setup(*networks, condition=condition, **fields), adaptation(config), draw)


main = experiment("biggan", Config, make, resolve=resolve, presets=PRESETS, load=load_conditional)

if __name__ == "__main__":
    main()
