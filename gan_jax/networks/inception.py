"""InceptionV3 as FID and the Inception Score know it: the TensorFlow graph of 2015-12-05, for inference only.

Szegedy et al. 2016 (arXiv:1512.00567) trained it on ImageNet. Both scores are defined by this one file of weights and
by what the graph does with them (Salimans et al. 2016, arXiv:1606.03498; Heusel et al. 2017, arXiv:1706.08500). So its
quirks are kept, which the paper's network and torchvision's do not have:

- images are resized by TensorFlow 1's bilinear filter, which is half a pixel off and does not smooth (`resize`);
- average pooling divides by the pixels it has seen, so padding does not count;
- Mixed_7c pools by maximum, not average;
- there are 1,008 logits, for 1,000 classes.

Modules and parameters are named as in the PyTorch files of those weights, of which `load` reads either: pytorch-fid's
(github.com/mseitzer/pytorch-fid) or torch-fidelity's (github.com/toshas/torch-fidelity).
"""

from functools import reduce
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jax import lax

Array = jax.Array

SIDE = 299
CLASSES = 1008
WEIGHTS = "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth"
# What the scores compare are small differences of features: no bfloat16 or TF32 where accelerators default to these.
_PRECISION = lax.Precision.HIGHEST


class Conv(NamedTuple):
    """A convolution without bias, batch normalisation and ReLU: one line of the tables below."""

    name: str
    features: int
    kernel: tuple[int, int]
    stride: int = 1
    padding: str = "SAME"


# In the tables a tuple is a chain, each part's output the next one's input; a list is a fork, all its parts get the
# same input and their outputs are joined along the channels; a string names a pooling.
POOLS = {
    "average": lambda x: nn.avg_pool(x, (3, 3), padding="SAME", count_include_pad=False),
    "max": lambda x: nn.max_pool(x, (3, 3), padding="SAME"),
    "halve": lambda x: nn.max_pool(x, (3, 3), strides=(2, 2), padding="VALID"),
}


def _block_35(pooled: int) -> list:
    """At 35 × 35 pixels; to 224 + pooled channels."""
    return [
        Conv("branch1x1", 64, (1, 1)),
        (Conv("branch5x5_1", 48, (1, 1)), Conv("branch5x5_2", 64, (5, 5))),
        (Conv("branch3x3dbl_1", 64, (1, 1)), Conv("branch3x3dbl_2", 96, (3, 3)), Conv("branch3x3dbl_3", 96, (3, 3))),
        ("average", Conv("branch_pool", pooled, (1, 1))),
    ]


def _block_17(hidden: int) -> list:
    """At 17 × 17 pixels; to 768 channels."""
    return [
        Conv("branch1x1", 192, (1, 1)),
        (Conv("branch7x7_1", hidden, (1, 1)), Conv("branch7x7_2", hidden, (1, 7)), Conv("branch7x7_3", 192, (7, 1))),
        (
            Conv("branch7x7dbl_1", hidden, (1, 1)),
            Conv("branch7x7dbl_2", hidden, (7, 1)),
            Conv("branch7x7dbl_3", hidden, (1, 7)),
            Conv("branch7x7dbl_4", hidden, (7, 1)),
            Conv("branch7x7dbl_5", 192, (1, 7)),
        ),
        ("average", Conv("branch_pool", 192, (1, 1))),
    ]


def _block_8(pool: str) -> list:
    """At 8 × 8 pixels; to 2048 channels."""
    return [
        Conv("branch1x1", 320, (1, 1)),
        (Conv("branch3x3_1", 384, (1, 1)), [Conv("branch3x3_2a", 384, (1, 3)), Conv("branch3x3_2b", 384, (3, 1))]),
        (
            Conv("branch3x3dbl_1", 448, (1, 1)),
            Conv("branch3x3dbl_2", 384, (3, 3)),
            [Conv("branch3x3dbl_3a", 384, (1, 3)), Conv("branch3x3dbl_3b", 384, (3, 1))],
        ),
        (pool, Conv("branch_pool", 192, (1, 1))),
    ]


