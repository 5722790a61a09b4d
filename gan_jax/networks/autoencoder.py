"""The halves of a variational autoencoder: images to the mean and log variance of a latent, and latents to images."""

import jax
from flax import linen as nn

from gan_jax.layers.conv import Conv
from gan_jax.networks.dcgan import channels, sides

Array = jax.Array


class DenseEncoder(nn.Module):
    """By dense layers with rectifiers.

    Fields: latent_size: d; hidden: the sizes of the hidden layers.
    """

    latent_size: int
    hidden: tuple[int, ...] = (256,)

    @nn.compact
    def __call__(self, image: Array, *, train: bool) -> tuple[Array, Array]:
        """[B, ...] -> (means [B, d], log variances [B, d])."""
        x = image.reshape(len(image), -1)
        for size in self.hidden:
            x = nn.relu(nn.Dense(size)(x))
        return nn.Dense(self.latent_size, name="mean")(x), nn.Dense(self.latent_size, name="log_variance")(x)


class ConvEncoder(nn.Module):
    """By strided convolutions with rectifiers, through the feature maps that `dcgan.Discriminator` has.

    Fields: latent_size: d; width: channels of the largest map.
    """

    latent_size: int
    width: int = 32

    @nn.compact
    def __call__(self, image: Array, *, train: bool) -> tuple[Array, Array]:
        """[B, H, W, C] -> (means [B, d], log variances [B, d])."""
        x, smaller = image, sides(image.shape[1:3])[1:]
        for count in channels(self.width, len(smaller)):
            x = nn.relu(Conv(count, 4, 2, kernel_init=nn.initializers.he_normal())(x))
        x = x.reshape(len(x), -1)
        return nn.Dense(self.latent_size, name="mean")(x), nn.Dense(self.latent_size, name="log_variance")(x)
