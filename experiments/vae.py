"""Variational autoencoder (Kingma & Welling 2014, arXiv:1312.6114): a plane of latents to look at.

python -m experiments.vae                                        # digits, no download
python -m experiments.vae --dataset=mnist --steps=30000
python -m experiments.vae --dataset=mnist --network=conv         # 20 latents
python -m gan_jax evaluate --workdir=RUN --iwae=50               # bounds on the likelihood of test images

Digits, the default: 10,000 rounds in 28 s on 2 CPU cores. MNIST with --network=conv: elbo[test,10k] -102.3 nats in 2 min 37 s, with
tests beside.
"""

from dataclasses import dataclass
from typing import ClassVar

import optax
from flax import linen as nn

from gan_jax.config.options import option, replace
from gan_jax.config.parts import ClusterConfig, DataConfig, EvaluationConfig, RunConfig
from gan_jax.data import DataSpec
from gan_jax.networks import autoencoder, dcgan, mlp
from gan_jax.recipes import vae
from gan_jax.recipes.contract import Recipe, State
from gan_jax.runs import training
from gan_jax.runs.launch import experiment
from gan_jax.runs.likelihood import bounds
from gan_jax.runs.training import Run
from gan_jax.training.parallel import AXIS

# What each network brings: the first as in Keras's well-known example and many books, the second ours.
DEFAULTS = {
    "mlp": dict(latent_size=2, optimizer="rmsprop", lr=1e-3),
    "conv": dict(latent_size=20, optimizer="adam", lr=1e-3),
}
# Keras's RMSprop, which is not optax's by default.
OPTIMIZERS = {
    "rmsprop": lambda rate: optax.rmsprop(rate, decay=0.9, eps=1e-7),
    "adam": optax.adam,
}
OBSERVATIONS = ("bernoulli", "gaussian")


@dataclass(frozen=True)
class Config:
    """All that can be chosen."""

    GROUP: ClassVar[str] = "vae"
    run: RunConfig = RunConfig(steps=10000, batch_size=100)
    data: DataConfig = DataConfig()
    network: str = option("mlp", "Of encoder and decoder.", choices=DEFAULTS)
    hidden: tuple[int, ...] = option((256,), "mlp: the encoder's hidden sizes; the decoder's are the reverse.", low=1)
    width: int = option(32, "conv: channels of the largest hidden map.", low=1)
    latent_size: int | None = option(None, "Length of the latent; by default mlp 2, conv 20.", low=1)
    observation: str = option("bernoulli", "What a pixel is given its latent.", choices=OBSERVATIONS)
    deviation: float = option(0.1, "gaussian: of a pixel, which is from 0 to 1.", above=0)
    beta: float = option(1.0, "Weight of the KL; above 1: β-VAE.", low=0)
    kl_warmup: int = option(0, "Rounds over which that weight rises from 0.", low=0)
    optimizer: str | None = option(None, "By default mlp rmsprop, conv adam.", choices=OPTIMIZERS)
    lr: float | None = option(None, "Its learning rate; by default 1e-3.", low=0)
    evaluation: EvaluationConfig = EvaluationConfig()
    cluster: ClusterConfig = ClusterConfig()


def resolve(config: Config) -> Config:
    """The configuration with the network's own values filled in."""
    return replace(config, **{k: v for k, v in DEFAULTS[config.network].items() if getattr(config, k) is None})


def make(config: Config, spec: DataSpec) -> Recipe:
    """An encoder and a decoder, which climb one bound together."""
    shape, size = spec.image_shape, config.latent_size
    if config.network == "mlp":
        encoder = autoencoder.DenseEncoder(size, config.hidden)
        decoder = mlp.Generator(shape, config.hidden[::-1], activation=nn.relu, bounded=False)
    else:
        encoder = autoencoder.ConvEncoder(size, config.width)
        decoder = dcgan.Generator(shape, config.width, weight_std=1.0, weight_bound=True, norm="none", bounded=False)
    observation = vae.bernoulli() if config.observation == "bernoulli" else vae.gaussian(config.deviation)
    beta = optax.linear_schedule(0.0, config.beta, config.kl_warmup) if config.kl_warmup else config.beta
    optimizer = OPTIMIZERS[config.optimizer](config.lr)
    return vae.make(vae.Setup(encoder, decoder, observation, optimizer, size, beta, AXIS))


def train(run: Run) -> None:
    """Trains; result.json also says the bound of images that were not learnt, where there are any, and so is printed."""

    def measure(state: State) -> dict:
        test = run.data.test()
        if test is None:
            return {}
        likelihood, key = run.recipe_at(int(state.step)).likelihood, run.keys()[2]
        return bounds(likelihood, state, test, "test", run.config.evaluation.num_samples, key)

    for name, value in training.train(run, measure=measure).items():
        print(f"{name}: {value:.2f} nats for each image")


main = experiment("vae", Config, make, resolve=resolve, train=train)

if __name__ == "__main__":
    main()
