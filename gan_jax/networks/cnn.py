"""A small convolutional classifier for square images of 8 to 128 pixels, whose features measure other images.

Strided convolutions halve the image (rounding up) until its side is at most 4; a dense layer makes the feature vector
of the last map, and another the logits. Batch normalisation and ReLU after all but the last.
28 pixels at width 64: 28 → 14 (64 channels) → 7 (128) → 4 (128) → 128 features.
"""

from collections.abc import Callable

import jax
from flax import linen as nn

from gan_jax.layers.conv import Conv
from gan_jax.layers.conv3d import Conv3D
from gan_jax.layers.norm import norm_layer
from gan_jax.networks.dcgan import LARGEST, SMALLEST, require_square

Array = jax.Array
_he = nn.initializers.he_normal()


class Classifier(nn.Module):
    """Fields:

    num_classes: K.
    width: channels of the largest feature map; all smaller ones have twice as many, and there are as many features.
    axis_name: the mapped axis over which batch statistics are shared.
    """

    num_classes: int
    width: int = 64
    axis_name: str | None = None

    @nn.compact
    def __call__(self, image: Array, condition: dict | None = None, *, train: bool) -> tuple[Array, dict[str, Array]]:
        """Images [B, H, W, C] in [-1, 1] -> (scores [B], {"features": [B, 2 width], "class_logits": [B, K]}).

        The score is the logsumexp of the logits (`recipes.sgan`). `condition` changes nothing.
        Volumes [B, D, H, W, C] are halved along the depth as often.
        Raises ValueError if the images are not square, or not of 8 to 128 pixels.
        """
        require_square(image.shape[-3:])
        side = image.shape[-2]
        if not SMALLEST <= side <= LARGEST:
            raise ValueError(
                f"the classifier takes images of {SMALLEST} to {LARGEST} pixels a side, got {side}; --image_size resizes them"
            )
        norm = norm_layer("batch", train=train, axis_name=self.axis_name)
        x = [image, *maps(image, self.width, halvings(side), norm)][-1]
        x = nn.Dense(2 * self.width, use_bias=False, kernel_init=_he)(x.reshape(len(x), -1))
        features = nn.relu(norm()(x))
        logits = nn.Dense(self.num_classes)(features)
        return jax.nn.logsumexp(logits, axis=-1), {"features": features, "class_logits": logits}


class Maps(nn.Module):
    """The maps of a `Classifier`'s convolutions, by its weights, of images of any size. Fields: width; halvings: how many."""

    width: int
    halvings: int

    @nn.compact
    def __call__(self, image: Array) -> list[Array]:
        """Images [B, H, W, C] in [-1, 1] -> maps [B, ⌈H/2⌉, ⌈W/2⌉, width], [B, ⌈H/4⌉, ⌈W/4⌉, 2 width], ..."""
        return maps(image, self.width, self.halvings, norm_layer("batch", train=False, axis_name=None))


def halvings(side: int) -> int:
    """How often a side is halved, rounding up, until it is at most 4."""
    return 0 if side <= 4 else 1 + halvings(-(-side // 2))


def maps(x: Array, width: int, count: int, norm: Callable[[], nn.Module]) -> list[Array]:
    """What each of so many convolutions makes of the last one's map. Called in a module, whose layers they become."""
    found, conv = [], Conv if x.ndim == 4 else Conv3D
    for i in range(count):
        x = nn.relu(norm()(conv(2 * width if i else width, 4, 2, use_bias=False, kernel_init=_he)(x)))
        found.append(x)
    return found
