"""Normalisation layers by name.

`nn.BatchNorm` and `nn.LayerNorm` of Flax are here in a form whose derivatives pass over the features fewer times: on a
CPU, one layer's forward and backward pass take a third of the time.
"""

from collections.abc import Callable, Iterable
from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.devices import device_mean
from gan_jax.layers.spectral import spectral_norm
from gan_jax.randomness import normal

Array = jax.Array

NORMS = ("batch", "layer", "none", "virtual")
# Before these a bias has no effect, and Adam would blow up its rounding.
CENTRED = ("batch", "virtual")
DECAY = 0.9  # of the running averages of batch statistics
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
        return partial(BatchNorm, train=train, axis_name=axis_name)
    if name == "layer":
        return LayerNorm
    if name == "none":
        return lambda: lambda x: x
    if name == "virtual":
        return VirtualBatchNorm
    raise ValueError(f"unknown norm {name!r}; choose from {', '.join(NORMS)}")


class BatchNorm(nn.Module):
    """Batch normalisation, as `norm_layer` has it. [B, ..., C] -> the same shape.

    Parameters: scale [C], bias [C]. Collection "batch_stats": mean [C], var [C].
    """

    train: bool
    axis_name: str | None = None

    @nn.compact
    def __call__(self, x: Array) -> Array:
        gain, bias = _gain_and_bias(self, x.shape[-1:])
        return by_batch(self, x, gain, bias)


class ConditionalBatchNorm(nn.Module):
    """Batch normalisation whose gain and bias an example's condition says: 1 + c G and c B. [B, ..., C] -> the same shape.

    De Vries et al. 2017 (arXiv:1707.00683) and Dumoulin et al. 2017 (arXiv:1610.07629), in the form of BigGAN's authors' code.
    With c the one-hot vector of a label each class has a gain and a bias of its own.

    Fields:
      train, axis_name: as `BatchNorm`'s.
      spectral: whether G and B are spectrally normalised, as theirs are where c is a vector that classes share.
      kernel_init: of G and B.
    Parameters: gain/kernel and bias/kernel, [W, C]. Collection "batch_stats": mean [C], var [C].
    """

    train: bool
    axis_name: str | None = None
    spectral: bool = False
    kernel_init: nn.initializers.Initializer = nn.initializers.orthogonal()

    @nn.compact
    def __call__(self, x: Array, c: Array) -> Array:
        """x [B, ..., C], conditions c [B, W]."""

        def of_condition(name: str) -> Array:
            layer = nn.Dense(x.shape[-1], use_bias=False, kernel_init=self.kernel_init, name=name)
            y = spectral_norm(layer, train=self.train)(c) if self.spectral else layer(c)
            return y.reshape(len(x), *[1] * (x.ndim - 2), x.shape[-1])

        gain, bias = 1 + of_condition("gain"), of_condition("bias")
        return by_batch(self, x, gain, bias)


class LayerNorm(nn.Module):
    """Layer normalisation over all of an example, as `norm_layer` has it; ε 1e-6. [B, ..., C] -> the same shape.

    Parameters: scale [C], bias [C].
    """

    @nn.compact
    def __call__(self, x: Array) -> Array:
        gain, bias = _gain_and_bias(self, x.shape[-1:])
        statistics = _moments(x, range(1, x.ndim), keepdims=True)
        return _normalised(x, *_mean_and_variance(*statistics), gain, bias, 1e-6)


class InstanceNorm(nn.Module):
    """Each channel of each example by its own mean and variance over places; ε 1e-5, no parameters. [B, H, W, C] -> the same shape.

    Ulyanov et al. 2016 (arXiv:1607.08022). A map of one place becomes 0, so there must be several.
    """

    @nn.compact
    def __call__(self, x: Array) -> Array:
        statistics = _moments(x, range(1, x.ndim - 1), keepdims=True)
        return _normalised(x, *_mean_and_variance(*statistics), 1.0, 0.0, 1e-5)


class ConditionalInstanceNorm(nn.Module):
    """Instance normalisation whose gain and bias an example's latent says: 1 + z G and z B. [B, H, W, C] -> the same shape.

    Dumoulin et al. 2017 (arXiv:1610.07629, section 2.2). Parameters: gain/kernel and bias/kernel, [d, C].
    """

    @nn.compact
    def __call__(self, x: Array, z: Array) -> Array:
        """x [B, H, W, C], latents z [B, d]."""
        gain, bias = (nn.Dense(x.shape[-1], use_bias=False, name=name)(z)[:, None, None] for name in ("gain", "bias"))
        statistics = _moments(x, range(1, x.ndim - 1), keepdims=True)
        return _normalised(x, *_mean_and_variance(*statistics), 1 + gain, bias, 1e-5)


