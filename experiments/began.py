"""BEGAN (Berthelot et al. 2017, arXiv:1703.10717): D is an autoencoder, and a balance holds how well it does on fakes.

python -m experiments.began                          # digits, no download
python -m experiments.began --gamma=0.7              # better images, of fewer kinds

Digits, the default: 6,000 rounds in 3 min 48 s on 2 CPU cores with tests beside; frechet_distance[digits-cnn,898] 12.7, precision
0.82, recall 0.42: of all systems here the least varied. docs/began.md has other γ.
"""

from dataclasses import dataclass
from typing import ClassVar

import optax

from gan_jax import games
from gan_jax.config.options import option
from gan_jax.config.parts import ClusterConfig, DataConfig, EvaluationConfig, RunConfig
from gan_jax.data import DataSpec
from gan_jax.networks import began as networks
from gan_jax.recipes import began, gan
from gan_jax.recipes.contract import Recipe
from gan_jax.runs.launch import experiment
from gan_jax.training.parallel import AXIS


@dataclass(frozen=True)
class Config:
    """All that can be chosen."""

    GROUP: ClassVar[str] = "began"
    run: RunConfig = RunConfig(steps=6000, batch_size=16)
    data: DataConfig = DataConfig()
    gamma: float = option(
        1.0, "Diversity ratio: less for better images, more for more of them; 0.3 to 0.7 as published.", low=0, high=1
    )
    lambda_k: float = option(0.02, "The rate at which the balance k moves; 0.001 as published.", low=0)
    latent_size: int = option(16, "Length of the latent, and of D's code; 64 or 128 as published.", low=1)
    width: int = option(32, "Channels of all maps, and of the encoder's largest.", low=1)
    lr: float = option(4e-4, "Adam's rate, of both players; 1e-4 as published.", low=0)
    beta1: float = option(0.5, "Adam's β1.", low=0, high=1)
    ema: float = option(
        0.999, "Decay of the moving average of G's weights that is sampled; 0: none.", low=0, high=0.999999
    )
    evaluation: EvaluationConfig = EvaluationConfig()
    cluster: ClusterConfig = ClusterConfig()


def make(config: Config, spec: DataSpec) -> Recipe:
    """The game of a generator and an autoencoder."""
    size, optimizer = config.latent_size, optax.adam(config.lr, b1=config.beta1)
    setup = gan.Setup(
        networks.Decoder(spec.image_shape, config.width),
        networks.Discriminator(size, config.width),
        games.wasserstein,
        optimizer,
        optimizer,
        latent_size=size,
        prior="uniform",
        ema=config.ema,
        axis_name=AXIS,
    )
    return began.make(setup, began.Balance(config.gamma, config.lambda_k))


main = experiment("began", Config, make)

if __name__ == "__main__":
    main()
