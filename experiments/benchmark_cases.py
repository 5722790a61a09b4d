"""What `experiments.benchmark` plays: our side. PyTorch's is in `benchmark_torch.CASES`, by the same names."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import optax
from flax import linen as nn

from gan_jax import games
from gan_jax.layers.conv import Conv, ConvTranspose
from gan_jax.layers.norm import norm_layer
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


def book28(axis_name: str | None) -> gan.Setup:
    adam = optax.adam(2e-4, b1=0.5)
    generator, discriminator = Book28Generator(axis_name), Book28Discriminator(axis_name)
    return gan.Setup(generator, discriminator, games.non_saturating, adam, adam, axis_name=axis_name)


class Case(NamedTuple):
    """A game to time: its setup as a function of axis_name, and the size of a batch."""

    setup: Callable[[str | None], gan.Setup]
    image_shape: tuple[int, int, int]
    batch_size: int


CASES = {"book28": Case(book28, (28, 28, 1), 128)}
