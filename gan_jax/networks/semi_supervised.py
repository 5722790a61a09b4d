"""Discriminators that classify (`recipes.sgan`): a logit for each class, and their logsumexp as the score.

The features that G matches are a dense layer without batch normalisation: that would give real and fake features the
same mean, and nothing would be left to match.
"""

import jax
from flax import linen as nn

from gan_jax.layers.conv import Conv
from gan_jax.layers.minibatch import minibatch_layer
from gan_jax.layers.noise import Dropout, GaussianNoise
from gan_jax.layers.norm import CENTRED, norm_layer
from gan_jax.layers.spectral import spectral_norm
from gan_jax.networks.dcgan import require_square

Array = jax.Array
_he = nn.initializers.he_normal()


class Convolutional(nn.Module):
    """For square images: strided convolutions halve them until their side is at most 4; a dense layer makes features.

    28 pixels at width 32: 28 → 14 (32 channels) → 7 (64) → 4 (128) → 256 features → K logits.

    Fields:
      num_classes: K.
      width: channels of the largest feature map; each smaller map has twice as many.
      features: how many.
      noise: deviation of Gaussian noise on the images.
      dropout: the rate of dropout of the last map.
      norm, spectral, minibatch, axis_name: as of `dcgan.Discriminator`.
    """

    num_classes: int
    width: int = 32
    features: int = 256
    noise: float = 0.3
    dropout: float = 0.5
    norm: str = "batch"
    spectral: bool = False
    minibatch: str = "none"
    axis_name: str | None = None

    @nn.compact
    def __call__(self, image: Array, condition: dict | None = None, *, train: bool) -> tuple[Array, dict[str, Array]]:
        """Images [B, H, W, C] -> (raw scores [B], {"features": [B, features], "class_logits": [B, K]}).

        `condition` changes nothing. Raises ValueError if the images are not square.
        """
        require_square(image.shape[1:])
        norm = norm_layer(self.norm, train=train, axis_name=self.axis_name)
        layer = lambda layer: spectral_norm(layer, train=train) if self.spectral else layer
        x, channels = GaussianNoise(self.noise, self.axis_name)(image, train=train), self.width
        while x.shape[1] > 4:
            x = layer(Conv(channels, 3, 2, use_bias=self.norm not in CENTRED, kernel_init=_he))(x)
            x, channels = nn.leaky_relu(norm()(x), 0.2), 2 * channels
        x = Dropout(self.dropout, self.axis_name)(x, train=train)
        features = nn.leaky_relu(layer(nn.Dense(self.features))(x.reshape(len(x), -1)), 0.2)
        seen = minibatch_layer(self.minibatch, self.axis_name if train else None)(features)
        return _with_score(layer(nn.Dense(self.num_classes))(seen), features)


class Dense(nn.Module):
    """The published one for MNIST: weight normalisation, ReLU, and Gaussian noise before each layer.

    Salimans et al. 2016 (arXiv:1606.03498, section 5.1) and their code. Its noise on images, 0.3 for pixels in [0, 1], is
    0.6 for ours in [-1, 1]. Hidden layers are √2 relu(W x + b) with W's columns of norm 1, which keeps mean squares; in
    their code the first batch sets a factor. The logits' weights learn their norm.

    Fields:
      num_classes: K; hidden: the sizes of the hidden layers, the last of which are the features.
      noise: deviations of the noise on the images and on hidden layers.
      axis_name: the mapped axis over which the batch is spread.
    """

    num_classes: int
    hidden: tuple[int, ...] = (1000, 500, 250, 250, 250)
    noise: tuple[float, float] = (0.6, 0.5)
    axis_name: str | None = None

    @nn.compact
    def __call__(self, image: Array, condition: dict | None = None, *, train: bool) -> tuple[Array, dict[str, Array]]:
        """Images [B, ...] -> (raw scores [B], {"features": [B, hidden[-1]], "class_logits": [B, K]}).

        `condition` changes nothing.
        """
        noise = lambda x, deviation: GaussianNoise(deviation, self.axis_name)(x, train=train)
        x = noise(image.reshape(len(image), -1), self.noise[0])
        for size in self.hidden:
            features = nn.relu(2**0.5 * nn.WeightNorm(nn.Dense(size), use_scale=False)(x))
            x = noise(features, self.noise[1])
        return _with_score(nn.WeightNorm(nn.Dense(self.num_classes))(x), features)


def _with_score(logits: Array, features: Array) -> tuple[Array, dict[str, Array]]:
    return jax.nn.logsumexp(logits, axis=-1), {"features": features, "class_logits": logits}
