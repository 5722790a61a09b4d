"""A U-Net of partial convolutions, which fills holes from their edges inwards (Liu et al. 2018, arXiv:1804.07723, section 3.3)."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.layers.norm import BatchNorm
from gan_jax.layers.partial_conv import PartialConv
from gan_jax.layers.resample import upscale
from gan_jax.networks.unet import WIDEST, require_halvings

Array = jax.Array
HE = nn.initializers.he_normal()


class PartialUNet(nn.Module):
    """Images [B, H, W, C] in [-1, 1] and where they are missing, bool [B, H, W, 1], to images [B, H, W, C] in [-1, 1].

    What is in a hole changes nothing. On the way down maps halve, with kernels of 7, 5, 3, 3, ..., on the way up they are enlarged
    by the nearest and joined by those of their size, masks too.

    Fields: halvings; width: channels of the largest maps inside; axis_name: the mapped axis over which the batch is spread.
    """

    halvings: int = 5
    width: int = 64
    axis_name: str | None = None

    @nn.compact
    def __call__(self, x: Array, mask: Array, *, train: bool) -> Array:
        """Raises ValueError if the sides cannot be halved so often."""
        require_halvings(x.shape[1:3], self.halvings)
        there = 1 - mask.astype(x.dtype)
        image = jnp.where(mask, 0, x)
        down = [(image, there)]
        for i in range(self.halvings):
            h, there = PartialConv(self._count(i), max(3, 7 - 2 * i), 2, use_bias=False, kernel_init=HE)(*down[-1])
            down.append((nn.relu(BatchNorm(train, self.axis_name)(h) if i else h), there))
        h, there = down.pop()
        for i in reversed(range(self.halvings)):
            beside, was_there = down.pop()
            # Channels of one place have one mask: what is known of either is known.
            h = jnp.concatenate([upscale(h), beside], axis=-1)
            there = jnp.maximum(upscale(there), was_there)
            last = i == 0
            count = x.shape[-1] if last else self._count(i - 1)
            h, there = PartialConv(count, 3, use_bias=last, kernel_init=HE)(h, there)
            if not last:
                h = nn.leaky_relu(BatchNorm(train, self.axis_name)(h), 0.2)
        return nn.tanh(h)

    def _count(self, number: int) -> int:
        return self.width * min(2**number, WIDEST)
