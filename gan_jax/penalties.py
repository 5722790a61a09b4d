"""Penalties: what is added to the critic's loss to keep it well-behaved.

A penalty is a function (critic, real, fake, key) -> scalar, unweighted. `critic` maps images [B, ...] to raw scores
[B, ...], one example independent of the others. (With layers that look at the whole batch, ∇ is the gradient of the
sum of all scores, as is usual.) `key` is one key, or one per example [B]; with data parallelism pass one per example
(`randomness.example_keys`), so that the noise follows the example.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gan_jax.devices import batch_mean
from gan_jax.randomness import Key, example_keys

Array = jax.Array
Critic = Callable[[Array], Array]
Penalty = Callable[[Critic, Array, Array, Key], Array]


def gradient_penalty(critic: Critic, real: Array, fake: Array, key: Key, *, target: float = 1.0) -> Array:
    """WGAN-GP: E (‖∇ critic(x̂)‖ / target - 1)², x̂ = ε real + (1 - ε) fake (Gulrajani et al. 2017, arXiv:1704.00028).

    Equation 3 and algorithm 1: one ε ~ U[0, 1] per example, the norm over all axes but the first together (H, W, C).
    `target` is the wanted Lipschitz constant, as in Progressive GAN's appendix A.1.

    Args: real, fake: images of equal shape [B, ...]. Raises ValueError if the shapes differ.
    """
    if real.shape != fake.shape:
        raise ValueError(
            f"gradient_penalty needs real and fake images of equal shape, got {real.shape} and {fake.shape}"
        )
    ε = _uniform(example_keys(key, len(real)), real.ndim)
    gradients = _gradients(critic, ε * real + (1 - ε) * fake)
    return jnp.mean((_norms(gradients) / target - 1) ** 2)


def r1(critic: Critic, real: Array, fake: Array, key: Key) -> Array:
    """R1: ½ E ‖∇ critic(x)‖² over real images (Mescheder et al. 2018, arXiv:1801.04406, eq. 9, whose γ is our weight).

    Args: real, fake: images [B, ...]. `fake` and `key` are not used.
    """
    return 0.5 * jnp.mean(_squares(_gradients(critic, real)))


def r2(critic: Critic, real: Array, fake: Array, key: Key) -> Array:
    """R2: ½ E ‖∇ critic(x)‖² over fake images (Mescheder et al. 2018, arXiv:1801.04406, eq. 10).

    Args: real, fake: images [B, ...]. `real` and `key` are not used.
    """
    return 0.5 * jnp.mean(_squares(_gradients(critic, fake)))


def dragan(critic: Critic, real: Array, fake: Array, key: Key, *, axis_name: str | None = None) -> Array:
    """DRAGAN: E (‖∇ critic(x̂)‖ - 1)² around real images (Kodali et al. 2017, arXiv:1705.07215, algorithm 1).

    As in the authors' code, x̂ = x + α ½ s u: α ~ U[0, 1] per example, s the standard deviation of all numbers in the
    real batch (one scalar, ddof 0), u ~ U[0, 1] per number. (The paper's algorithm has Gaussian noise in u's place.)

    Args:
      real, fake: images [B, ...]. `fake` is not used.
      axis_name: the mapped axis over which the batch is spread: s is the whole batch's.
    """
    deviation = jnp.sqrt(batch_mean((real - batch_mean(real, axis_name)) ** 2, axis_name))
    α_keys, u_keys = jax.vmap(jax.random.split, out_axes=1)(example_keys(key, len(real), axis_name))
    u = jax.vmap(lambda key: jax.random.uniform(key, real.shape[1:]))(u_keys)
    gradients = _gradients(critic, real + _uniform(α_keys, real.ndim) * 0.5 * deviation * u)
    return jnp.mean((_norms(gradients) - 1) ** 2)


# These hold D's own slope at 1, whatever is done to an image before; R1 and R2 that of all that makes a score of it.
OF_WHAT_D_SEES = ("gradient_penalty", "dragan")
PENALTIES: dict[str, Penalty] = {
    "gradient_penalty": gradient_penalty,
    "r1": r1,
    "r2": r2,
    "dragan": dragan,
}


def _gradients(critic: Critic, images: Array) -> Array:
    return jax.grad(lambda x: critic(x).sum())(images)


def _uniform(keys: Key, ndim: int) -> Array:
    """One number from U[0, 1) per key, [B, 1, ...]."""
    return jax.vmap(jax.random.uniform)(keys).reshape(-1, *[1] * (ndim - 1))


def _squares(gradients: Array) -> Array:
    """‖·‖² of each example, [B]: over all axes but the first."""
    return jnp.sum(gradients**2, axis=range(1, gradients.ndim))


def _norms(gradients: Array) -> Array:
    """‖·‖₂ of each example, [B]; where it is 0, with gradient 0 (the root's would be NaN)."""
    squares = _squares(gradients)
    positive = squares > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, squares, 1.0)), 0.0)
