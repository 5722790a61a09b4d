"""Progressive GAN (Karras et al. 2018, arXiv:1710.10196): networks that grow while the images become larger.

python -m experiments.progressive                        # digits, 4×4 to 16×16, no download
python -m experiments.progressive --dataset=mnist        # 7×7 to 28×28
python -m experiments.progressive --preset=published     # as in the paper; the default is small, and the best we know

Digits, the default: 12,500 rounds in 3 min on 2 CPU cores with tests beside; frechet_distance[digits-cnn,898] 0.91, precision 0.66,
recall 0.94.
"""

from dataclasses import dataclass
from typing import ClassVar

from gan_jax import presets, terms
from gan_jax.config.gan import AugmentationConfig, GanConfig, LatentConfig, require_packs, resolve
from gan_jax.config.options import option, replace
from gan_jax.config.parts import ClusterConfig, DataConfig, EvaluationConfig, RunConfig
from gan_jax.config.setup import setup_fields
from gan_jax.data import DataSpec, example_batch
from gan_jax.networks import progressive as networks
from gan_jax.recipes import gan, progressive
from gan_jax.recipes.contract import Phase
from gan_jax.recipes.progressive import Schedule
from gan_jax.runs.data import Data
from gan_jax.runs.launch import experiment
from gan_jax.training.parallel import AXIS

PRESETS: dict[str, "Config"] = {}


@dataclass(frozen=True)
class Config:
    """All that can be chosen."""

    GROUP: ClassVar[str] = "progressive"
    preset: str | None = option(None, "Other defaults: published, the paper's.", choices=PRESETS)
    run: RunConfig = RunConfig(steps=None, batch_size=16)
    data: DataConfig = DataConfig()
    stable_images: int = option(40000, "Real images over which each level stabilises.", low=1)
    fade_images: int = option(40000, "Real images over which each level but the first fades in.", low=1)
    batch_sizes: tuple[int, ...] | None = option(
        None, "Of each level, the smallest images' first; by default batch_size.", low=1
    )
    base: int = option(128, "Channels at 1×1, halved at each doubling; 8192 as published.", low=2)
    most: int = option(64, "Channels, at most; 512 as published.", low=1)
    drift: float = option(0.0, "Weight of E D(x)², which keeps scores near 0; 0.001 as published.", low=0)
    reset_optimizer: bool = option(True, "Whether the optimizers start anew at each level.")
    gan: GanConfig = GanConfig(game="non_saturating_r1")
    players: LatentConfig = LatentConfig(latent_size=128)
    augmentation: AugmentationConfig = AugmentationConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    cluster: ClusterConfig = ClusterConfig()


PRESETS["published"] = replace(Config(), **presets.PUBLISHED_PROGRESSIVE)


def complete(config: Config, data: Data) -> Config:
    """The configuration with the batch sizes of all levels, and as many rounds as all take. Raises ValueError."""
    levels = len(networks.sides(data.spec.image_shape[:2]))
    sizes = config.batch_sizes or (config.run.batch_size,)
    sizes = sizes * levels if len(sizes) == 1 else sizes
    if len(sizes) != levels:
        raise ValueError(f"batch_sizes={','.join(map(str, sizes))}: one for each of {levels} levels")
    pack = config.augmentation.pack
    for size in sizes:
        require_packs(pack, size)
        if (seen := size // pack) > networks.GROUP and seen % networks.GROUP:
            raise ValueError(f"batch size {size} (pack={pack}): D compares its images in groups of {networks.GROUP}")
    if not networks.channels(levels - 1, config.base, config.most):
        raise ValueError(f"base={config.base}: leaves {levels} levels no channels; at least {2**levels}")
    if config.gan.clip:
        raise ValueError(
            f"clip={config.gan.clip:g}: these networks scale their weights, which are not to be clipped; choose another game"
        )
    counted = {"lr_decay": "none", "critic_warmup": 0}
    for name, without in counted.items():
        if config.reset_optimizer and (value := getattr(config.gan, name)) != without:
            raise ValueError(
                f"{name}={value}: optimizers, which count its rounds, start anew at each level; --reset_optimizer=false"
            )
    config = replace(config, batch_sizes=sizes)
    return resolve(replace(config, steps=config.run.steps or schedule_of(config).start(levels)))


def schedule_of(config: Config) -> Schedule:
    """How long levels take."""
    return Schedule(config.stable_images, config.fade_images, config.batch_sizes, config.gan.n_critic)


def make(config: Config, spec: DataSpec) -> list[Phase]:
    """A phase for each level, all of one game."""
    sides, shape = networks.sides(spec.image_shape[:2]), dict(base=config.base, most=config.most)
    fields = setup_fields(config)
    fields["d_terms"] = fields["d_terms"] | ({"drift": terms.drift(config.drift)} if config.drift else {})
    setups = [
        gan.Setup(
            networks.Generator(sides[0], level, spec.image_shape[-1], **shape),
            networks.Discriminator(level, axis_name=AXIS, **shape),
            **fields,
        )
        for level in range(len(sides))
    ]
    example = example_batch(spec.example)
    return progressive.make(setups, schedule_of(config), example, fresh=config.reset_optimizer)


main = experiment("progressive", Config, make, presets=PRESETS, resolve=resolve, complete=complete)

if __name__ == "__main__":
    main()
