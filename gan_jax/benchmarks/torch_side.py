"""PyTorch's side of the benchmark: the same networks and the same round, as PyTorch's users write them.

Where padding is odd, SAME puts the odd zero after the image, and PyTorch's own padding puts it before. So PyTorch
plays our game turned by half a turn: from our weights, with the H and W of kernels and images reversed. It computes
the same losses, and need not pad or crop by hand, which would cost it time.
"""

import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map
from torch.utils.flop_counter import flop_registry

from gan_jax.benchmarks import torch_networks
from gan_jax.benchmarks.processes import answer
from gan_jax.benchmarks.torch_rounds import Round, non_saturating, r3gan, wgan_gp

NAMES = {nn.Linear: "Dense", nn.Conv2d: "Conv", nn.ConvTranspose2d: "ConvTranspose"}
NAMES |= {nn.BatchNorm2d: "BatchNorm", nn.GroupNorm: "LayerNorm"}


class Case(NamedTuple):
    """Makers of both networks, and of the round from both; the images' channels; whether torch.compile can take it.

    trials: how many pairs of networks play, one after another; more than one play with points in the plane.
    """

    generator: Callable[[], nn.Sequential]
    discriminator: Callable[[], nn.Sequential]
    round: Callable[[nn.Module, nn.Module], Round]
    channels: int | None = 1
    compiles: bool = True
    trials: int = 1

    def loaded(self, g_params: dict, d_params: dict) -> tuple[nn.Sequential, nn.Sequential]:
        """Both networks of one trial with our weights, in the memory format that PyTorch is fastest with."""
        networks = load(self.generator(), g_params), load(self.discriminator(), d_params, self.channels)
        return tuple(network.to(memory_format=torch.channels_last) for network in networks)


CASES = {
    "book28": Case(torch_networks.book28_generator, torch_networks.book28_discriminator, non_saturating),
    "dcgan64": Case(
        partial(torch_networks.dcgan_generator, 64, 3),
        partial(torch_networks.dcgan_discriminator, 64, 3),
        non_saturating,
        channels=3,
    ),
    # torch.compile has no derivatives of derivatives.
    "wgan_gp28": Case(
        partial(torch_networks.dcgan_generator, 28, 1),
        partial(torch_networks.dcgan_discriminator, 28, 1, torch_networks.layer_norm),
        wgan_gp,
        compiles=False,
    ),
    "mlp": Case(torch_networks.mlp_generator, torch_networks.mlp_discriminator, non_saturating),
    "mixture2d": Case(
        torch_networks.plane_generator,
        torch_networks.plane_discriminator,
        r3gan,
        channels=None,
        compiles=False,
        trials=10,
    ),
}


class Counted(TorchDispatchMode):
    """Counts the floating-point operations of products and convolutions, in `flop`.

    PyTorch's FlopCounterMode does not take derivatives of derivatives.
    """

    def __init__(self):
        super().__init__()
        self.flop = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        output = function(*args, **(kwargs or {}))
        if count := flop_registry.get(function.overloadpacket):
            self.flop += count(*args, **(kwargs or {}), out_val=output)
        return output


def sees(device: str) -> bool:
    """Whether this PyTorch can compute on a device, "cpu" or "cuda"."""
    return device == "cpu" or torch.cuda.is_available()


def serve(
    connection: Connection,
    name: str,
    compiled: bool,
    device: str,
    dtype: str,
    params: tuple[dict, dict],
    pixels: np.ndarray,
    latents: np.ndarray,
    ε: np.ndarray,
):
    """Plays from our weights: first the round that it is given, then as many as it is asked for.

    Sends the losses of the first round by name, and "flop", how many operations its products and convolutions take.
    Then, for every count that it receives, until the pipe is closed: plays so many rounds with fresh latents and sends
    the seconds that one took.

    Args:
      name: of the case.
      compiled: whether the networks are given to torch.compile, which takes a C++ compiler. "flop" is then left out.
      device: "cpu" or "cuda".
      dtype: "float32", or "bfloat16" for automatic mixed precision.
      params, pixels, latents, ε: as `times.first_round` has them.
    """
    torch.set_float32_matmul_precision("high")  # as jax has it on a GPU; on a CPU it changes nothing
    torch.backends.cudnn.benchmark = True
    images, *draws = (x.to(device) for x in (turned_images(pixels), torch.tensor(latents), torch.tensor(ε)))
    play, _ = all_trials(name, compiled, device, params)

    def seconds(count: int) -> float:
        began = time.perf_counter()
        for _ in range(count):
            play(images, torch.randn(latents.shape, device=device), torch.rand(ε.shape, device=device))
        if device == "cuda":
            torch.cuda.synchronize()
        return (time.perf_counter() - began) / count

    with torch.autocast(device, torch.bfloat16, enabled=dtype == "bfloat16"):
        if compiled:
            losses = play(images, *draws)
        else:
            with Counted() as counted:
                losses = play(images, *draws)
            losses["flop"] = counted.flop
        connection.send({name: float(value) for name, value in losses.items()})
        answer(connection, seconds)


def all_trials(name: str, compiled: bool, device: str, params: tuple[dict, dict]) -> tuple[Round, list]:
    """The round of a case, from our weights, and the networks of each trial.

    Of many trials it plays the rounds one after another, and has their mean losses.
    """
    case = CASES[name]
    each = [tree_map(lambda x: x[trial], params) for trial in range(case.trials)] if case.trials > 1 else [params]
    networks = [tuple(network.to(device) for network in case.loaded(*own)) for own in each]
    rounds = [case.round(*(map(torch.compile, own) if compiled else own)) for own in networks]
    if case.trials == 1:
        return rounds[0], networks

    def play(images: Tensor, latents: Tensor, ε: Tensor) -> dict[str, Tensor]:
        losses = [one(images[:, :, trial], latents[trial], ε[trial]) for trial, one in enumerate(rounds)]
        return {name: torch.stack([own[name] for own in losses]).mean() for name in losses[0]}

    return play, networks


def turned_images(pixels: np.ndarray) -> Tensor:
    """uint8 [P, B, H, W, C] to float [P, B, C, H, W] in [-1, 1], each [B, C, H, W] channels_last, by half a turn.

    Points of many trials, [P, B, T, 2], are as they are.
    """
    if pixels.ndim == 4:
        return torch.tensor(pixels).float() / 127.5 - 1
    images = torch.tensor(pixels[:, :, ::-1, ::-1].copy()).float() / 127.5 - 1
    return images.permute(0, 1, 4, 2, 3)


def load(network: nn.Sequential, params: dict, channels: int | None = None) -> nn.Sequential:
    """Gives the layers our parameters, turned by half a turn; the first Conv2d has Conv_0's, and so on.

    channels: of the images that it takes, if it does.
    """
    met = Counter()
    for layer, after in zip(network, [*network[1:], None], strict=True):
        name = NAMES.get(type(layer))
        if name is None:
            continue
        ours = {key: np.asarray(value) for key, value in params[f"{name}_{met[name]}"].items()}
        met[name] += 1
        if name == "Dense":
            rows = _order(layer.in_features, channels)
            columns = _order(layer.out_features, after.unflattened_size[0] if isinstance(after, nn.Unflatten) else None)
            weight = ours.pop("kernel")[rows][:, columns].T
            ours = {"weight": weight} | {name: bias[columns] for name, bias in ours.items()}  # it may have no bias
            channels = None
        elif name in ("BatchNorm", "LayerNorm"):
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
