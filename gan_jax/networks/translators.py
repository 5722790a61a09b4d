"""Generators of unpaired translation by name, one each way."""

from collections.abc import Mapping

from flax import linen as nn

from gan_jax.networks.resnet import HALVINGS, ResNet
from gan_jax.networks.unet import UNet, halvings_of

NETWORKS = ("resnet", "unet")
MOST = 4  # halvings of a U-Net, which in textbooks' examples of CycleGAN has so many


def make(
    network: str,
    shapes: Mapping[str, tuple[int, int, int]],
    *,
    width: int,
    blocks: int,
    norm: str,
    first_norm: bool,
    axis_name: str | None,
) -> tuple[dict[str, nn.Module], int]:
    """(the generators by the domain whose images they draw, of how many pixels the sides of what they take are a multiple).

    Args: network: a name in NETWORKS; shapes: of the domains' images, (H, W, C).
    """
    sides = next(iter(shapes.values()))[:2]
    halvings = max(1, min(MOST, halvings_of(sides)))
    if min(sides) == 2**halvings and halvings > 1:
        halvings -= 1  # of a map of one pixel nothing is left by normalisation

    def one(channels: int) -> nn.Module:
        if network == "unet":
            return UNet(channels, halvings, width, norm, dropout=0.0, axis_name=axis_name)
        return ResNet(channels, blocks, width, norm, first_norm, axis_name)

    return {domain: one(shape[-1]) for domain, shape in shapes.items()}, 2 ** (
        halvings if network == "unet" else HALVINGS
    )
