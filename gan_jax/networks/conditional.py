"""Class-conditional networks: any generator and any discriminator, with a label joined to what they take.

Four ways, by the names in CONDITIONINGS:
  embed: a learnt vector of each label is multiplied into z (as in Keras's ACGAN), and another, as an image of one
    channel, is joined to D's images. z times a vector has mean 0 whatever the label, so G learns labels less surely
    than by the other two.
  concat: the label, as one-hot vector, is joined to z (Mirza & Osindero 2014, arXiv:1411.1784, section 4.1), and
    through a dense layer, as an image of one channel, to D's images.
  projection: the inner product of a learnt vector of the label and D's features is added to D's score (Miyato & Koyama
    2018, arXiv:1802.05637, eq. 3); feature maps are summed over space, so its weights start from N(0, 0.02²), that the
    image counts too. z as in concat. (Their G has conditional batch normalisation.)
  auxiliary: D is given no label, but has a logit for each class beside its score, and learns to classify; so does G, for
    which it counts as well (AC-GAN: Odena et al. 2017, arXiv:1610.09585; `terms.auxiliary`). z as in concat.
"""

import math

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.layers.spectral import spectral_norm

Array = jax.Array

CONDITIONINGS = ("embed", "concat", "projection", "auxiliary")


class Generator(nn.Module):
    """A generator of images of a given class.

    Fields: generator: of z alone; num_classes: K; conditioning: a name in CONDITIONINGS.
    """

    generator: nn.Module
    num_classes: int
    conditioning: str = "embed"

    @nn.compact
    def __call__(self, z: Array, condition: dict[str, Array], *, train: bool) -> Array:
        """z [B, latent_size], {"label": int32 [B] in 0..K-1} -> images as the generator's.

        Labels may also be weights of the classes, float [B, K]: what a label adds is linear in its one-hot vector, so
        weights of two classes give what lies between.

        Raises ValueError for an unknown conditioning.
        """
        _require_known(self.conditioning)
        label = condition["label"]
        weighted = label.ndim == 2
        if self.conditioning == "embed":
            embed = nn.Embed(self.num_classes, z.shape[-1], embedding_init=nn.initializers.normal(1.0))
            z = z * (label @ embed.embedding if weighted else embed(label))
        else:
            z = jnp.concatenate([z, classes_of(condition, self.num_classes, z.dtype)], axis=-1)
        return self.generator(z, train=train)


class Discriminator(nn.Module):
    """A discriminator of pairs of an image and a label.

    Fields:
      discriminator: of images alone; for a projection its features are [B, C] or [B, h, w, C].
      num_classes: K; conditioning: a name in CONDITIONINGS.
      spectral: whether the layers that take the label are spectrally normalised too.
    """

    discriminator: nn.Module
    num_classes: int
    conditioning: str = "embed"
    spectral: bool = False

    @nn.compact
    def __call__(self, image: Array, condition: dict[str, Array], *, train: bool) -> tuple[Array, dict[str, Array]]:
        """Images [B, H, W, C], {"label": int32 [B] in 0..K-1} -> as the discriminator's, (raw scores [B], dict); with
        "auxiliary" the dict has "class_logits" [B, K] too.

        Raises ValueError for an unknown conditioning.
        """
        _require_known(self.conditioning)
        label = condition["label"]
        layer = lambda layer: spectral_norm(layer, train=train) if self.spectral else layer
        if self.conditioning == "projection":
            score, out = self.discriminator(image, train=train)
            features = jnp.sum(out["features"], axis=range(1, out["features"].ndim - 1))
            embedding = nn.Embed(self.num_classes, features.shape[-1], embedding_init=nn.initializers.normal(0.02))
            return score + jnp.sum(layer(embedding)(label) * features, axis=-1), out
        if self.conditioning == "auxiliary":
            score, out = self.discriminator(image, train=train)
            features = out["features"].reshape(len(image), -1)
            return score, {**out, "class_logits": layer(nn.Dense(self.num_classes))(features)}
        pixels = math.prod(image.shape[1:-1])
        if self.conditioning == "concat":
            plane = layer(nn.Dense(pixels))(jax.nn.one_hot(label, self.num_classes, dtype=image.dtype))
        else:
            plane = layer(nn.Embed(self.num_classes, pixels, embedding_init=nn.initializers.normal(1.0)))(label)
        joined = jnp.concatenate([image, plane.reshape(*image.shape[:-1], 1).astype(image.dtype)], axis=-1)
        return self.discriminator(joined, train=train)


def classes_of(condition: dict[str, Array] | None, num_classes: int, dtype: jnp.dtype) -> Array | None:
    """One-hot vectors [B, K] of the labels, or the weights of the classes that they are already; None without classes."""
    if not num_classes:
        return None
    label = condition["label"]
    return label.astype(dtype) if label.ndim == 2 else jax.nn.one_hot(label, num_classes, dtype=dtype)


def _require_known(conditioning: str) -> None:
    if conditioning not in CONDITIONINGS:
        raise ValueError(f"unknown conditioning {conditioning!r}; choose from {', '.join(CONDITIONINGS)}")
