"""What `experiments.benchmark` plays: our side. PyTorch's is in `benchmark_torch.CASES`, by the same names."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import optax
from flax import linen as nn

from gan_jax import games, penalties, terms
from gan_jax.layers.conv import Conv, ConvTranspose
from gan_jax.layers.norm import norm_layer
from gan_jax.networks import dcgan, mlp
from gan_jax.randomness import Key
from gan_jax.recipe import Batch, Metrics, Recipe
from gan_jax.recipes import gan

Array = jax.Array


class Book28Generator(nn.Module):
    """Langr & Bok 2019, GANs in Action, chapter 4: [B, 100] -> [B, 28, 28, 1]. Batch normalisation over axis_name."""

    axis_name: str | None = None

    @nn.compact
    def __call__(self, z: Array, label: Array | None = None, *, train: bool) -> Array:
        norm = norm_layer("batch", train=train, axis_name=self.axis_name)
        x = nn.Dense(7 * 7 * 256)(z).reshape(-1, 7, 7, 256)
        x = nn.leaky_relu(norm()(ConvTranspose(128, 3, 2, use_bias=False)(x)))
        x = nn.leaky_relu(norm()(ConvTranspose(64, 3, 1, use_bias=False)(x)))
        return nn.tanh(ConvTranspose(1, 3, 2)(x))


class Book28Discriminator(nn.Module):
    """The same chapter's: [B, 28, 28, 1] -> raw scores [B]. Batch normalisation over axis_name."""

    axis_name: str | None = None

    @nn.compact
    def __call__(self, image: Array, label: Array | None = None, *, train: bool) -> tuple[Array, dict[str, Array]]:
        norm = norm_layer("batch", train=train, axis_name=self.axis_name)
        x = nn.leaky_relu(Conv(32, 3, 2)(image))
        x = nn.leaky_relu(norm()(Conv(64, 3, 2, use_bias=False)(x)))
        x = nn.leaky_relu(norm()(Conv(128, 3, 2, use_bias=False)(x)))
        return nn.Dense(1)(x.reshape(len(x), -1))[:, 0], {}


def book28(axis_name: str | None) -> Recipe:
    return _round(Book28Generator(axis_name), Book28Discriminator(axis_name), axis_name)


def dcgan64(axis_name: str | None) -> Recipe:
    """As published (Radford et al. 2016) for 64×64 images: five layers of 4×4 kernels each, width 64."""
    generator = dcgan.Generator((64, 64, 3), axis_name=axis_name)
    return _round(generator, dcgan.Discriminator(axis_name=axis_name), axis_name)


def perceptrons(axis_name: str | None) -> Recipe:
    """Two hidden layers of 512 on each side."""
    generator = mlp.Generator((28, 28, 1), (512, 512), axis_name=axis_name)
    return _round(generator, mlp.Discriminator((512, 512), axis_name=axis_name), axis_name)


def wgan_gp28(axis_name: str | None) -> Recipe:
    """The critic's step alone, of which WGAN-GP makes five in a round: it has the derivative of a derivative."""
    adam = optax.adam(1e-4, b1=0.0, b2=0.9)
    generator = dcgan.Generator((28, 28, 1), axis_name=axis_name)
    critic = dcgan.Discriminator(norm="layer", axis_name=axis_name)
    penalty = {"penalty": terms.penalty(penalties.gradient_penalty, 10.0)}
    setup = gan.Setup(generator, critic, games.wasserstein, adam, adam, d_terms=penalty, axis_name=axis_name)
    d_step = gan.make_d_step(setup)

    def step(state: gan.State, batch: Batch, key: Key) -> tuple[gan.State, Metrics]:
        (own,) = jax.random.split(jax.random.fold_in(key, state.step), 1)
        state, metrics = d_step(state, gan.to_unit_range(batch["image"][0]), own)
        return state.replace(step=state.step + 1), metrics

    return gan.make(setup)._replace(step=step, parts=1)


def _round(generator: nn.Module, discriminator: nn.Module, axis_name: str | None) -> Recipe:
    adam = optax.adam(2e-4, b1=0.5)
    return gan.make(gan.Setup(generator, discriminator, games.non_saturating, adam, adam, axis_name=axis_name))


class Case(NamedTuple):
    """What is played: a recipe as a function of axis_name, the images' shape, and the size of a batch."""

    recipe: Callable[[str | None], Recipe]
    image_shape: tuple[int, int, int]
    batch_size: int


CASES = {
    "book28": Case(book28, (28, 28, 1), 128),
    "dcgan64": Case(dcgan64, (64, 64, 3), 64),
    "wgan_gp28": Case(wgan_gp28, (28, 28, 1), 128),
    "mlp": Case(perceptrons, (28, 28, 1), 128),
}
