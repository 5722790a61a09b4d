"""Penalties: what is added to the critic's loss to keep it well-behaved.

A penalty is a function (critic, real, fake, key) -> scalar, unweighted. `critic` maps images [B, ...] to raw scores
[B, ...], one example independent of the others. `key` is one key, or one per example [B]; with data parallelism pass
one per example (`randomness.example_keys`), so that the noise follows the example.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

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
        raise ValueError(f"gradient_penalty needs real and fake images of equal shape, got {real.shape} and {fake.shape}")
    ε = jax.vmap(jax.random.uniform)(example_keys(key, len(real)))
    ε = ε.reshape(-1, *[1] * (real.ndim - 1))
    gradients = jax.grad(lambda x: critic(x).sum())(ε * real + (1 - ε) * fake)
    return jnp.mean((_norms(gradients) / target - 1) ** 2)


PENALTIES: dict[str, Penalty] = {
    "gradient_penalty": gradient_penalty,
}


def _norms(gradients: Array) -> Array:
    """‖·‖₂ of each example, [B]; where it is 0, with gradient 0 (the root's would be NaN)."""
    squares = jnp.sum(gradients**2, axis=range(1, gradients.ndim))
    positive = squares > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, squares, 1.0)), 0.0)