class VirtualBatchNorm(nn.Module):
    """Each example is normalised by the statistics of a reference batch and of itself, and of no other example.

    Salimans et al. 2016 (arXiv:1606.03498, section 3.5). As in their code, an example's mean and mean square are
    1/(R+1) its own and R/(R+1) those of the R reference examples, which are normalised by their own; ε is 1e-5.
    """

    size: int = REFERENCE

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """[R + B, ..., C], the reference examples first -> the same shape."""
        statistics = _moments(x, range(1, x.ndim - 1), keepdims=True)
        mean, variance = _mean_and_variance(*map(self._with_reference, statistics))
        return _normalised(x, mean, variance, *_gain_and_bias(self, x.shape[-1:]), 1e-5)

    def _with_reference(self, statistic: Array) -> Array:
        reference = jnp.mean(statistic[: self.size], axis=0, keepdims=True)
        own = (statistic[self.size :] + self.size * reference) / (self.size + 1)
        return jnp.concatenate([jnp.broadcast_to(reference, (self.size, *reference.shape[1:])), own])


class WithReference(nn.Module):
    """A generator that is run on a reference batch of latents beside its own, for its layers of VirtualBatchNorm.

    The reference latents are drawn once, at init, by `draw` (a value of `randomness.PRIORS`), and stay in the
    variables' collection "reference".
    """

    generator: nn.Module
    draw: Callable = normal

    @nn.compact
    def __call__(self, z: Array, condition: dict | None = None, *, train: bool) -> Array:
        """As the generator's: [B, latent_size] -> images [B, H, W, C]."""
        start = lambda: self.draw(self.make_rng("params"), (REFERENCE, z.shape[-1]))
        reference = self.variable("reference", "z", start).value
        return self.generator(jnp.concatenate([reference.astype(z.dtype), z]), train=train)[REFERENCE:]


def pixel_norm(x: Array) -> Array:
    """x / √(mean of x² over channels + 1e-8), at each place: [..., C] -> the same shape.

    Karras et al. 2018 (arXiv:1710.10196, section 4.2). It has no parameters.
    """
    return x * jax.lax.rsqrt(jnp.mean(x**2, axis=-1, keepdims=True) + 1e-8)


def by_batch(module: nn.Module, x: Array, gain: Array, bias: Array) -> Array:
    """Batch normalisation inside a module that has `train` and `axis_name`, as `BatchNorm`'s, with this gain and bias.

    [B, ..., C] -> the same shape. Its collection "batch_stats" has mean [C] and var [C].
    """
    return _normalised(x, *_batch_statistics(module, x), gain, bias, 1e-5)


def _gain_and_bias(module: nn.Module, shape: tuple[int, ...]) -> tuple[Array, Array]:
    return module.param("scale", _gain, shape), module.param("bias", nn.initializers.zeros, shape)


def _batch_statistics(module: nn.Module, x: Array) -> tuple[Array, Array]:
    """The means and variances [C] that a module with `train` and `axis_name` normalises by, in "batch_stats" the running ones."""
    mean, variance = (
        module.variable("batch_stats", name, start, x.shape[-1:])
        for name, start in (("mean", jnp.zeros), ("var", jnp.ones))
    )
    if not module.train:
        return mean.value, variance.value
    starting = module.is_initializing()  # outside of any mapped axis
    statistics = device_mean(_moments(x, range(x.ndim - 1)), None if starting else module.axis_name)
    now = _mean_and_variance(*statistics)
    if not starting:
        for running, new in zip((mean, variance), now):
            running.value = DECAY * running.value + (1 - DECAY) * new
    return now


def _moments(x: Array, axes: Iterable[int], keepdims: bool = False) -> tuple[Array, Array]:
    """Means of x and of x², in float32: they are of many numbers."""
    x = x.astype(jnp.float32)
    return tuple(jnp.mean(y, axis=tuple(axes), keepdims=keepdims) for y in (x, x**2))


def _mean_and_variance(mean: Array, square: Array) -> tuple[Array, Array]:
    return mean, jnp.maximum(square - mean**2, 0)  # rounding may take it below


def _normalised(x: Array, mean: Array, variance: Array, gain: Array, bias: Array, ε: float) -> Array:
    """(x - mean) / √(variance + ε) · gain + bias, in float32; of x's type.

    As a multiple of x and a shift, both small arrays: so what is large is passed over once, and once in the derivative.
    """
    slope = gain * jax.lax.rsqrt(variance + ε)
    return (x * slope + (bias - mean * slope)).astype(x.dtype)
