"""Games: what the discriminator and the generator play for. Scores in, losses out.

A game is a function (real_scores, fake_scores) -> Losses. Scores are raw: no sigmoid before. Both arguments have the
same shape [B, ...]; every loss is the mean over all elements, so the score map of a PatchGAN [B, H, W] needs no
special case. Both losses are to be minimised, each by its own player.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.devices import batch_mean
from gan_jax.randomness import Key

Array = jax.Array


class Losses(NamedTuple):
    """The discriminator's (or critic's) loss and the generator's, scalars, both to be minimised."""

    d: Array
    g: Array


Game = Callable[[Array, Array], Losses]


def minmax(real: Array, fake: Array, *, real_target: float = 1.0, fake_target: float = 0.0) -> Losses:
    """The original game, G's loss as in the value function (Goodfellow et al. 2014, arXiv:1406.2661, eq. 1).

    With D = sigmoid(score): d = -E log D(x) - E log(1 - D(G(z))), g = E log(1 - D(G(z))).
    g saturates: where D is sure that a sample is fake, g's gradient vanishes. See `non_saturating`.

    Args:
      real, fake: raw scores of equal shape [B, ...]. Raises ValueError if the shapes differ.
      real_target, fake_target: soft labels, the probabilities in [0, 1] of being real that D is to give to real and
        to fake images. 0.9 and 0 is one-sided label smoothing (Salimans et al. 2016, arXiv:1606.03498, section 3.4).
        G's loss has none.
    """
    _require_equal_shapes(real, fake)
    d = _cross_entropy(real, real_target) + _cross_entropy(fake, fake_target)
    return Losses(d=d, g=-jnp.mean(jax.nn.softplus(fake)))


def non_saturating(real: Array, fake: Array, *, real_target: float = 1.0, fake_target: float = 0.0) -> Losses:
    """The original game with the generator's alternative loss, g = -E log D(G(z)) (Goodfellow et al. 2014, section 3).

    Args: as of `minmax`. Raises ValueError if the shapes differ.
    """
    _require_equal_shapes(real, fake)
    d = _cross_entropy(real, real_target) + _cross_entropy(fake, fake_target)
    return Losses(d=d, g=jnp.mean(jax.nn.softplus(-fake)))


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


def relativistic(real: Array, fake: Array) -> Losses:
    """RpGAN: is this real image more real than that fake one? (Jolicoeur-Martineau 2018, arXiv:1807.00734, eq. 7, 8).

    d = E softplus(-(r - f)), g = E softplus(-(f - r)), real and fake scores in pairs.

    Args: real, fake: raw scores of equal shape [B, ...]. Raises ValueError if the shapes differ.
    """
    _require_equal_shapes(real, fake)
    return Losses(d=jnp.mean(jax.nn.softplus(fake - real)), g=jnp.mean(jax.nn.softplus(real - fake)))


def relativistic_average(real: Array, fake: Array, *, axis_name: str | None = None) -> Losses:
    """RaGAN: is this image more real than the average one of the other side? (same paper, eq. 10, 11; RaSGAN).

    With r' = r - E f and f' = f - E r: d = E softplus(-r') + E softplus(f'), g = E softplus(r') + E softplus(-f').
    The sum of both terms, as published; the author's code halves it.

    Args:
      real, fake: raw scores of equal shape [B, ...]. Raises ValueError if the shapes differ.
      axis_name: the mapped axis over which the batch is spread: the averages are the whole batch's.
    """
    _require_equal_shapes(real, fake)
    real, fake = real - batch_mean(fake, axis_name), fake - batch_mean(real, axis_name)
    return Losses(
        d=jnp.mean(jax.nn.softplus(-real)) + jnp.mean(jax.nn.softplus(fake)),
        g=jnp.mean(jax.nn.softplus(real)) + jnp.mean(jax.nn.softplus(-fake)),
    )


GAMES: dict[str, Game] = {
    "minmax": minmax,
    "non_saturating": non_saturating,
    "least_squares": least_squares,
    "wasserstein": wasserstein,
    "hinge": hinge,
    "relativistic": relativistic,
    "relativistic_average": relativistic_average,
}


def swap_labels(real: Array, fake: Array, keys: Key, fraction: float) -> tuple[Array, Array]:
    """Noisy labels: scores [B, ...] of which pair i changes sides with probability `fraction`.

    A game that D then plays takes that real image for a fake one and that fake one for real ("flip labels":
    Chintala et al. 2016, How to Train a GAN, no. 6). Each label is wrong with probability `fraction`.

    Args: keys: one per pair, [B]. Returns (real, fake); with fraction 0, the same arrays.
    """
    if fraction == 0:
        return real, fake
    swap = jax.vmap(lambda key: jax.random.bernoulli(key, fraction))(keys).reshape(-1, *[1] * (real.ndim - 1))
    return jnp.where(swap, fake, real), jnp.where(swap, real, fake)


def _cross_entropy(scores: Array, target: float) -> Array:
    """-E [t log D + (1 - t) log(1 - D)], D = sigmoid(scores)."""
    # A target of 0 or 1 leaves out the other term: 0 · softplus is NaN where softplus is infinite.
    terms = [(target, -scores), (1 - target, scores)]
    return sum(weight * jnp.mean(jax.nn.softplus(x)) for weight, x in terms if weight)


def _require_equal_shapes(real: Array, fake: Array) -> None:
    # [B, 1] against [B] would broadcast silently to [B, B].
    if real.shape != fake.shape:
        raise ValueError(f"a game needs real and fake scores of equal shape, got {real.shape} and {fake.shape}")