STEM = (  # 299 × 299 × 3 -> 35 × 35 × 192
    Conv("Conv2d_1a_3x3", 32, (3, 3), 2, "VALID"),
    Conv("Conv2d_2a_3x3", 32, (3, 3), 1, "VALID"),
    Conv("Conv2d_2b_3x3", 64, (3, 3)),
    "halve",
    Conv("Conv2d_3b_1x1", 80, (1, 1)),
    Conv("Conv2d_4a_3x3", 192, (3, 3), 1, "VALID"),
    "halve",
)
BLOCKS = {  # in this order
    "Mixed_5b": _block_35(32),
    "Mixed_5c": _block_35(64),
    "Mixed_5d": _block_35(64),
    "Mixed_6a": [
        Conv("branch3x3", 384, (3, 3), 2, "VALID"),
        (
            Conv("branch3x3dbl_1", 64, (1, 1)),
            Conv("branch3x3dbl_2", 96, (3, 3)),
            Conv("branch3x3dbl_3", 96, (3, 3), 2, "VALID"),
        ),
        "halve",
    ],
    "Mixed_6b": _block_17(128),
    "Mixed_6c": _block_17(160),
    "Mixed_6d": _block_17(160),
    "Mixed_6e": _block_17(192),
    "Mixed_7a": [
        (Conv("branch3x3_1", 192, (1, 1)), Conv("branch3x3_2", 320, (3, 3), 2, "VALID")),
        (
            Conv("branch7x7x3_1", 192, (1, 1)),
            Conv("branch7x7x3_2", 192, (1, 7)),
            Conv("branch7x7x3_3", 192, (7, 1)),
            Conv("branch7x7x3_4", 192, (3, 3), 2, "VALID"),
        ),
        "halve",
    ],
    "Mixed_7b": _block_8("average"),
    "Mixed_7c": _block_8("max"),
}


def resize(images: Array, side: int = SIDE) -> Array:
    """Floats [B, H, W, C] -> [B, side, side, C], by TensorFlow 1's bilinear filter.

    Pixel i of the result lies at i · H / side of the image, between the two pixels around that point or, beyond the
    last one, on it: neither half_pixel_centers nor align_corners, as TensorFlow calls what it has done later.
    """
    for axis in (2, 1):
        size = images.shape[axis]
        # In float32, like TensorFlow: it decides which side of a pixel a point is on.
        points = np.arange(side, dtype=np.float32) * np.float32(size / side)
        before = points.astype(np.int32)
        weight = np.expand_dims(points - before.astype(np.float32), tuple(range(1, 4 - axis)))
        low = jnp.take(images, before, axis=axis)
        high = jnp.take(images, np.minimum(before + 1, size - 1), axis=axis)
        images = low + (high - low) * weight
    return images


class InceptionV3(nn.Module):
    """Images to logits and features. Its variables are what `load` returns: params and batch_stats."""

    @nn.compact
    def __call__(self, images: Array, *, train: bool = False) -> tuple[Array, dict[str, Array]]:
        """Images [B, H, W, 3] from 0 to 255, floats or integers -> (logits [B, 1008], {"features", "unbiased_logits"}).

        Gray images [B, H, W, 1] get three equal channels. Features are [B, 2048]: FID's. The unbiased logits
        [B, 1008] lack the last layer's bias, as in the Inception Score's code. `train` changes nothing: batch
        normalisation uses the running statistics.

        Raises ValueError for images of another shape.
        """
        if images.ndim != 4 or images.shape[-1] not in (1, 3):
            raise ValueError(f"InceptionV3 takes images [B, H, W, 3] or [B, H, W, 1], got {images.shape}")
        x = (resize(jnp.asarray(images, jnp.float32)) - 128) / 128
        x = _through(STEM, jnp.broadcast_to(x, (*x.shape[:3], 3)))
        for name in BLOCKS:
            x = _Block(name=name)(x)
        features = x.mean((1, 2))
        logits, unbiased = _Last(name="fc")(features)
        return logits, {"features": features, "unbiased_logits": unbiased}


