"""Which network restores what: what it is given of an example, and what an image is made of what it draws.

- superres: what is added to the image enlarged by a cubic, so that a network that draws nothing is as good as that.
- inpaint: what is added to the hole filled as smoothly as can be; the rest is the input, to the bit.
- colorize: a and b of CIELAB, to which the input is the lightness.
- denoise: what is added to the input.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax import colour
from gan_jax.data.spec import Spec
from gan_jax.networks.fill import filled
from gan_jax.networks.partial_unet import PartialUNet
from gan_jax.networks.super_resolution import RRDB, SRResNet
from gan_jax.networks.unet import UNet, halvings_of

Array = jax.Array
Example = Mapping[str, Array]

NETWORKS = ("unet", "context", "partial", "srresnet", "rrdb")
TASKS: dict[str, Callable[[Array, Example], Array]] = {
    "superres": lambda drawn, example: drawn + jax.image.resize(example["image"], drawn.shape, "cubic"),
    "inpaint": lambda drawn, example: jnp.where(
        example["mask"], drawn + filled(example["image"], example["mask"]), example["image"]
    ),
    "colorize": lambda drawn, example: colour.with_lightness(example["image"], drawn),
    "denoise": lambda drawn, example: example["image"] + drawn,
}


class Restorer(NamedTuple):
    """Fields: generator, inputs, compose, multiple: as `recipes.translation.Setup`'s."""

    generator: nn.Module
    inputs: tuple[str, ...]
    compose: Callable[[Array, Example], Array]
    multiple: int = 1


class WithMask(nn.Module):
    """A network that is given images whose holes are filled smoothly, and as one more channel where they are, 1 there.

    Fields: network.
    """

    network: nn.Module

    @nn.compact
    def __call__(self, x: Array, mask: Array, *, train: bool) -> Array:
        """x [B, H, W, C], mask bool [B, H, W, 1] -> the network's images."""
        return self.network(jnp.concatenate([filled(x, mask), mask.astype(x.dtype)], axis=-1), train=train)


def make(
    task: str, network: str, example: Spec, *, width: int, blocks: int, norm: str, axis_name: str | None
) -> Restorer:
    """The restorer of a task in TASKS by a network in NETWORKS. Raises ValueError if these, or the examples, do not go together."""
    given, wanted = example["image"].shape, example["target"].shape
    times = wanted[0] // given[0]
    if task == "colorize" and (given[2], wanted[2]) != (1, 3):
        raise ValueError(
            f"task=colorize: from 1 channel to 3, not from {given[2]} to {wanted[2]}; images in colour are needed"
        )
    if task == "denoise" and given != wanted:
        raise ValueError(f"task=denoise: needs an image of the target's shape, {list(wanted)}, not {list(given)}")
    if ("mask" in example) != (task == "inpaint"):
        raise ValueError(
            f"task={task}: goes {'without' if task != 'inpaint' else 'with'} a mask of what is missing (degrade=hole)"
        )
    if network == "partial" and task != "inpaint":
        raise ValueError(f"network=partial: fills what is missing, and in {task} nothing is")
    if network in ("unet", "context", "partial") and times != 1:
        raise ValueError(f"network={network}: draws images as large as it is given; choose srresnet or rrdb")
    channels = 2 if task == "colorize" else wanted[2]
    halvings = halvings_of(wanted[:2])
    inputs, compose = ("image", "mask") if task == "inpaint" else ("image",), TASKS[task]
    if network == "partial":
        halvings -= 1  # of a map of one pixel nothing is left by normalisation
        return Restorer(PartialUNet(halvings, width, axis_name), inputs, compose, 2**halvings)
    if network in ("unet", "context"):
        skips = network == "unet"  # context encoders (Pathak et al. 2016, arXiv:1604.07379) have none
        generator = UNet(channels, halvings, width, norm, dropout=0.0, axis_name=axis_name, skips=skips)
    elif network == "srresnet":
        generator, halvings = SRResNet(channels, times, width, blocks, norm, axis_name), 0
    else:
        generator, halvings = RRDB(channels, times, width, blocks, growth=max(1, width // 2)), 0
    return Restorer(WithMask(generator) if task == "inpaint" else generator, inputs, compose, 2**halvings)
