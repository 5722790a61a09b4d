"""PatchGAN: a discriminator that scores each patch of an image, and so looks at texture rather than at the whole.

Isola et al. 2017 (pix2pix, arXiv:1611.07004, section 3.2.2 and appendix 6.1), with the layers and biases of the authors' PyTorch
code: 2,768,705 parameters with three layers, six channels and batch normalisation.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.layers.conv import Conv
from gan_jax.layers.norm import BatchNorm, InstanceNorm

Array = jax.Array
INIT = nn.initializers.normal(0.02)
NORMS = ("batch", "instance")


def made_norm(name: str, train: bool, axis_name: str | None) -> tuple[Callable[[], nn.Module], bool]:
    """A maker of normalisation layers, a name in NORMS; and whether convolutions before them have a bias, as the authors have it.

    Raises ValueError for another name.
    """
    if name == "batch":
        return partial(BatchNorm, train, axis_name), False
    if name == "instance":
        return InstanceNorm, True
    raise ValueError(f"unknown norm {name!r}; choose from {', '.join(NORMS)}")


def receptive_field(layers: int) -> int:
    """The side of the patch that a score looks at, in pixels: 16, 34, 70, 142, 286 of 1 to 5 layers that halve; of 0, 1."""
    side = 1
    for stride in [1, 1, *[2] * layers] if layers else []:
        side = (side - 1) * stride + 4
    return side


class PatchGAN(nn.Module):
    """Images, and what they are made of, to raw scores.

    Fields:
      layers: how many of them halve; 0: each pixel is scored by itself (PixelGAN).
      width: channels after the first.
      norm: a name in NORMS.
      axis_name: the mapped axis over which the batch is spread.
    """

    layers: int = 3
    width: int = 64
    norm: str = "batch"
    axis_name: str | None = None

    @nn.compact
    def __call__(self, image: Array, condition: dict[str, Array] | None = None, *, train: bool) -> tuple[Array, dict]:
        """Images [B, H, W, C], {"image": those that they are made of} -> (raw scores [B, h, w], {"maps": [of each layer]}).

        Raises ValueError if the image is so small that there is no patch.
        """
        norm, bias = made_norm(self.norm, train, self.axis_name)
        x = image if condition is None else jnp.concatenate([condition["image"], image], axis=-1)
        act, maps = partial(nn.leaky_relu, negative_slope=0.2), []
        conv = partial(_conv, kernel_size=4 if self.layers else 1)
        strides = [2] * self.layers + [1] if self.layers else [1, 1]
        for i, stride in enumerate(strides):
            x = conv(x, self.width * min(2**i, 8), stride, use_bias=bias or i == 0)
            x = act(norm()(x) if i else x)
            maps.append(x)
        last = conv(x, 1, 1, use_bias=bias or self.layers > 0)
        return last[..., 0], {"maps": maps}


def _conv(x: Array, features: int, stride: int, *, kernel_size: int, use_bias: bool) -> Array:
    """Padded by one zero on each side, if the kernel is of 4×4: a map of n becomes one of n/2, or with stride 1 of n - 1."""
    x = Conv(features, kernel_size, stride, use_bias=use_bias, kernel_init=INIT)(x)
    if kernel_size == 1 or stride == 2:
        return x
    if min(x.shape[1:3]) < 2:
        raise ValueError(
            "the image is too small for this many layers of a PatchGAN: fewer patch_layers, or larger images"
        )
    return x[:, :-1, :-1]  # SAME pads by one before and two after