def _through(part: Conv | tuple | list | str, x: Array) -> Array:
    """Leads x through a part of the tables; within a compact method, whose module gets the layers."""
    match part:
        case Conv():
            return _ConvNormRelu(part, name=part.name)(x)
        case str():
            return POOLS[part](x)
        case list():
            return jnp.concatenate([_through(branch, x) for branch in part], axis=-1)
        case tuple():
            return reduce(lambda x, next_part: _through(next_part, x), part, x)


class _ConvNormRelu(nn.Module):
    of: Conv

    @nn.compact
    def __call__(self, x):
        _, features, kernel, stride, padding = self.of
        conv = nn.Conv(features, kernel, stride, padding, use_bias=False, precision=_PRECISION, name="conv")
        return nn.relu(nn.BatchNorm(use_running_average=True, epsilon=1e-3, name="bn")(conv(x)))


class _Block(nn.Module):
    """The block of the table that has the module's name."""

    @nn.compact
    def __call__(self, x):
        return _through(BLOCKS[self.name], x)


class _Last(nn.Module):
    """A dense layer: its output with and without the bias."""

    @nn.compact
    def __call__(self, x):
        kernel = self.param("kernel", nn.initializers.lecun_normal(), (x.shape[-1], CLASSES))
        unbiased = jnp.dot(x, kernel, precision=_PRECISION)
        return unbiased + self.param("bias", nn.initializers.zeros, (CLASSES,)), unbiased


# A name's last part, ours -> PyTorch's. Kernels are (h, w, in, out) or (in, out), there (out, in, h, w) or (out, in).
LEAVES = {"kernel": "weight", "scale": "weight", "bias": "bias", "mean": "running_mean", "var": "running_var"}


def load(path: str | Path) -> dict[str, dict]:
    """The variables {"params", "batch_stats"} of InceptionV3 from a PyTorch file of weights, such as `WEIGHTS`.

    What else is in the file (AuxLogits, num_batches_tracked) is left there.

    Raises:
      FileNotFoundError: no such file; it says where there is one.
      ValueError: PyTorch is not installed, the file is not one of weights, or they are not this network's.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; InceptionV3's weights are at {WEIGHTS}")
    try:
        import torch  # only here: nothing else of ours needs PyTorch
    except ImportError:
        raise ValueError(f"{path}: reading it takes PyTorch: pip install torch") from None
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of many kinds, by how the file is broken; their messages have many lines
        raise ValueError(f"{path}: cannot be read as a PyTorch file of weights ({type(error).__name__})") from error
    if not isinstance(weights, dict):
        raise ValueError(f"{path}: not a PyTorch file of weights, but of a {type(weights).__name__}")

    def converted(our_path, ours):
        *modules, leaf = (key.key for key in our_path[1:])
        key = ".".join([*modules, LEAVES[leaf]])
        axes = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[ours.ndim]
        shape = tuple(ours.shape[axis] for axis in axes)
        if key not in weights:
            raise ValueError(f"{path}: no {key}, so not InceptionV3's weights; those are at {WEIGHTS}")
        found = tuple(getattr(weights[key], "shape", ()))
        if found != shape:
            raise ValueError(f"{path}: {key} has shape {found}, not {shape}; FID's weights are at {WEIGHTS}")
        return jnp.asarray(weights[key].float().numpy().transpose(np.argsort(axes)))

    expected = jax.eval_shape(InceptionV3().init, jax.random.key(0), jnp.zeros((1, SIDE, SIDE, 3)))
    return jax.tree.map_with_path(converted, expected)
