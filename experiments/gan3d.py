"""3D-GAN (Wu et al. 2016, arXiv:1610.07584): shapes as voxels, by volumetric convolutions, and a D that may not be too good.

python -m experiments.gan3d                                             # furniture made by chance, 16³ voxels, no download
python -m experiments.gan3d --dataset=voxels:PATH --image_size=32       # .npy, .npz or .binvox; subfolders are classes
python -m experiments.gan3d --dataset=meshes:PATH --image_size=32       # OFF, OBJ, STL, GLB: pip install trimesh
python -m gan_jax sample --workdir=RUN --format=obj                     # or a grid of pictures, or an .npz; interpolate
python -m experiments.gan3d --preset=published --dataset=...            # as in the paper, for 64³ voxels
"""

from dataclasses import dataclass
from typing import ClassVar

import optax

from gan_jax import presets
from gan_jax.config.options import option, replace
from gan_jax.config.parts import ClusterConfig, DataConfig, EvaluationConfig, RunConfig
from gan_jax.config.setup import over_devices, penalty_terms
from gan_jax.data import DataSpec
from gan_jax.games import GAMES
from gan_jax.networks import gan3d as networks
from gan_jax.penalties import PENALTIES
from gan_jax.randomness import PRIORS
from gan_jax.recipes import gan, gan3d
from gan_jax.recipes.contract import Recipe
from gan_jax.runs.launch import experiment
from gan_jax.training.parallel import AXIS

PRESETS: dict[str, "Config"] = {}


@dataclass(frozen=True)
class Config:
    """All that can be chosen."""

    GROUP: ClassVar[str] = "gan3d"
    preset: str | None = option(None, "Other defaults: published, the paper's for 64³ voxels.", choices=PRESETS)
    run: RunConfig = RunConfig(steps=9000, batch_size=32, sample_every=1000)
    data: DataConfig = DataConfig(dataset="furniture")
    game: str = option("non_saturating", "What D and G play for.", choices=GAMES)
    penalty: tuple[str, ...] = option(
        ("r1",), "Added to D's loss, one or more; none as published.", choices=("none", *PENALTIES)
    )
    penalty_weight: float = option(0.1, "The penalties' weight.", low=0)
    d_accuracy: float = option(
        0.8, "D does not learn after a batch of which it was right more often; 1: it always does.", low=0, high=1
    )
    d_lr: float = option(5e-4, "Adam's rate of D; 1e-5 as published.", low=0)
    g_lr: float = option(1e-3, "Adam's rate of G; 2.5e-3 as published.", low=0)
    beta1: float = option(0.5, "Adam's β1, of both players.", low=0, high=1)
    ema: float = option(
        0.99, "Decay of the moving average of G's weights that is sampled; 0 samples G itself.", low=0, high=0.999999
    )
    width: int = option(16, "Channels of the largest hidden map; 64 as published, of grids of 64 voxels.", low=1)
    d_norm: str = option("none", "Normalisation in D; batch as published.", choices=("batch", "layer", "none"))
    prior: str = option("uniform", "What the latent z is drawn from.", choices=PRIORS)
    latent_size: int = option(200, "Length of the latent z.", low=1)
    evaluation: EvaluationConfig = EvaluationConfig()
    cluster: ClusterConfig = ClusterConfig()


PRESETS["published"] = replace(Config(), **presets.PUBLISHED_GAN3D)


def make(config: Config, spec: DataSpec) -> Recipe:
    """The game of a generator that draws volumes from noise, and a discriminator that tells them from real ones."""
    side = spec.voxels_side
    adam = lambda rate: optax.adam(rate, b1=config.beta1)
    setup = gan.Setup(
        networks.Generator(side, config.width, AXIS),
        networks.Discriminator(config.width, config.d_norm, AXIS),
        over_devices(GAMES[config.game]),
        adam(config.g_lr),
        adam(config.d_lr),
        latent_size=config.latent_size,
        prior=config.prior,
        d_terms=penalty_terms({name: config.penalty_weight for name in config.penalty if name != "none"}),
        ema=config.ema,
        axis_name=AXIS,
    )
    return gan3d.make(setup, config.d_accuracy)


main = experiment("gan3d", Config, make, presets=PRESETS)

if __name__ == "__main__":
    main()
