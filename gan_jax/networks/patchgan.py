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
from gan_jax.layers.norm import CENTRED, InstanceNorm, norm_layer
from gan_jax.layers.spectral import spectral_norm

Array = jax.Array
INIT = nn.initializers.normal(0.02)
NORMS = ("batch", "instance", "none")


def made_norm(name: str, train: bool, axis_name: str | None) -> tuple[Callable[[], nn.Module], bool]:
    """A maker of normalisation layers, a name in NORMS; and whether convolutions before them have a bias, as the authors have it.

    Raises ValueError for another name.
    """
    if name not in NORMS:
        raise ValueError(f"unknown norm {name!r}; choose from {', '.join(NORMS)}")
    norm = InstanceNorm if name == "instance" else norm_layer(name, train=train, axis_name=axis_name)
    return norm, name not in CENTRED


class PatchGAN(nn.Module):
    """Images, and what they are made of, to raw scores.

    Fields:
      layers: how many of them halve; a score looks at a patch of 16, 34, 70, 142 or 286 pixels a side with 1 to 5 of them, and with
        0 at a pixel (PixelGAN).
      width: channels after the first.
      norm: a name in NORMS.
      axis_name: the mapped axis over which the batch is spread.
      spectral: whether its convolutions, but the first and the last, are spectrally normalised and have no bias, as SPADE's.
    """

    layers: int = 3
    width: int = 64
    norm: str = "batch"
    axis_name: str | None = None
    spectral: bool = False

    @nn.compact
    def __call__(self, image: Array, condition: dict[str, Array] | None = None, *, train: bool) -> tuple[Array, dict]:
        """Images [B, H, W, C], {"image": those that they are made of} -> (raw scores [B, h, w], {"maps": [of each layer]}).

        Raises ValueError if the image is so small that there is no patch.
        """
        norm, bias = made_norm(self.norm, train, self.axis_name)
        inner = bias and not self.spectral
        x = image if condition is None else jnp.concatenate([condition["image"], image], axis=-1)
        act, maps = partial(nn.leaky_relu, negative_slope=0.2), []
        conv = partial(_conv, kernel_size=4 if self.layers else 1, train=train)
        strides = [2] * self.layers + [1] if self.layers else [1, 1]
        for i, stride in enumerate(strides):
            x = conv(x, self.width * min(2**i, 8), stride, use_bias=inner or i == 0, spectral=self.spectral and i > 0)
            x = act(norm()(x) if i else x)
            maps.append(x)
        last = conv(x, 1, 1, use_bias=bias or self.layers > 0)
        return last[..., 0], {"maps": maps}


class MultiScale(nn.Module):
    """PatchGANs of an image and of the same ever half as large, each with weights of its own (Wang et al. 2018, arXiv:1711.11585).

    Fields: scales: how many; the others: as `PatchGAN`'s.
    """

    scales: int = 2
    layers: int = 3
    width: int = 64
    spectral: bool = True

    @nn.compact
    def __call__(
        self, image: Array, condition: dict[str, Array], *, train: bool
    ) -> tuple[list[Array], list[list[Array]]]:
        """As `PatchGAN`'s -> (raw scores [B, h, w] of each scale, the maps of each scale's layers)."""
        scores, maps, given = [], [], condition["image"]
        for _ in range(self.scales):
            patches = PatchGAN(self.layers, self.width, "instance", spectral=self.spectral)
            score, out = patches(image, {"image": given}, train=train)
            scores.append(score)
            maps.append(out["maps"])
            image, given = (_halved(x) for x in (image, given))
        return scores, maps


def _halved(x: Array) -> Array:
    """Means over windows of 3×3, every second one; beyond the edges nothing counts. [B, H, W, C] -> [B, ⌈H/2⌉, ⌈W/2⌉, C]."""
    return nn.avg_pool(x, (3, 3), (2, 2), ((1, 1), (1, 1)), count_include_pad=False).astype(x.dtype)


def _conv(
    x: Array, features: int, stride: int, *, kernel_size: int, use_bias: bool, train: bool, spectral: bool = False
) -> Array:
    """Padded by one zero on each side, if the kernel is of 4×4: a map of n becomes one of n/2, or with stride 1 of n - 1."""
    conv = Conv(features, kernel_size, stride, use_bias=use_bias, kernel_init=INIT)
    x = (spectral_norm(conv, train=train) if spectral else conv)(x)
    if kernel_size == 1 or stride == 2:
        return x
    if min(x.shape[1:3]) < 2:
        raise ValueError(
            "the image is too small for this many layers of a PatchGAN: fewer patch_layers, or larger images"
        )
    return x[:, :-1, :-1]  # SAME pads by one before and two after
