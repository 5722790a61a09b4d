"""Flags of both players' networks on images, and how they become modules."""

from types import SimpleNamespace

from absl import flags
from flax import linen as nn

from experiments import gan_flags
from experiments.presets import require_known
from gan_jax import loop
from gan_jax.networks import dcgan, mlp

NETWORKS = ("dcgan", "mlp")

flags.DEFINE_string("network", "dcgan", f"Of both players: {', '.join(NETWORKS)}.")
flags.DEFINE_integer("width", 32, "dcgan: channels of the largest hidden map; 64 as published.", lower_bound=1)
flags.DEFINE_integer("kernel_size", 4, "dcgan: of all convolutions; even avoids a checkerboard.", lower_bound=1)
flags.DEFINE_float("g_negative_slope", 0.0, "dcgan: of G's rectifiers; 0 is ReLU.", lower_bound=0)
flags.adopt_module_key_flags(gan_flags)


def resolve(config: SimpleNamespace) -> SimpleNamespace:
    """The configuration with the game's own values filled in. Raises ValueError for unknown names and sizes."""
    require_known("network", config.network, NETWORKS)
    brought = dict(g_norm="batch") if config.network == "dcgan" else dict(g_norm="none", d_norm="none")
    return gan_flags.resolve(config, **brought)


def make(config: SimpleNamespace, image_shape: tuple[int, int, int]) -> tuple[nn.Module, nn.Module]:
    """The generator and the discriminator of a resolved configuration."""
    fields = gan_flags.d_fields(config)
    if config.network == "dcgan":
        discriminator = dcgan.Discriminator(width=config.width, kernel_size=config.kernel_size, **fields)
    else:
        discriminator = mlp.Discriminator(gan_flags.sizes(config.hidden)[::-1], **fields)
    return make_generator(config, image_shape), discriminator


def make_generator(config: SimpleNamespace, image_shape: tuple[int, int, int], **fields) -> nn.Module:
    """The generator of a resolved configuration. Args: fields: others of its network's."""
    fields |= dict(norm=config.g_norm, axis_name=loop.AXIS)
    if config.network == "dcgan":
        fields |= dict(width=config.width, kernel_size=config.kernel_size, negative_slope=config.g_negative_slope)
        generator = dcgan.Generator(image_shape, **fields)
    else:
        generator = mlp.Generator(image_shape, gan_flags.sizes(config.hidden), **fields)
    return gan_flags.with_reference(config, generator)
