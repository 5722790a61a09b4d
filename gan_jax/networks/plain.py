"""Convolutional classifiers without normalisation: those of the papers on robust training.

small (Wong et al. 2020, arXiv:2001.03994): 4×4 convolutions that halve, to 16 and 32 channels, a dense layer of 100; of MNIST
166,406 parameters. madry (Madry et al. 2018, arXiv:1706.06083, section 4): 5×5 convolutions to 32 and 64 channels, each
max-pooled by 2, a dense layer of 1024; of MNIST 3,274,634 parameters.
"""

import jax
from flax import linen as nn

from gan_jax.layers.conv import Conv

Array = jax.Array


class Small(nn.Module):
    """Fields: num_classes: K; width: channels of the first map."""

    num_classes: int
    width: int = 16

    @nn.compact
    def __call__(self, image: Array, condition: dict | None = None, *, train: bool) -> tuple[Array, dict[str, Array]]:
        """As `cnn.Classifier`'s, of images of any size."""
        x = nn.relu(Conv(self.width, 4, 2)(image))
        x = nn.relu(Conv(2 * self.width, 4, 2)(x))
        return _classes(x, 100, self.num_classes)


class Madry(nn.Module):
    """Fields: num_classes: K; width: channels of the first map."""

    num_classes: int
    width: int = 32

    @nn.compact
    def __call__(self, image: Array, condition: dict | None = None, *, train: bool) -> tuple[Array, dict[str, Array]]:
        """As `cnn.Classifier`'s, of images of any size."""
        x = image
        for channels in (self.width, 2 * self.width):
            x = nn.max_pool(nn.relu(Conv(channels, 5)(x)), (2, 2), (2, 2), "SAME")
        return _classes(x, 1024, self.num_classes)


def _classes(maps: Array, hidden: int, count: int) -> tuple[Array, dict[str, Array]]:
    """(their logsumexp [B], features and logits) of the last maps. Called in a module, whose layers they become."""
    features = nn.relu(nn.Dense(hidden)(maps.reshape(len(maps), -1)))
    logits = nn.Dense(count)(features)
    return jax.nn.logsumexp(logits, axis=-1), {"features": features, "class_logits": logits}
