"""Normalisation layers by name."""

from collections.abc import Callable
from functools import partial

from flax import linen as nn

NORMS = ("batch", "layer", "none")


def norm_layer(name: str, *, train: bool, axis_name: str | None = None) -> Callable[[], nn.Module | Callable]:
    """A maker of normalisation layers for feature maps [B, H, W, C]; gains start from N(1, 0.02²).

    batch: over B, H, W, and over the devices of `axis_name`; biased variance, ε 1e-5; running averages with decay 0.9,
      which `train=False` uses (Ioffe & Szegedy 2015).
    layer: over H, W and C of each example, with a gain and a bias per channel (as in WGAN-GP's code).
    none: nothing.

    Raises ValueError for another name.
    """
    gain = lambda key, shape, dtype: 1 + nn.initializers.normal(0.02)(key, shape, dtype)
    if name == "batch":
        return partial(
            nn.BatchNorm, use_running_average=not train, momentum=0.9, scale_init=gain, axis_name=axis_name
        )
    if name == "layer":
        return partial(nn.LayerNorm, reduction_axes=(1, 2, 3), feature_axes=-1, scale_init=gain)
    if name == "none":
        return lambda: lambda x: x
    raise ValueError(f"unknown norm {name!r}; choose from {', '.join(NORMS)}")
