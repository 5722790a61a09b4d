"""Normalisation layers by name."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

Array = jax.Array

NORMS = ("batch", "layer", "none", "virtual")
# Before these a bias has no effect, and Adam would blow up its rounding.
CENTRED = ("batch", "virtual")
REFERENCE = 64  # examples in the reference batch of virtual batch normalisation

_gain = lambda key, shape, dtype=jnp.float32: 1 + nn.initializers.normal(0.02)(key, shape, dtype)


def norm_layer(name: str, *, train: bool, axis_name: str | None = None) -> Callable[[], nn.Module | Callable]:
    """A maker of normalisation layers for features [B, C] or feature maps [B, H, W, C]; gains start from N(1, 0.02²).

    batch: over all axes but the last, and over the devices of `axis_name`; biased variance, ε 1e-5; running averages
      with decay 0.9, which `train=False` uses (Ioffe & Szegedy 2015).
    layer: over all axes but the first, with a gain and a bias per channel (as in WGAN-GP's code).
    none: nothing.
    virtual: by the statistics of a reference batch. The network must be wrapped in `WithReference`.

    Raises ValueError for another name.
    """
    if name == "batch":
        return partial(nn.BatchNorm, use_running_average=not train, momentum=0.9, scale_init=_gain, axis_name=axis_name)
    if name == "layer":
        layer = partial(nn.LayerNorm, feature_axes=-1, scale_init=_gain)
        return lambda: lambda x: layer(reduction_axes=tuple(range(1, x.ndim)))(x)
    if name == "none":
        return lambda: lambda x: x
    if name == "virtual":
        return VirtualBatchNorm
    raise ValueError(f"unknown norm {name!r}; choose from {', '.join(NORMS)}")


class VirtualBatchNorm(nn.Module):
    """Each example is normalised by the statistics of a reference batch and of itself, and of no other example.

    Salimans et al. 2016 (arXiv:1606.03498, section 3.5). As in their code, an example's mean and mean square are
    1/(R+1) its own and R/(R+1) those of the R reference examples, which are normalised by their own; ε is 1e-5.
    """

    size: int = REFERENCE

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """[R + B, ..., C], the reference examples first -> the same shape."""
        lower, x = x.dtype, x.astype(jnp.float32)  # means of many numbers
        space = tuple(range(1, x.ndim - 1))
        mean, square = (jnp.mean(y, axis=space, keepdims=True) for y in (x, x**2))
        mean, square = (self._with_reference(y) for y in (mean, square))
        gain = self.param("scale", _gain, x.shape[-1:])
        bias = self.param("bias", nn.initializers.zeros, x.shape[-1:])
        variance = jnp.maximum(square - mean**2, 0)  # rounding may take it below
        return ((x - mean) * jax.lax.rsqrt(variance + 1e-5) * gain + bias).astype(lower)

    def _with_reference(self, statistic: Array) -> Array:
        reference = jnp.mean(statistic[: self.size], axis=0, keepdims=True)
        own = (statistic[self.size :] + self.size * reference) / (self.size + 1)
        return jnp.concatenate([jnp.broadcast_to(reference, (self.size, *reference.shape[1:])), own])


class WithReference(nn.Module):
    """A generator that is run on a reference batch of latents beside its own, for its layers of VirtualBatchNorm.

    The reference latents are drawn once, at init, by `draw` (a value of `randomness.LATENTS`), and stay in the
    variables' collection "reference".
    """

    generator: nn.Module
    draw: Callable = jax.random.normal

    @nn.compact
    def __call__(self, z: Array, label: Array | None = None, *, train: bool) -> Array:
        """As the generator's: [B, latent_size] -> images [B, H, W, C]."""
        start = lambda: self.draw(self.make_rng("params"), (REFERENCE, z.shape[-1]))
        reference = self.variable("reference", "z", start).value
        return self.generator(jnp.concatenate([reference.astype(z.dtype), z]), train=train)[REFERENCE:]
