"""Self-attention over a feature map: each place takes from all others what it has need of."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.layers.conv import Conv
from gan_jax.layers.spectral import spectral_norm

Array = jax.Array


class SelfAttention(nn.Module):
    """SAGAN's block (Zhang et al. 2019, arXiv:1805.08318, section 3), with the shapes of the authors' code: 1.25 C² + 1 numbers.

    Queries and keys have C/8 channels, values C/2; keys and values are pooled, the largest of 2×2. y = x + γ o, o the values
    as attended to, in C channels; γ starts from 0, so that the network begins without it. No layer has a bias.

    Fields: train; spectral: whether all four convolutions are spectrally normalised; kernel_init: theirs.
    """

    train: bool
    spectral: bool = False
    kernel_init: nn.initializers.Initializer = nn.initializers.orthogonal()

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """[B, H, W, C] -> the same shape; both sides are even. Raises ValueError if C is less than 8."""
        channels = x.shape[-1]
        if channels < 8:
            raise ValueError(
                f"attention takes maps of 8 channels at least, this one has {channels}; make the network wider"
            )

        def conv(name: str, features: int, x: Array) -> Array:
            layer = Conv(features, 1, use_bias=False, kernel_init=self.kernel_init, name=name)
            return spectral_norm(layer, train=self.train)(x) if self.spectral else layer(x)

        query = _places(conv("query", channels // 8, x))
        key = _places(_pooled(conv("key", channels // 8, x)))
        value = _places(_pooled(conv("value", channels // 2, x)))
        attended = attention(query, key) @ value
        out = conv("out", channels, attended.reshape(*x.shape[:-1], -1))
        return x + self.param("gain", nn.initializers.zeros, ()) * out


def attention(query: Array, key: Array) -> Array:
    """How much each query attends to each key, [B, Q, d] and [B, K, d] -> [B, Q, K]: of each query's, the sum is 1.

    The scores are inner products; they are not divided by √d, as later attention has it.
    """
    return jax.nn.softmax(jnp.einsum("bqd,bkd->bqk", query, key), axis=-1)


def _pooled(x: Array) -> Array:
    """The largest of each 2×2 places, [B, H, W, C] -> [B, H/2, W/2, C]."""
    batch, height, width, channels = x.shape
    return x.reshape(batch, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))


def _places(x: Array) -> Array:
    """[B, H, W, C] -> [B, H W, C]."""
    return x.reshape(len(x), -1, x.shape[-1])
