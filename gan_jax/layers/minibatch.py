"""Layers by which D sees how alike the examples of a batch are, so that a collapsed G gives itself away."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.devices import batch_mean

Array = jax.Array

MINIBATCH = ("none", "discrimination", "stddev")


class MinibatchDiscrimination(nn.Module):
    """Adds each example's closeness to the batch, by `kernels` measures (Salimans et al. 2016, arXiv:1606.03498, 3.2).

    M = f(x) T, T [features, kernels, dims]; o_b(x_i) = Σ_j exp(-‖M_ib - M_jb‖₁), the sum over all j of the batch, i
    included, as in the paper. Maps [B, H, W, C] are flattened.

    Fields: axis_name: the mapped axis over which the batch is spread.
    """

    kernels: int = 100
    dims: int = 5
    axis_name: str | None = None

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """[B, ...] -> [B, features + kernels]."""
        x = x.reshape(len(x), -1)
        own = nn.Dense(self.kernels * self.dims, use_bias=False, name="T")(x).reshape(-1, self.kernels, self.dims)
        every = own if self.axis_name is None else jax.lax.all_gather(own, self.axis_name, tiled=True)
        distances = jnp.sum(jnp.abs(own[:, None] - every), axis=-1)
        return jnp.concatenate([x, jnp.sum(jnp.exp(-distances), axis=1)], axis=-1)


class MinibatchStddev(nn.Module):
    """Adds one feature, or feature map, of one number: the mean of all features' standard deviations over the batch.

    Karras et al. 2018 (Progressive GAN, arXiv:1710.10196, section 3): ddof 0, 1e-8 inside the root, as in their code.
    The batch is one group by default. Groups of G are strided, as in their code: of N examples, those of the whole batch
    over all devices, example i is grouped with i + M, i + 2M, ..., M = N / G. So the number of devices changes nothing.

    Fields:
      group: G, which divides N, or None; a smaller batch is one group.
      axis_name: the mapped axis over which the batch is spread.
    """

    group: int | None = None
    axis_name: str | None = None

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """[B, ..., C] -> [B, ..., C + 1]. Raises ValueError if groups do not divide the batch."""
        if self.group is not None:
            return jnp.concatenate([x, self._of_groups(x)], axis=-1)
        variance = batch_mean((x - batch_mean(x, self.axis_name, 0)) ** 2, self.axis_name, 0)
        deviation = jnp.mean(jnp.sqrt(variance + 1e-8))
        return jnp.concatenate([x, jnp.broadcast_to(deviation, (*x.shape[:-1], 1))], axis=-1)

    def _of_groups(self, x: Array) -> Array:
        """The deviation of each example's group, [B, ..., 1]."""
        every = x if self.axis_name is None else jax.lax.all_gather(x, self.axis_name, tiled=True)
        group = min(self.group, len(every))
        if len(every) % group:
            raise ValueError(f"a batch of {len(every)} cannot be divided into groups of {group}")
        groups = every.reshape(group, -1, *every.shape[1:])
        deviation = jnp.sqrt(jnp.mean((groups - groups.mean(axis=0)) ** 2, axis=0) + 1e-8)
        means = jnp.tile(jnp.mean(deviation, axis=range(1, deviation.ndim)), group)
        if self.axis_name is not None:
            means = jax.lax.dynamic_slice_in_dim(means, jax.lax.axis_index(self.axis_name) * len(x), len(x))
        return jnp.broadcast_to(means.reshape(-1, *[1] * (x.ndim - 1)), (*x.shape[:-1], 1))


def minibatch_layer(name: str, axis_name: str | None = None) -> Callable[[Array], Array]:
    """The layer of one of the names in MINIBATCH; "none" adds nothing. Raises ValueError for another name."""
    if name not in MINIBATCH:
        raise ValueError(f"unknown minibatch layer {name!r}; choose from {', '.join(MINIBATCH)}")
    layers = {"discrimination": MinibatchDiscrimination, "stddev": MinibatchStddev}
    return layers[name](axis_name=axis_name) if name in layers else lambda x: x
