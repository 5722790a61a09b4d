"""Restoration: small, torn, gray or noisy images become what they were, or might have been; first by a distance, then by a GAN.

python -m experiments.restore --task=superres     # SRGAN (Ledig et al. 2017), ESRGAN (Wang et al. 2018)
python -m experiments.restore --task=inpaint      # context encoders (Pathak et al. 2016), partial convolutions (Liu et al. 2018)
python -m experiments.restore --task=colorize     # a and b of CIELAB from L, by NoGAN's schedule (Antic 2019, DeOldify)
python -m experiments.restore --task=denoise      # a residual, as in DnCNN (Zhang et al. 2017)
python -m gan_jax translate --workdir=RUN my_photo.jpg

Two photographs, no download; --dataset=folder:PATH takes your own; --game=none leaves it at the distance.
"""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from gan_jax.config.options import flat, option, replace
from gan_jax.config.parts import ClusterConfig, RunConfig
from gan_jax.config.setup import over_devices
from gan_jax.config.translation import PairedDataConfig, RestorationConfig, loaded, optimizers, with_pairs
from gan_jax.data import DataSpec
from gan_jax.evaluation import features, perceptual
from gan_jax.games import GAMES
from gan_jax.networks import restorers
from gan_jax.networks.patchgan import NORMS, PatchGAN
from gan_jax.precision import DTYPES
from gan_jax.recipes import translation
from gan_jax.recipes.contract import Phase, Recipe
from gan_jax.recipes.jitter import Jitter
from gan_jax.recipes.translation import DISCRIMINATOR, GENERATOR, Setup
from gan_jax.runs.launch import experiment
from gan_jax.runs.paired import load_pairs
from gan_jax.training.parallel import AXIS

# What each task brings, unless a flag says otherwise. Adam's β1 of super-resolution is Ledig et al.'s (section 3.2).
USUAL = dict(network="unet", game="non_saturating", perceptual=0.0, beta1=0.5)
TASKS: dict[str, dict[str, object]] = {
    "superres": dict(
        degrade="downscale:2", network="srresnet", game="relativistic_average", perceptual=10.0, beta1=0.9
    ),
    "inpaint": USUAL | dict(degrade="hole:center"),
    "colorize": USUAL | dict(degrade="lightness"),
    "denoise": USUAL | dict(degrade="noise:0.1", beta1=0.9),
}


@dataclass(frozen=True)
class Config:
    """All that can be chosen."""

    GROUP: ClassVar[str] = "restore"
    run: RunConfig = RunConfig(steps=2800, batch_size=8)
    task: str = option("superres", "What is undone.", choices=TASKS)
    data: PairedDataConfig = PairedDataConfig()
    game: str | None = option(
        None, "What D and G play for; none: only a distance is learnt. By default the task's.", choices=("none", *GAMES)
    )
    translation: RestorationConfig = RestorationConfig(g_lr=5e-4, ema=0.999)
    gan_lr: float = option(1e-4, "Adam's rate, G's, while both play; before, it is --g_lr.", low=0)
    perceptual: float | None = option(None, "Weight of a distance between a network's maps; superres: 10.", low=0)
    features: str | None = option(None, "File of that network (experiments.classifier trains one); by default emoji's.")
    g_rounds: int = option(2000, "Rounds in which G learns alone, by its distance.", low=0)
    d_rounds: int = option(200, "Rounds thereafter in which D learns alone what G makes; then both play.", low=0)
    network: str | None = option(None, "G's; by default the task's own.", choices=restorers.NETWORKS)
    width: int = option(24, "Channels of the largest maps of both networks; 64 as published.", low=1)
    blocks: int = option(4, "srresnet, rrdb: residual blocks; 16 and 23 as published.", low=1)
    norm: str = option("none", "Normalisation in G, unless it is rrdb or partial; batch as published.", choices=NORMS)
    patch_layers: int = option(2, "Of D, that halve: it scores patches of 16, 34, 70, ... pixels; 0: pixels.", low=0)
    cluster: ClusterConfig = ClusterConfig()


def resolve(config: Config) -> Config:
    """The configuration with the task's own values filled in."""
    usual = dict(TASKS[config.task])
    config = with_pairs(config, usual.pop("degrade"))
    return replace(config, **{name: value for name, value in usual.items() if flat(config)[name] is None})


def make(config: Config, spec: DataSpec) -> Recipe | list[Phase]:
    """G alone, D alone, both: phases of one state."""
    own, target = config.translation, spec.example["target"].shape
    kind = dict(width=config.width, blocks=config.blocks, norm=config.norm, axis_name=AXIS)
    restorer = restorers.make(config.task, config.network, spec.example, **kind)
    alone = Setup(
        restorer.generator,
        PatchGAN(config.patch_layers, config.width, axis_name=AXIS),
        over_devices(GAMES.get(config.game, GAMES["non_saturating"])),
        *optimizers(own),
        inputs=restorer.inputs,
        compose=restorer.compose,
        costs={"l1_distance": (own.l1, translation.l1)},
        conditional=spec.example["image"].shape[:2] == target[:2],
        jitter=Jitter(loaded(config.data, target[:2]), config.data.mirror),
        multiple=restorer.multiple,
        ema=own.ema,
        dtype=DTYPES[own.dtype],
        axis_name=AXIS,
    )
    learns = partial(translation.make, name="restore")
    if config.game == "none":
        if config.perceptual and config.perceptual != TASKS[config.task]["perceptual"]:
            raise ValueError(f"perceptual={config.perceptual}: of the GAN's phase, and with game=none there is none")
        return learns(alone, players=(GENERATOR,))
    both = alone._replace(g_optimizer=optimizers(replace(own, g_lr=config.gan_lr))[0])
    if config.perceptual:
        network = features.load_classifier(config.features) if config.features else features.for_any_images(target)
        distance = config.perceptual, perceptual.cost(network, target)
        both = both._replace(costs={**both.costs, "perceptual_distance": distance})
    stays = lambda state, key: state
    return [
        Phase(learns(alone, players=(GENERATOR,)), config.g_rounds, config.run.batch_size),
        Phase(learns(alone, players=(DISCRIMINATOR,)), config.g_rounds + config.d_rounds, config.run.batch_size, stays),
        Phase(learns(both), None, config.run.batch_size, stays),
    ]


main = experiment("restore", Config, make, resolve=resolve, load=load_pairs)

if __name__ == "__main__":
    main()
