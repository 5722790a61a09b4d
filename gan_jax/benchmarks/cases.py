"""What is timed: our side. PyTorch's is in `torch_side.CASES`, by the same names."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

from gan_jax import games, penalties, terms
from gan_jax.config.options import option
from gan_jax.layers.conv import Conv, ConvTranspose
from gan_jax.layers.norm import norm_layer
from gan_jax.networks import dcgan, mlp
from gan_jax.precision import DTYPES
from gan_jax.randomness import Key
from gan_jax.recipes import gan
from gan_jax.recipes.batch import part
from gan_jax.recipes.contract import Batch, Metrics, Recipe, State
from gan_jax.recipes.trials import trials

Array = jax.Array


class Book28Generator(nn.Module):
    """Langr & Bok 2019, GANs in Action, chapter 4: [B, 100] -> [B, 28, 28, 1]. Batch normalisation over axis_name."""

    axis_name: str | None = None

    @nn.compact
    def __call__(self, z: Array, condition: dict | None = None, *, train: bool) -> Array:
        norm = norm_layer("batch", train=train, axis_name=self.axis_name)
        x = nn.Dense(7 * 7 * 256)(z).reshape(-1, 7, 7, 256)
        x = nn.leaky_relu(norm()(ConvTranspose(128, 3, 2, use_bias=False)(x)))
        x = nn.leaky_relu(norm()(ConvTranspose(64, 3, 1, use_bias=False)(x)))
        return nn.tanh(ConvTranspose(1, 3, 2)(x))


class Book28Discriminator(nn.Module):
    """The same chapter's: [B, 28, 28, 1] -> raw scores [B]. Batch normalisation over axis_name."""

    axis_name: str | None = None

    @nn.compact
    def __call__(self, image: Array, condition: dict | None = None, *, train: bool) -> tuple[Array, dict[str, Array]]:
        norm = norm_layer("batch", train=train, axis_name=self.axis_name)
        x = nn.leaky_relu(Conv(32, 3, 2)(image))
        x = nn.leaky_relu(norm()(Conv(64, 3, 2, use_bias=False)(x)))
        x = nn.leaky_relu(norm()(Conv(128, 3, 2, use_bias=False)(x)))
        return nn.Dense(1)(x.reshape(len(x), -1))[:, 0], {}


def book28(axis_name: str | None, dtype: jnp.dtype) -> Recipe:
    return _round(Book28Generator(axis_name), Book28Discriminator(axis_name), axis_name, dtype)


def dcgan64(axis_name: str | None, dtype: jnp.dtype) -> Recipe:
    """As published (Radford et al. 2016) for 64×64 images: five layers of 4×4 kernels each, width 64."""
    generator = dcgan.Generator((64, 64, 3), axis_name=axis_name)
    return _round(generator, dcgan.Discriminator(axis_name=axis_name), axis_name, dtype)


def perceptrons(axis_name: str | None, dtype: jnp.dtype) -> Recipe:
    """Two hidden layers of 512 on each side."""
    generator = mlp.Generator((28, 28, 1), (512, 512), axis_name=axis_name)
    return _round(generator, mlp.Discriminator((512, 512), axis_name=axis_name), axis_name, dtype)


def wgan_gp28(axis_name: str | None, dtype: jnp.dtype) -> Recipe:
    """The critic's step alone, of which WGAN-GP makes five in a round: it has the derivative of a derivative."""
    adam = optax.adam(1e-4, b1=0.0, b2=0.9)
    generator = dcgan.Generator((28, 28, 1), axis_name=axis_name)
    critic = dcgan.Discriminator(norm="layer", axis_name=axis_name)
    setup = gan.Setup(
        generator,
        critic,
        games.wasserstein,
        adam,
        adam,
        d_terms={"penalty": terms.penalty(penalties.gradient_penalty, 10.0)},
        dtype=dtype,
        axis_name=axis_name,
    )
    d_step = gan.make_d_step(setup)

    def step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        (own,) = jax.random.split(jax.random.fold_in(key, state.step), 1)
        state, metrics = d_step(state, part(batch, 0), own)
        return state.replace(step=state.step + 1), metrics

    return gan.make(setup)._replace(step=step, batches_per_step=1)


def mixture2d(axis_name: str | None, dtype: jnp.dtype) -> Recipe:
    """Many trials at once of the game and the networks that `experiments.mixture2d` has by default."""
    adam = optax.adam(2e-3, b1=0.0, b2=0.99)
    setup = gan.Setup(
        mlp.Generator((2,), (128,) * 4, nn.tanh, bounded=False, axis_name=axis_name),
        mlp.Discriminator((128,) * 3, partial(nn.leaky_relu, negative_slope=0.2), axis_name=axis_name),
        games.relativistic,
        adam,
        adam,
        latent_size=2,
        d_terms={"r1": terms.penalty(penalties.r1, 1.0), "r2": terms.penalty(penalties.r2, 1.0)},
        dtype=dtype,
        axis_name=axis_name,
    )
    return trials(gan.make(setup))


def _round(generator: nn.Module, discriminator: nn.Module, axis_name: str | None, dtype: jnp.dtype) -> Recipe:
    adam = optax.adam(2e-4, b1=0.5)
    setup = gan.Setup(generator, discriminator, games.non_saturating, adam, adam, dtype=dtype, axis_name=axis_name)
    return gan.make(setup)


class Case(NamedTuple):
    """What is played, and how.

    Fields:
      make: (axis_name, dtype) -> the recipe.
      image_shape: one image's; (T, 2) where T trials learn from points in the plane.
      batch_size, latent_size: of each trial.
      trials: how many are played at once.
      dtype: what the networks compute in.
      steps_per_call: rounds in one call of the device.
    """

    make: Callable[[str | None, jnp.dtype], Recipe]
    image_shape: tuple[int, ...]
    batch_size: int
    latent_size: int = 100
    trials: int = 1
    dtype: str = "float32"
    steps_per_call: int = 1

    def recipe(self, axis_name: str | None) -> Recipe:
        """For the mapped axis `axis_name`, or for one device."""
        return self.make(axis_name, DTYPES[self.dtype])


CASES = {
    "book28": Case(book28, (28, 28, 1), 128),
    "dcgan64": Case(dcgan64, (64, 64, 3), 64),
    "wgan_gp28": Case(wgan_gp28, (28, 28, 1), 128),
    "mlp": Case(perceptrons, (28, 28, 1), 128),
    "mixture2d": Case(mixture2d, (10, 2), 128, latent_size=2, trials=10),
}


@dataclass(frozen=True)
class CaseConfig:
    """Which case is timed, and what it has otherwise than usual."""

    GROUP: ClassVar[str] = "what is timed"
    case: str = option("book28", "Which round.", choices=CASES)
    rounds: int = option(20, "How often each side is timed, in turns with the others.", low=1)
    batch_size: int | None = option(None, "Examples in a batch; by default the case's own.", low=1)
    dtype: str | None = option(None, "What the networks compute in; by default the case's own.", choices=DTYPES)
    steps_per_call: int | None = option(None, "Rounds in one call of the device; by default the case's own.", low=1)

    def chosen(self) -> Case:
        """The case, with what is given in place of its own."""
        given = {name: getattr(self, name) for name in ("batch_size", "dtype", "steps_per_call")}
        return CASES[self.case]._replace(**{name: value for name, value in given.items() if value is not None})
