"""The networks of `cases`, as PyTorch's users write them. `torch_side` plays with them."""

from collections.abc import Callable
from itertools import pairwise

from torch import nn


def book28_generator() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(100, 256 * 7 * 7),
        nn.Unflatten(1, (256, 7, 7)),
        nn.ConvTranspose2d(256, 128, 3, stride=2, padding=1, output_padding=1, bias=False),
        nn.BatchNorm2d(128),
        nn.LeakyReLU(0.01, inplace=True),
        nn.ConvTranspose2d(128, 64, 3, stride=1, padding=1, bias=False),
        nn.BatchNorm2d(64),
        nn.LeakyReLU(0.01, inplace=True),
        nn.ConvTranspose2d(64, 1, 3, stride=2, padding=1, output_padding=1),
        nn.Tanh(),
    )


def book28_discriminator() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, stride=2, padding=1),
        nn.LeakyReLU(0.01, inplace=True),
        nn.Conv2d(32, 64, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(64),
        nn.LeakyReLU(0.01, inplace=True),
        nn.Conv2d(64, 128, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(128),
        nn.LeakyReLU(0.01, inplace=True),
        nn.Flatten(),
        nn.Linear(128 * 4 * 4, 1),
    )


def dcgan_generator(side: int, channels: int) -> nn.Sequential:
    """To images of 28 pixels by two, and of 64 by four, transposed convolutions; width 64."""
    first, widths = {28: (7, [128, 64]), 64: (4, [512, 256, 128, 64])}[side]
    layers = [nn.Linear(100, widths[0] * first**2, bias=False), nn.Unflatten(1, (widths[0], first, first))]
    layers += [nn.BatchNorm2d(widths[0]), nn.ReLU(inplace=True)]
    for before, width in pairwise(widths):
        layers += [nn.ConvTranspose2d(before, width, 4, stride=2, padding=1, bias=False)]
        layers += [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.ConvTranspose2d(64, channels, 4, stride=2, padding=1), nn.Tanh())


def dcgan_discriminator(side: int, channels: int, norm: Callable[[int], nn.Module] = nn.BatchNorm2d) -> nn.Sequential:
    """The generator's mirror."""
    last, widths = {28: (7, [64, 128]), 64: (4, [64, 128, 256, 512])}[side]
    layers = [nn.Conv2d(channels, 64, 4, stride=2, padding=1), nn.LeakyReLU(0.2, inplace=True)]
    for before, width in pairwise(widths):
        bias = norm is not nn.BatchNorm2d
        layers += [nn.Conv2d(before, width, 4, stride=2, padding=1, bias=bias), norm(width)]
        layers += [nn.LeakyReLU(0.2, inplace=True)]
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, last), nn.Flatten())


def layer_norm(channels: int) -> nn.Module:
    """Over all of an example, with a gain and a bias for each channel."""
    return nn.GroupNorm(1, channels, eps=1e-6)


def mlp_generator() -> nn.Sequential:
    return nn.Sequential(*mlp_hidden(100), nn.Linear(512, 784), nn.Unflatten(1, (1, 28, 28)), nn.Tanh())


def mlp_discriminator() -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), *mlp_hidden(784), nn.Linear(512, 1))


def mlp_hidden(inputs: int) -> list[nn.Module]:
    """Both hidden layers of either side."""
    activation = nn.LeakyReLU(0.01, inplace=True)
    return [nn.Linear(inputs, 512), activation, nn.Linear(512, 512), activation]


def plane_generator() -> nn.Sequential:
    hidden = [layer for before in (2, 128, 128, 128) for layer in (nn.Linear(before, 128), nn.Tanh())]
    return nn.Sequential(*hidden, nn.Linear(128, 2))


def plane_discriminator() -> nn.Sequential:
    hidden = [layer for before in (2, 128, 128) for layer in (nn.Linear(before, 128), nn.LeakyReLU(0.2, inplace=True))]
    return nn.Sequential(*hidden, nn.Linear(128, 1))
