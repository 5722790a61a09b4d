"""The networks by name: the one place where a new one is added.

A module is called only with the fields that it has (`build`), so networks need not agree on what they can be told.
"""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from flax import linen as nn

from gan_jax.networks import dcgan, mlp, semi_supervised


class Networks(NamedTuple):
    """The players of one architecture, as classes of modules.

    Fields:
      generator: z [B, latent_size] -> images [B, H, W, C].
      discriminator: images -> (raw scores [B, ...], dict).
      classifier: a discriminator whose dict has "class_logits" [B, K] (`recipes.sgan`); None if there is none.
      defaults: flags that these networks bring unless they are given.
    """

    generator: type[nn.Module]
    discriminator: type[nn.Module]
    classifier: type[nn.Module] | None = None
    defaults: Mapping[str, object] = MappingProxyType({})


NETWORKS: dict[str, Networks] = {
    "dcgan": Networks(dcgan.Generator, dcgan.Discriminator, semi_supervised.Convolutional, {"g_norm": "batch"}),
    "mlp": Networks(mlp.Generator, mlp.Discriminator, semi_supervised.Dense, {"g_norm": "none", "d_norm": "none"}),
}


def build(module: type[nn.Module], **fields) -> nn.Module:
    """The module with those of the fields that it has."""
    own = {field.name for field in dataclasses.fields(module)}
    return module(**{name: value for name, value in fields.items() if name in own})
