"""R3GAN (Huang et al. 2024, arXiv:2501.05441): a relativistic game, R1 and R2, and residual networks without tricks.

python -m experiments.r3gan                                    # digits, no download
python -m experiments.r3gan --dataset=stacked_mnist            # 1,000 modes; evaluate --num_samples=26000 counts them
python -m experiments.r3gan --game=non_saturating              # the paper's ablation: the plain GAN, with both penalties
python -m experiments.r3gan --preset=published --dataset=cifar10
"""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import optax

from gan_jax import ada, augment, presets
from gan_jax.config.options import option, replace
from gan_jax.config.parts import ClusterConfig, DataConfig, EvaluationConfig, RunConfig
from gan_jax.config.setup import over_devices, penalty_terms
from gan_jax.data import DataSpec
from gan_jax.games import GAMES
from gan_jax.networks import r3gan as networks
from gan_jax.penalties import PENALTIES
from gan_jax.precision import DTYPES
from gan_jax.recipes import gan
from gan_jax.recipes.conditions import of_classes
from gan_jax.recipes.contract import Recipe
from gan_jax.runs.data import load_conditional
from gan_jax.runs.launch import experiment
from gan_jax.training.optimizers import cosine
from gan_jax.training.parallel import AXIS

PRESETS: dict[str, "Config"] = {}


@dataclass(frozen=True)
class Config:
    """All that can be chosen."""

    GROUP: ClassVar[str] = "r3gan"
    preset: str | None = option(None, "Other defaults: published, the paper's for CIFAR-10.", choices=PRESETS)
    run: RunConfig = RunConfig(steps=2000)
    data: DataConfig = DataConfig()
    game: str = option("relativistic", "What D and G play for.", choices=GAMES)
    penalty: tuple[str, ...] = option(("r1", "r2"), "Added to D's loss, each γ times.", choices=PENALTIES)
    gamma: float = option(0.1, "γ, the penalties' weight, as it begins.", low=0)
    gamma_end: float = option(0.1, "γ as it ends.", low=0)
    lr: float = option(1e-3, "Adam's rate, of both players, as it begins.", low=0)
    lr_end: float = option(1e-3, "Adam's rate as it ends.", low=0)
    beta2: float = option(0.9, "Adam's β2 as it begins; β1 is 0.", low=0, high=1)
    beta2_end: float = option(0.99, "Adam's β2 as it ends.", low=0, high=1)
    ema_images: float = option(
        2e4, "Images over which the moving average of G halves: rises from 0 to this; 0 samples G itself.", low=0
    )
    augment_p: float = option(
        0.0, "Probability of each of ADA's augmentations, half of it of colours: rises from 0 to this.", low=0, high=1
    )
    schedule_images: float = option(1e5, "Real images over which all these change, by a cosine.", low=1)
    width: int = option(32, "Channels of maps of up to 32×32; 768 as published.", low=1)
    blocks: int = option(1, "Residual blocks at each resolution; 2 as published.", low=1)
    group: int = option(16, "Channels that a 3×3 convolution sees together.", low=1)
    latent_size: int = option(64, "Length of the latent.", low=1)
    conditional: bool = option(False, "Whether the networks are given the class, where there are classes.")
    dtype: str = option("float32", "What the networks compute in, in training.", choices=DTYPES)
    evaluation: EvaluationConfig = EvaluationConfig()
    cluster: ClusterConfig = ClusterConfig()


PRESETS["published"] = replace(Config(blocks=2), **presets.PUBLISHED_R3GAN)


def make(config: Config, spec: DataSpec) -> Recipe:
    """A round is one step of each player. All that changes does so by the real images shown."""
    over = partial(cosine, steps=max(1, int(config.schedule_images / config.run.batch_size)))
    gamma = over(config.gamma, config.gamma_end)
    rates = dict(learning_rate=over(config.lr, config.lr_end), b2=over(config.beta2, config.beta2_end))
    adam = optax.inject_hyperparams(optax.adam)(b1=0.0, **rates)
    changes = partial(ada.pipe, colours=0.5, cutout=1.0)  # as in the authors' code
    half_life = over(0.0, config.ema_images)
    shape = dict(width=config.width, blocks=config.blocks, group=config.group, num_classes=len(spec.class_counts))
    condition, draw = of_classes(spec.class_counts)
    setup = gan.Setup(
        networks.Generator(spec.image_shape, **shape),
        networks.Discriminator(**shape),
        over_devices(GAMES[config.game]),
        adam,
        adam,
        latent_size=config.latent_size,
        condition=condition,
        d_terms=penalty_terms(dict.fromkeys(config.penalty, gamma)),
        augment=changes(over(0.0, config.augment_p)) if config.augment_p else augment.identity,
        ema=(lambda step: 0.5 ** (config.run.batch_size / (half_life(step) + 1e-8))) if config.ema_images else 0.0,
        dtype=DTYPES[config.dtype],
        axis_name=AXIS,
    )
    recipe = gan.make(setup, draw)
    return recipe._replace(augment=changes(config.augment_p) if config.augment_p else augment.identity)


main = experiment("r3gan", Config, make, presets=PRESETS, load=load_conditional)

if __name__ == "__main__":
    main()
