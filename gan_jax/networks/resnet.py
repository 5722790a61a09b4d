"""A ResNet that makes an image into another of the same size: CycleGAN's generator.

Johnson et al. 2016 (arXiv:1603.08155), as Zhu et al. 2017 (CycleGAN, arXiv:1703.10593, appendix 7.2) have it, with the layers and
biases of the authors' PyTorch code: 11,378,179 parameters with nine blocks and three channels, 7,837,699 with six.
"""

from functools import partial

import jax
from flax import linen as nn

from gan_jax.layers.conv import Conv, ConvTranspose
from gan_jax.networks.latent import by_latent
from gan_jax.networks.patchgan import INIT, made_norm

Array = jax.Array
HALVINGS = 2
LEAST = 2**HALVINGS * 2  # pixels a side: what is halved twice is still reflected, and has several places


class ResNet(nn.Module):
    """Images [B, H, W, C] in [-1, 1] -> images [B, H, W, channels] in [-1, 1]; sides are multiples of 4.

    With latents it draws an image in many ways (`latent.by_latent`).

    Fields:
      channels: of what it draws.
      blocks: residual ones, on maps a quarter as large.
      width: channels of the largest maps.
      norm: a name in `patchgan.NORMS`.
      first_norm: whether the first layer is normalised, as published. With instance norms it then cannot see by how much all of an
        image is brighter or redder: that shifts all of a channel, and its mean is taken away.
      axis_name: the mapped axis over which the batch is spread.
    """

    channels: int
    blocks: int = 9
    width: int = 64
    norm: str = "instance"
    first_norm: bool = True
    axis_name: str | None = None

    @nn.compact
    def __call__(self, x: Array, z: Array | None = None, *, train: bool) -> Array:
        """Args: z: latents [B, d]. Raises ValueError for sides that it does not take, or another norm with latents."""
        height, width = x.shape[1:3]
        if any(side % 2**HALVINGS or side < LEAST for side in (height, width)):
            raise ValueError(
                f"images of {height}x{width}: this ResNet takes multiples of {2**HALVINGS} from {LEAST} on"
            )
        norm, bias = made_norm(self.norm, train, self.axis_name)
        normed = by_latent(self.norm, norm, z)
        conv = partial(Conv, use_bias=bias, kernel_init=INIT)
        x = conv(self.width, 7, reflects=True)(x)
        x = nn.relu(normed(x) if self.first_norm else x)
        for i in range(HALVINGS):
            x = nn.relu(normed(conv(self.width * 2 ** (i + 1), 3, 2)(x)))
        for _ in range(self.blocks):
            same = partial(conv, x.shape[-1], 3, reflects=True)
            x = x + normed(same()(nn.relu(normed(same()(x)))))
        for i in reversed(range(HALVINGS)):
            x = ConvTranspose(self.width * 2**i, 3, 2, use_bias=bias, kernel_init=INIT)(x)
            x = nn.relu(normed(x))
        return nn.tanh(Conv(self.channels, 7, reflects=True, kernel_init=INIT)(x))
