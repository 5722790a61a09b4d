"""PyTorch's side of `experiments.benchmark`: the same networks and the same round, as PyTorch's users write them.

Where padding is odd, SAME puts the odd zero after the image, and PyTorch's own padding puts it before. So PyTorch
plays our game turned by half a turn: from our weights, with the H and W of kernels and images reversed. It computes
the same losses, and need not pad or crop by hand, which would cost it time.
"""

import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

Round = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]  # (images [P,B,C,H,W], latents [P,B,Z]) -> d_loss, g_loss
NAMES = {nn.Linear: "Dense", nn.Conv2d: "Conv", nn.ConvTranspose2d: "ConvTranspose", nn.BatchNorm2d: "BatchNorm"}


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


def non_saturating(generator: nn.Module, discriminator: nn.Module) -> Round:
    """One D-step and one G-step of the non-saturating game, each with Adam 2e-4, β1 0.5. Each call plays the next."""
    generator, discriminator = (net.to(memory_format=torch.channels_last) for net in (generator, discriminator))
    g_optimizer, d_optimizer = (
        torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999), fused=True)
        for net in (generator, discriminator)
    )

    def play(images: Tensor, latents: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            fake = generator(latents[0])
        d_optimizer.zero_grad(set_to_none=True)
        d_loss = softplus(-discriminator(images[0])).mean() + softplus(discriminator(fake)).mean()
        d_loss.backward()
        d_optimizer.step()

        discriminator.requires_grad_(False)
        g_optimizer.zero_grad(set_to_none=True)
        g_loss = softplus(-discriminator(generator(latents[1]))).mean()
        g_loss.backward()
        g_optimizer.step()
        discriminator.requires_grad_(True)
        return d_loss.detach(), g_loss.detach()

    return play


class Case(NamedTuple):
    """Makers of both networks, and of the round from both."""

    generator: Callable[[], nn.Sequential]
    discriminator: Callable[[], nn.Sequential]
    round: Callable[[nn.Module, nn.Module], Round]

    def loaded(self, g_params: dict, d_params: dict) -> tuple[nn.Sequential, nn.Sequential]:
        """Both networks with our weights."""
        return load(self.generator(), g_params), load(self.discriminator(), d_params)


CASES = {"book28": Case(book28_generator, book28_discriminator, non_saturating)}


def serve(connection: Connection, case: str, params: tuple[dict, dict], pixels: np.ndarray, latents: np.ndarray):
    """Plays from our weights, on a CPU: first the round that it is given, then as many as it is asked for.

    Sends {"d_loss": float, "g_loss": float} of the first round. Then, for every count that it receives, until the pipe
    is closed: plays so many rounds with fresh latents and sends the seconds that one took.

    Args:
      params: G's and D's, as our modules name them.
      pixels: uint8 [P, B, H, W, C], the real images of every round; P parts as `gan_jax.recipe` has them.
      latents: [P, B, Z], of the first round.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the benchmark, which then closes the pipe
    play = CASES[case].round(*CASES[case].loaded(*params))
    images = turned_images(pixels)
    d_loss, g_loss = play(images, torch.tensor(latents))
    with suppress(EOFError, OSError):
        connection.send({"d_loss": d_loss.item(), "g_loss": g_loss.item()})
        while True:
            count = connection.recv()
            began = time.perf_counter()
            for _ in range(count):
                play(images, torch.randn(latents.shape))
            connection.send((time.perf_counter() - began) / count)


def turned_images(pixels: np.ndarray) -> Tensor:
    """uint8 [P, B, H, W, C] to float [P, B, C, H, W] in [-1, 1], each [B, C, H, W] channels_last, by half a turn."""
    images = torch.tensor(pixels[:, :, ::-1, ::-1].copy()).float() / 127.5 - 1
    return images.permute(0, 1, 4, 2, 3)


def load(network: nn.Sequential, params: dict) -> nn.Sequential:
    """Gives the layers our parameters, turned by half a turn; the first Conv2d has Conv_0's, and so on."""
    met, channels = Counter(), None
    for layer, after in zip(network, [*network[1:], None]):
        name = NAMES.get(type(layer))
        if name is None:
            continue
        ours = {key: np.asarray(value) for key, value in params[f"{name}_{met[name]}"].items()}
        met[name] += 1
        if name == "Dense":
            rows = _order(layer.in_features, channels)
            columns = _order(layer.out_features, after.unflattened_size[0] if isinstance(after, nn.Unflatten) else None)
            ours = {"weight": ours["kernel"][rows][:, columns].T, "bias": ours["bias"][columns]}
        elif name == "BatchNorm":
            ours["weight"] = ours.pop("scale")
        else:
            channels = layer.out_channels
            ours["weight"] = ours.pop("kernel")[::-1, ::-1].transpose(3, 2, 0, 1)
        for key, value in ours.items():
            getattr(layer, key).data.copy_(torch.tensor(np.ascontiguousarray(value)))
    return network


def _order(features: int, channels: int | None) -> np.ndarray:
    """Where PyTorch's features [C, H, W], turned, are in ours [H, W, C], both flat; in place if there is no map."""
    return np.arange(features).reshape(-1, channels or features)[::-1].T.ravel()
