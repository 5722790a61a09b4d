"""CycleGAN (Zhu et al. 2017, arXiv:1703.10593): two kinds of images become each other, and no pair shows how.

python -m experiments.cyclegan                                             # handwritten digits and printed ones, no download
python -m experiments.cyclegan --dataset=unaligned:horse2zebra --image_size=256 --preset=published
python -m experiments.cyclegan --task_loss                                 # CyCADA: what they show is to stay
python -m gan_jax evaluate --workdir=RUN                                   # does what they show stay? Are they of the other kind?
python -m gan_jax translate --workdir=RUN --translator=b_to_a my_zebra.jpg --out=translated

Seed 0 on 2 CPU cores: the default 2 min 30 s, 61.6 % of digits stay what they are; with --task_loss 4 min 11 s, 94.4 %.
"""

from dataclasses import dataclass
from typing import ClassVar

from gan_jax import presets
from gan_jax.config.options import option, replace
from gan_jax.config.parts import ClusterConfig, RunConfig
from gan_jax.config.setup import over_devices
from gan_jax.config.translation import loaded, optimizers
from gan_jax.config.unpaired import AugmentedConfig, CycleConfig, DomainsConfig, TaskConfig, with_decay
from gan_jax.data import DataSpec
from gan_jax.games import GAMES
from gan_jax.networks import translators
from gan_jax.networks.latent import LatentDiscriminator, PairEncoder
from gan_jax.networks.patchgan import NORMS, PatchGAN
from gan_jax.precision import DTYPES
from gan_jax.recipes import augmented_cyclegan, cyclegan
from gan_jax.recipes.augmented_cyclegan import ENCODER, LATENT_DISCRIMINATOR
from gan_jax.recipes.contract import Recipe
from gan_jax.recipes.cyclegan import DISCRIMINATOR, GENERATOR, OTHER, Setup
from gan_jax.recipes.jitter import Jitter
from gan_jax.runs import adaptation
from gan_jax.runs.launch import experiment
from gan_jax.runs.unpaired import complete, load_domains
from gan_jax.training.parallel import AXIS

PRESETS: dict[str, "Config"] = {}


@dataclass(frozen=True)
class Config:
    """All that can be chosen."""

    GROUP: ClassVar[str] = "cyclegan"
    preset: str | None = option(None, "Other defaults: published, the paper's for 256 pixels.", choices=PRESETS)
    run: RunConfig = RunConfig(steps=12_000, batch_size=16, sample_every=1000)
    data: DomainsConfig = DomainsConfig()
    game: str = option("least_squares", "What D and G play for.", choices=GAMES)
    learning: CycleConfig = CycleConfig(ema=0.999)
    augmented: AugmentedConfig = AugmentedConfig()
    task: TaskConfig = TaskConfig()
    network: str = option("unet", "The generators'; resnet as published.", choices=translators.NETWORKS)
    width: int = option(24, "Channels of the largest maps of all networks; 64 as published.", low=1)
    blocks: int = option(3, "resnet: residual blocks; 9 as published for 256 pixels, 6 for 128.", low=1)
    norm: str = option("instance", "Normalisation in all networks.", choices=NORMS)
    first_norm: bool = option(
        False,
        "resnet: also in its first layer, as published; with instance norms it does not see then how bright all of it is.",
    )
    patch_layers: int = option(
        2, "Of D, that halve: it scores patches of 16, 34, 70, ... pixels; 3 as published.", low=0
    )
    cluster: ClusterConfig = ClusterConfig()


PRESETS["published"] = replace(Config(), **presets.PUBLISHED_CYCLEGAN)


def make(config: Config, spec: DataSpec) -> Recipe:
    """A generator each way, and a D for each domain."""
    own, shapes = config.learning, {domain: spec.example[domain]["image"].shape for domain in OTHER}
    g_optimizer, d_optimizer = optimizers(own)
    kind = dict(
        width=config.width, blocks=config.blocks, norm=config.norm, first_norm=config.first_norm, axis_name=AXIS
    )
    generators, multiple = translators.make(config.network, shapes, **kind)
    setup = Setup(
        {GENERATOR[domain]: generators[domain] for domain in OTHER},
        {DISCRIMINATOR[domain]: PatchGAN(config.patch_layers, config.width, config.norm, AXIS) for domain in OTHER},
        over_devices(GAMES[config.game]),
        g_optimizer,
        d_optimizer,
        game_weight=own.game_weight,
        cycle=own.cycle,
        identity=own.identity,
        task=adaptation.task_of(config, spec),
        pool=own.pool,
        jitter=Jitter(loaded(config.data, shapes["a"][:2]), config.data.mirror),
        multiple=multiple,
        ema=own.ema,
        dtype=DTYPES[own.dtype],
        axis_name=AXIS,
    )
    if not config.augmented.augmented:
        return cyclegan.make(setup)
    latents = config.augmented
    sizes = {"a": latents.latent_size_a, "b": latents.latent_size_b}
    encoders = {ENCODER[domain]: PairEncoder(sizes[domain], config.width) for domain in OTHER}
    judges = {name: LatentDiscriminator() for name in LATENT_DISCRIMINATOR.values()}
    fields = (sizes, optimizers(replace(own, d_lr=latents.latent_lr))[1], latents.latent_cycle, latents.latent_weight)
    return augmented_cyclegan.make(augmented_cyclegan.Setup(setup, encoders, judges, *fields))


main = experiment(
    "cyclegan",
    Config,
    make,
    presets=PRESETS,
    resolve=with_decay,
    load=load_domains,
    complete=complete,
    train=adaptation.train,
)

if __name__ == "__main__":
    main()
