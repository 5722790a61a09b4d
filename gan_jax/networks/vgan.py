"""VGAN's networks (Vondrick et al. 2016, arXiv:1609.02612): two streams, a ground that stands still and what moves before it.

G: one stream draws a foreground f and a mask m in [0, 1] by 3-D convolutions, the other a still background b by 2-D ones; the video
is m f + (1 - m) b (section 2.1). Its first maps are of 4×4 pixels, and T / 2^k frames for frames that are doubled k times. D halves
a video in space and time. No convolution has a bias before a normalisation, and rectifiers of D leak 0.2. It sows the mean of m as
"moving".
"""

from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.layers.conv import ConvTranspose
from gan_jax.layers.conv3d import Conv3D, ConvTranspose3D
from gan_jax.layers.norm import norm_layer
from gan_jax.networks.gan3d import first
from gan_jax.networks.mocogan import FIRST, doublings

Array = jax.Array
_normal = nn.initializers.normal(0.01)
_dense = partial(nn.Dense, use_bias=False, kernel_init=_normal)


def first_frames(frames: int, side: int) -> int:
    """Of the first maps. Raises ValueError if frames are no multiple of what they are doubled by."""
    factor = 2 ** doublings(side)
    if frames % factor:
        raise ValueError(f"frames={frames}: must be a multiple of {factor} for frames of {side} pixels")
    return frames // factor


class Generator(nn.Module):
    """Latents to videos.

    Fields: shape: (T, H, W, C), H = W; width: channels of the largest hidden maps; axis_name: the mapped axis over which batch
    statistics are shared.
    """

    shape: tuple[int, int, int, int]
    width: int = 64
    axis_name: str | None = None

    @nn.compact
    def __call__(self, z: Array, condition: dict | None = None, *, train: bool) -> Array:
        """[B, latent_size] -> videos [B, T, H, W, C] in [-1, 1]. `condition` changes nothing."""
        frames, side, _, colours = self.shape
        count, norm = doublings(side), norm_layer("batch", train=train, axis_name=self.axis_name)
        act = lambda x: nn.relu(norm()(x))
        most = self.width * 2 ** (count - 1)
        up = dict(kernel_size=4, strides=2, kernel_init=_normal)
        least = (first_frames(frames, side), FIRST, FIRST)
        moving = act(_dense(least[0] * FIRST**2 * most, name="moving")(z).reshape(-1, *least, most))
        still = act(_dense(FIRST**2 * most, name="still")(z).reshape(-1, FIRST, FIRST, most))
        for number in reversed(range(count - 1)):
            moving = act(ConvTranspose3D(self.width * 2**number, use_bias=False, **up)(moving))
            still = act(ConvTranspose(self.width * 2**number, use_bias=False, **up)(still))
        foreground = nn.tanh(ConvTranspose3D(colours, name="foreground", **up)(moving))
        mask = nn.sigmoid(ConvTranspose3D(1, name="mask", **up)(moving))
        background = nn.tanh(ConvTranspose(colours, name="background", **up)(still))
        if not self.is_initializing():  # or else it would be one of the variables
            self.sow("moving", "share", jnp.mean(mask))
        return mask * foreground + (1 - mask) * background[:, None]


class Discriminator(nn.Module):
    """Videos [B, T, H, W, C] to scores [B].

    Fields: width, axis_name: as the generator's; norm: "batch", as published, "layer" or "none".
    """

    width: int = 64
    norm: str = "batch"
    axis_name: str | None = None

    @nn.compact
    def __call__(self, video: Array, condition: dict | None = None, *, train: bool) -> tuple[Array, dict[str, Array]]:
        own = first(self.norm, 0.01)
        norm, x = norm_layer(self.norm, train=train, axis_name=self.axis_name), video
        for number in range(doublings(video.shape[2])):
            x = Conv3D(self.width * 2**number, 4, 2, **own)(x)
            x = nn.leaky_relu(norm()(x) if number else x, 0.2)
        return nn.Dense(1, **own)(x.reshape(len(x), -1))[:, 0], {"features": x}
