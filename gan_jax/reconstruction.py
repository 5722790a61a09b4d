"""Losses of reconstruction: how well what is drawn of a code, or translated, is what it was made of; in nats per image.

Pixels here are in [0, 1]. Each function gives one number per example, [B], summed over all axes but the first: a sum, and
not a mean over pixels, beside which a Kullback-Leibler divergence in nats would weigh hundreds of times too much, so that
codes would say nothing (posterior collapse).
"""

import math

import jax
import jax.numpy as jnp

Array = jax.Array


def bernoulli(logits: Array, pixels: Array) -> Array:
    """-log p(x), each pixel a coin whose logit is given: Σ σ⁺(l) - l x, [B] (Kingma & Welling 2014, appendix C.1).

    Of gray pixels between 0 and 1 it is the cross-entropy, which is not 0 for a perfect reconstruction but their entropy.

    Args: logits, pixels: [B, ...], pixels in [0, 1]. Raises ValueError if their shapes differ.
    """
    _require_equal_shapes("bernoulli", logits, pixels)
    return _sum(jax.nn.softplus(logits) - logits * pixels)


def gaussian(mean: Array, pixels: Array, deviation: float) -> Array:
    """-log p(x), each pixel normal about its mean: Σ ½ ((x - μ)/σ)² + log σ + ½ log 2π, [B] (appendix C.2, σ one number).

    A density, which may exceed 1, so this may be negative.

    Args: mean, pixels: [B, ...]; deviation: σ > 0. Raises ValueError if their shapes differ.
    """
    _require_equal_shapes("gaussian", mean, pixels)
    return _sum(0.5 * ((pixels - mean) / deviation) ** 2 + math.log(deviation) + 0.5 * math.log(2 * math.pi))


def kl_from_normal(mean: Array, log_variance: Array) -> Array:
    """KL(N(μ, σ²) ‖ N(0, 1)) = ½ Σ (μ² + σ² - log σ² - 1), [B] (Kingma & Welling 2014, appendix B); 0 at (0, 0).

    Args: mean, log_variance: [B, d]. Raises ValueError if their shapes differ.
    """
    _require_equal_shapes("kl_from_normal", mean, log_variance)
    return 0.5 * _sum(mean**2 + jnp.expm1(log_variance) - log_variance)


def _sum(x: Array) -> Array:
    return jnp.sum(x, axis=tuple(range(1, x.ndim)))


def _require_equal_shapes(name: str, a: Array, b: Array) -> None:
    if a.shape != b.shape:
        raise ValueError(f"{name} needs two arrays of equal shape, got {a.shape} and {b.shape}")
