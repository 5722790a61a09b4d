"""MoCoGAN's networks (Tulyakov et al. 2018, arXiv:1707.04993), as in the authors' code: content and motion, two discriminators.

G draws a video's content z_C once, and its motion z_M,1 … z_M,T as the states of a GRU that is given noise in each frame; a DCGAN
draws each frame of both. An image D looks at patches of one frame, a video D at all T. No convolution has a bias, weights start
from N(0, 0.02²), and rectifiers of D leak 0.2.

Latents are [B, content + (T + 1) motion]: z_C, the state that the GRU begins with, and the noise of each frame.
"""

from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.layers.conv import Conv, ConvTranspose
from gan_jax.layers.conv3d import Conv3D
from gan_jax.layers.norm import norm_layer
from gan_jax.networks.gan3d import first

Array = jax.Array
FIRST = 4  # pixels a side of G's first map and of the video D's last one
_normal = nn.initializers.normal(0.02)
_dense = partial(nn.Dense, use_bias=False, kernel_init=_normal)


def doublings(side: int) -> int:
    """How often FIRST doubles up to a frame's side. Raises ValueError for a side that is not 16, 32 or 64."""
    if side not in (16, 32, 64):
        raise ValueError(f"video takes frames of 16, 32 or 64 pixels a side, got {side}; --image_size chooses")
    return (side // FIRST).bit_length() - 1


class Motion(nn.Module):
    """Noise [B, T, d] -> motion [B, T, d]: the states of a GRU, which begins at noise of its own, [B, d]."""

    size: int

    @nn.compact
    def __call__(self, start: Array, noise: Array) -> Array:
        cell = nn.scan(GRU, variable_broadcast="params", split_rngs={"params": False}, in_axes=1, out_axes=1)(
            self.size, name="gru"
        )
        return cell(start, noise)[1]


class GRU(nn.Module):
    """PyTorch's cell: r, z = σ(W x + b + U h + c), n = tanh(W x + b + r (U h + c)), h' = (1 - z) n + z h."""

    size: int

    @nn.compact
    def __call__(self, h: Array, x: Array) -> tuple[Array, Array]:
        bound = lambda key, shape: jax.random.uniform(key, shape, jnp.float32, -1, 1) / jnp.sqrt(self.size)
        wide = 3 * self.size

        def of(name: str, value: Array) -> list[Array]:
            w, b = self.param(name, bound, (value.shape[-1], wide)), self.param(f"{name}_bias", bound, (wide,))
            return jnp.split(value @ w + b, 3, axis=-1)

        of_x, of_h = of("input", x), of("hidden", h)
        reset, update = (nn.sigmoid(of_x[i] + of_h[i]) for i in (0, 1))
        new = jnp.tanh(of_x[2] + reset * of_h[2])
        h = (1 - update) * new + update * h
        return h, h


class Generator(nn.Module):
    """Latents to videos.

    Fields: frame_shape: (H, W, C) of a frame, H = W; content, motion: sizes of z_C and z_M; width: channels of the largest hidden
    map;
    axis_name: the mapped axis over which batch statistics are shared.
    """

    frame_shape: tuple[int, int, int]
    content: int = 50
    motion: int = 10
    width: int = 64
    axis_name: str | None = None

    @nn.compact
    def __call__(self, z: Array, condition: dict | None = None, *, train: bool) -> Array:
        """[B, content + (T + 1) motion] -> videos [B, T, H, W, C] in [-1, 1]. `condition` changes nothing."""
        content, noise = z[:, : self.content], z[:, self.content :].reshape(len(z), -1, self.motion)
        motion = Motion(self.motion, name="motion")(noise[:, 0], noise[:, 1:])
        frames = motion.shape[1]
        each = jnp.concatenate([jnp.repeat(content[:, None], frames, axis=1), motion], axis=-1)
        images = self.draw(each.reshape(-1, each.shape[-1]), train)
        return images.reshape(len(z), frames, *images.shape[1:])

    def draw(self, x: Array, train: bool) -> Array:
        """[N, content + motion] -> frames [N, H, W, C]."""
        norm = norm_layer("batch", train=train, axis_name=self.axis_name)
        count = doublings(self.frame_shape[0])
        up = partial(ConvTranspose, kernel_size=4, strides=2, use_bias=False, kernel_init=_normal)
        most = self.width * 2 ** (count - 1)
        x = _dense(FIRST**2 * most)(x).reshape(-1, FIRST, FIRST, most)
        for number in reversed(range(count - 1)):
            x = up(self.width * 2**number)(nn.relu(norm()(x)))
        return nn.tanh(up(self.frame_shape[-1])(nn.relu(norm()(x))))


class ImageDiscriminator(nn.Module):
    """Frames [B, H, W, C] to scores of patches [B, h, w].

    Fields: width, axis_name: as the generator's; norm: "batch", as published, "layer" or "none".
    """

    width: int = 64
    norm: str = "batch"
    axis_name: str | None = None

    @nn.compact
    def __call__(self, image: Array, condition: dict | None = None, *, train: bool) -> tuple[Array, dict[str, Array]]:
        own = first(self.norm)
        norm = norm_layer(self.norm, train=train, axis_name=self.axis_name)
        conv, x = partial(Conv, kernel_size=4, strides=2, **own), image
        for number in range(3):
            x = conv(self.width * 2**number)(x)
            x = nn.leaky_relu(norm()(x) if number else x, 0.2)
        return conv(1)(x)[..., 0], {"features": x}


class VideoDiscriminator(nn.Module):
    """Videos [B, T, H, W, C] to scores [B]: each convolution takes three frames away. Fields: as `ImageDiscriminator`'s."""

    width: int = 64
    norm: str = "batch"
    axis_name: str | None = None

    @nn.compact
    def __call__(self, video: Array, condition: dict | None = None, *, train: bool) -> tuple[Array, dict[str, Array]]:
        own = first(self.norm)
        norm, count = norm_layer(self.norm, train=train, axis_name=self.axis_name), doublings(video.shape[2])
        if video.shape[1] <= 3 * count:
            raise ValueError(
                f"frames={video.shape[1]}: must be more than {3 * count} for frames of {video.shape[2]} pixels"
            )
        x = video
        for number in range(count):
            x = Conv3D(self.width * 2**number, 4, (1, 2, 2), **own, same=False)(x)
            x = nn.leaky_relu(norm()(x) if number else x, 0.2)
        return nn.Dense(1, **own)(x.reshape(len(x), -1))[:, 0], {"features": x}
