"""StyleGAN2 (Karras et al. 2020, arXiv:1912.04958): styles in place of a latent, path lengths; with ADA (arXiv:2006.06676).

python -m experiments.stylegan                                         # digits, no download
python -m experiments.stylegan --dataset=folder:PATH --image_size=32 --ada_target=0.6    # few images of your own
python -m gan_jax sample --workdir=RUN --truncation=0.7                # or --style_mixing; interpolate --space=w; latent --space=w+
python -m experiments.stylegan --preset=published --dataset=folder:PATH --image_size=1024   # or paper256, cifar
"""

from dataclasses import dataclass
from typing import ClassVar

import jax
import optax

from gan_jax import presets
from gan_jax.config.gan import AdaConfig, require_signed
from gan_jax.config.options import option, replace
from gan_jax.config.parts import ClusterConfig, DataConfig, EvaluationConfig, RunConfig
from gan_jax.config.setup import adaptation, over_devices
from gan_jax.data import DataSpec
from gan_jax.games import GAMES
from gan_jax.networks import stylegan as networks
from gan_jax.recipes import gan, stylegan
from gan_jax.recipes.conditions import of_classes
from gan_jax.recipes.contract import Recipe
from gan_jax.runs.data import load_conditional
from gan_jax.runs.launch import experiment
from gan_jax.training.parallel import AXIS

PRESETS: dict[str, "Config"] = {}


@dataclass(frozen=True)
class Config:
    """All that can be chosen."""

    GROUP: ClassVar[str] = "stylegan"
    preset: str | None = option(
        None, "Other defaults: published, StyleGAN2's for 1024 pixels; ADA's paper256 and cifar.", choices=PRESETS
    )
    run: RunConfig = RunConfig(steps=10000, batch_size=32)
    data: DataConfig = DataConfig()
    game: str = option("non_saturating", "What D and G play for.", choices=GAMES)
    r1: float = option(1.0, "γ, the weight of R1; 0: none.", low=0)
    r1_every: int = option(16, "Lazily: rounds from one step with R1 to the next.", low=1)
    path: float = option(2.0, "Weight of path lengths; 0: none.", low=0)
    path_every: int = option(4, "Lazily: rounds from one step with path lengths to the next.", low=1)
    path_shrink: int = option(2, "Path lengths are of a batch divided by this.", low=1)
    lr: float = option(0.002, "Adam's rate, of both players, lowered for lazy steps; β are 0 and 0.99.", low=0)
    ema_images: float = option(1e4, "Images over which the moving average of G halves; 0 samples G itself.", low=0)
    ema_ramp: float = option(
        0.05, "At first that average halves over this part of the images seen so far; 0: from the first on.", low=0
    )
    mixing: float = option(0.9, "Probability that an example's layers from one on have another style.", low=0, high=1)
    channel_base: int = option(256, "Channels of maps are this / their side; 32768 as published.", low=1)
    channel_max: int = option(64, "At most so many; 512 as published.", low=1)
    latent_size: int = option(64, "Length of the latent and of w; 512 as published.", low=1)
    mapping_layers: int = option(2, "Of the mapping from latents to w; 8 as published.", low=1)
    residual: bool = option(True, "Whether D is residual.")
    stddev_group: int = option(4, "How many images D compares with each other.", low=1)
    bf16_resolutions: int = option(0, "How many of the highest resolutions are computed in bfloat16.", low=0)
    conditional: bool = option(False, "Whether the networks are given the class, where there are classes.")
    augmentation: AdaConfig = AdaConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    cluster: ClusterConfig = ClusterConfig()


PRESETS["published"] = replace(Config(), **presets.PUBLISHED_STYLEGAN2)
PRESETS["paper256"] = replace(PRESETS["published"], **presets.PUBLISHED_STYLEGAN2_256)
PRESETS["cifar"] = replace(PRESETS["published"], **presets.PUBLISHED_STYLEGAN2_CIFAR)


def resolve(config: Config) -> Config:
    """The configuration, as it is. Raises ValueError for what cannot be combined."""
    require_signed(config.game, config.augmentation.ada_target)
    size, group = config.run.batch_size, config.stddev_group
    if size % min(group, size):
        raise ValueError(f"stddev_group={group}: does not divide batch_size={size}")
    devices = jax.device_count()
    if config.path and size % devices == 0 and size // devices % config.path_shrink:
        raise ValueError(
            f"path_shrink={config.path_shrink}: does not divide the {size // devices} examples of a device"
        )
    return config


def make(config: Config, spec: DataSpec) -> Recipe:
    """A round is one step of each player, and now and then one more that regularises it."""
    common = dict(base=config.channel_base, most=config.channel_max, bf16=config.bf16_resolutions, axis_name=AXIS)
    common |= dict(num_classes=len(spec.class_counts))
    generator = networks.Generator(
        spec.image_shape, config.latent_size, config.mapping_layers, mixing=config.mixing, **common
    )
    discriminator = networks.Discriminator(residual=config.residual, group=config.stddev_group, **common)
    adam = lambda every: optax.adam(b1=0.0, **stylegan.lazily(config.lr, 0.99, every))
    condition, draw = of_classes(spec.class_counts)
    setup = gan.Setup(
        generator,
        discriminator,
        over_devices(GAMES[config.game]),
        adam(config.path_every),
        adam(config.r1_every),
        latent_size=config.latent_size,
        condition=condition,
        ema=stylegan.ema_decay(config.run.batch_size, config.ema_images, config.ema_ramp) if config.ema_images else 0.0,
        axis_name=AXIS,
    )
    regularisation = stylegan.Regularisation(
        config.r1, config.r1_every, config.path, config.path_every, config.path_shrink
    )
    return stylegan.make(setup, regularisation, adaptation(config), draw)


main = experiment("stylegan", Config, make, resolve=resolve, presets=PRESETS, load=load_conditional)

if __name__ == "__main__":
    main()
