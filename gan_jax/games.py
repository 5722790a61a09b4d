"""Games: what the discriminator and the generator play for. Scores in, losses out.

A game is a function (real_scores, fake_scores) -> Losses. Scores are raw: no sigmoid before. Both arguments have the
same shape [B, ...]; every loss is the mean over all elements, so the score map of a PatchGAN [B, H, W] needs no
special case. Both losses are to be minimised, each by its own player.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

Array = jax.Array


class Losses(NamedTuple):
    """The discriminator's (or critic's) loss and the generator's, scalars, both to be minimised."""

    d: Array
    g: Array


Game = Callable[[Array, Array], Losses]


def minmax(real: Array, fake: Array) -> Losses:
    """The original game, G's loss as in the value function (Goodfellow et al. 2014, arXiv:1406.2661, eq. 1).

    With D = sigmoid(score): d = -E log D(x) - E log(1 - D(G(z))), g = E log(1 - D(G(z))).
    g saturates: where D is sure that a sample is fake, g's gradient vanishes. See `non_saturating`.

    Args: real, fake: raw scores of equal shape [B, ...]. Raises ValueError if the shapes differ.
    """
    _require_equal_shapes(real, fake)
    return Losses(d=_cross_entropy(real, fake), g=-jnp.mean(jax.nn.softplus(fake)))


def non_saturating(real: Array, fake: Array) -> Losses:
    """The original game with the generator's alternative loss, g = -E log D(G(z)) (Goodfellow et al. 2014, section 3).

    Args: real, fake: raw scores of equal shape [B, ...]. Raises ValueError if the shapes differ.
    """
    _require_equal_shapes(real, fake)
    return Losses(d=_cross_entropy(real, fake), g=jnp.mean(jax.nn.softplus(-fake)))


def least_squares(real: Array, fake: Array) -> Losses:
    """LSGAN with targets a=0, b=c=1 and its factors ½ (Mao et al. 2017, arXiv:1611.04076, eq. 9).

    Args: real, fake: raw scores of equal shape [B, ...]. Raises ValueError if the shapes differ.
    """
    _require_equal_shapes(real, fake)
    return Losses(
        d=0.5 * jnp.mean((real - 1) ** 2) + 0.5 * jnp.mean(fake**2),
        g=0.5 * jnp.mean((fake - 1) ** 2),
    )


def wasserstein(real: Array, fake: Array) -> Losses:
    """The Wasserstein-1 distance's dual; the scores are a critic's (Arjovsky et al. 2017, arXiv:1701.07875, eq. 3).

    -d estimates the distance only while the critic is kept Lipschitz: by clipping its weights, or by
    `penalties.gradient_penalty`.

    Args: real, fake: raw scores of equal shape [B, ...]. Raises ValueError if the shapes differ.
    """
    _require_equal_shapes(real, fake)
    return Losses(d=jnp.mean(fake) - jnp.mean(real), g=-jnp.mean(fake))


def hinge(real: Array, fake: Array) -> Losses:
    """The hinge game of Geometric GAN (Lim & Ye 2017, arXiv:1705.02894), as SAGAN and BigGAN play it.

    Args: real, fake: raw scores of equal shape [B, ...]. Raises ValueError if the shapes differ.
    """
    _require_equal_shapes(real, fake)
    return Losses(
        d=jnp.mean(jax.nn.relu(1 - real)) + jnp.mean(jax.nn.relu(1 + fake)),
        g=-jnp.mean(fake),
    )


GAMES: dict[str, Game] = {
    "minmax": minmax,
    "non_saturating": non_saturating,
    "least_squares": least_squares,
    "wasserstein": wasserstein,
    "hinge": hinge,
}


def _cross_entropy(real: Array, fake: Array) -> Array:
    """-E log sigmoid(real) - E log(1 - sigmoid(fake)): the sum of both terms, not their mean."""
    return jnp.mean(jax.nn.softplus(-real)) + jnp.mean(jax.nn.softplus(fake))


def _require_equal_shapes(real: Array, fake: Array) -> None:
    # [B, 1] against [B] would broadcast silently to [B, B].
    if real.shape != fake.shape:
        raise ValueError(f"a game needs real and fake scores of equal shape, got {real.shape} and {fake.shape}")
