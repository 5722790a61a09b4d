"""The options of SAGAN's and BigGAN's networks, and the networks of a configuration that has them."""

from dataclasses import dataclass
from types import ModuleType

from flax import linen as nn

from gan_jax.config.gan import LatentConfig
from gan_jax.config.options import option
from gan_jax.data import DataSpec
from gan_jax.networks import biggan
from gan_jax.networks.framing import side_of
from gan_jax.training.parallel import AXIS

SMALLEST_PUBLISHED = 64  # the side of images for which networks with attention have been published


@dataclass(frozen=True)
class ResidualConfig(LatentConfig):
    """What both networks are like."""

    width: int = option(16, "The unit of channels; 64 of SAGAN and 96 of BigGAN as published.", low=2)
    attention: int | None = option(
        None,
        "Side of the map over which there is attention, 0 for none; by default as published, or half of small images' side.",
        low=0,
    )
    g_spectral_norm: bool = option(True, "Spectral normalisation of G's layers.")
    d_spectral_norm: bool = option(True, "Spectral normalisation of D's layers.")
    weights: str = option("orthogonal", "How weights begin.", choices=biggan.INITIALIZERS)
    conditional: bool = option(True, "Whether the networks are given the class, where there are classes.")


def num_classes(config: ResidualConfig, spec: DataSpec) -> int:
    """How many classes the networks know; 0 for none."""
    return len(spec.classes) if config.conditional and len(spec.classes) > 1 else 0


def networks_of(
    config: ResidualConfig, spec: DataSpec, module: ModuleType = biggan, **of_g: object
) -> tuple[nn.Module, nn.Module]:
    """The generator and the discriminator. Args: module: biggan or biggan_deep; of_g: other fields of the generator."""
    side = side_of(spec.image_shape[:2])
    usual = biggan.LAYOUTS[side].attention if side >= SMALLEST_PUBLISHED else [side // 2 if side > 8 else 0] * 2
    g_side, d_side = usual if config.attention is None else [config.attention] * 2
    both = dict(
        width=config.width, num_classes=num_classes(config, spec), kernel_init=biggan.INITIALIZERS[config.weights]
    )
    generator = module.Generator(
        spec.image_shape, attention=g_side, spectral=config.g_spectral_norm, axis_name=AXIS, **both, **of_g
    )
    return generator, module.Discriminator(attention=d_side, spectral=config.d_spectral_norm, **both)
