"""The options of SAGAN's and BigGAN's networks, and the networks of a configuration that has them."""

from dataclasses import dataclass
from types import ModuleType

from flax import linen as nn

from gan_jax.config.gan import LatentConfig
from gan_jax.config.options import option
from gan_jax.data import DataSpec
from gan_jax.networks import biggan
from gan_jax.networks.framing import doublings
from gan_jax.training.parallel import AXIS


@dataclass(frozen=True)
class ResidualConfig(LatentConfig):
    """What both networks are like."""

    width: int = option(
        16, "The unit of channels, of which each map has a multiple; 64 of SAGAN and 96 of BigGAN as published.", low=2
    )
    attention: int | None = option(
        None,
        "Side of the map over which there is attention, 0 for none; by default as published, and half the side below 128 pixels.",
        low=0,
    )
    g_spectral_norm: bool = option(True, "Spectral normalisation of G's layers.")
    d_spectral_norm: bool = option(True, "Spectral normalisation of D's layers.")
    weights: str = option("orthogonal", "How weights begin.", choices=biggan.INITIALIZERS)
    conditional: bool = option(True, "Whether the networks are given the class, where there are several.")


def networks_of(
    config: ResidualConfig, spec: DataSpec, module: ModuleType = biggan, **of_g: object
) -> tuple[nn.Module, nn.Module]:
    """The generator and the discriminator, which know the classes that the spec counts.

    Args: module: biggan or biggan_deep; of_g: other fields of the generator.
    Raises ValueError if there is no map over which there is to be attention.
    """
    *smaller, side = doublings(spec.image_shape[:2])
    least = side >> biggan.LAYOUTS[side].halvings  # of D's maps
    biggan.require_side(config.attention, [each for each in smaller if each >= least])
    g_side, d_side = module.ATTENTION[side] if config.attention is None else [config.attention] * 2
    shared = dict(
        width=config.width, num_classes=len(spec.class_counts), kernel_init=biggan.INITIALIZERS[config.weights]
    )
    generator = module.Generator(
        spec.image_shape, attention=g_side, spectral=config.g_spectral_norm, axis_name=AXIS, **shared, **of_g
    )
    return generator, module.Discriminator(attention=d_side, spectral=config.d_spectral_norm, **shared)
