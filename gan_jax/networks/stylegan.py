"""StyleGAN2's networks (Karras et al. 2020, arXiv:1912.04958), as in the authors' PyTorch code of ADA (arXiv:2006.06676).

G is two networks. A mapping takes the latent z to an intermediate one, w, whose space W need not be as the prior is. A synthesis
begins with a learnt map of 4×4 and doubles it up to the image; each of its layers scales channels by its own w (`ModulatedConv`),
adds noise, and each resolution adds to the image (figure 7, "skip"). Two w, from a layer on the other, mix styles. D is residual
(or, for CIFAR-10, plain), and sees how alike a batch is. All learning rates are equalized.

Images of other sizes than 2^n are treated as `networks.framing` has it.
"""

import math

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.devices import batch_mean
from gan_jax.layers.equalized import GAIN, EqualizedConv, EqualizedDense, scale
from gan_jax.layers.minibatch import MinibatchStddev
from gan_jax.layers.modulated import ModulatedConv
from gan_jax.layers.norm import pixel_norm
from gan_jax.layers.resample import downsample, upsample
from gan_jax.networks.conditional import classes_of
from gan_jax.networks.framing import cut, doublings, framed
from gan_jax.randomness import example_keys, latents

Array = jax.Array
Condition = dict[str, Array] | None
LARGEST = 1024  # pixels a side
MAPPING_RATE = 0.01  # by how much a mapping learns slower
MEAN_DECAY = 0.995  # of w's mean


def sides(image_size: tuple[int, int]) -> list[int]:
    """Of the maps: (28, 28) -> [4, 8, 16, 32]. Raises ValueError for images of less than 8 pixels a side or more than 1024."""
    return [4, *doublings(image_size, LARGEST)]


def num_ws(image_size: tuple[int, int]) -> int:
    """How many w an image is drawn of: two for each resolution, 18 for 1024 pixels."""
    return 2 * len(sides(image_size))


def channels(side: int, base: int, most: int) -> int:
    """Of maps of this side: base / side, at most `most`. Raises ValueError if there are none."""
    if base < side:
        raise ValueError(f"channel_base={base}: leaves maps of {side}×{side} no channels")
    return min(base // side, most)


def leaky(x: Array) -> Array:
    """A leaky rectifier of slope 0.2, times √2."""
    return GAIN * nn.leaky_relu(x, 0.2)


def precision(side: int, largest: int, bf16: int) -> jnp.dtype:
    """In what maps of this side are computed: the highest `bf16` resolutions in bfloat16."""
    return jnp.bfloat16 if side > 4 and side > largest >> bf16 else jnp.float32


class Mapping(nn.Module):
    """Latents, and classes, to w: both normalised and joined, then dense layers that learn a hundredth as fast.

    Fields: size: of w, and of what a class becomes; layers; num_classes: K, 0 for none.
    """

    size: int
    layers: int = 8
    num_classes: int = 0

    @nn.compact
    def __call__(self, z: Array | None, condition: Condition = None) -> Array:
        """z [B, d] (None: of classes alone), {"label": int32 [B], or weights of the classes, float [B, K]} -> w [B, size]."""
        y = classes_of(condition, self.num_classes, jnp.float32 if z is None else z.dtype)
        parts = [] if z is None else [pixel_norm(z)]
        if y is not None:
            parts.append(pixel_norm(EqualizedDense(self.size, gain=1.0, name="classes")(y)))
        x = jnp.concatenate(parts, axis=-1)
        for number in range(self.layers):
            x = leaky(EqualizedDense(self.size, gain=1.0, rate=MAPPING_RATE, name=f"dense_{number}")(x))
        return x


class Layer(nn.Module):
    """A modulated convolution of 3×3, noise, a bias and a rectifier: [B, H, W, C], w [B, d] -> [B, H', W', features].

    Noise is one map for all features, N(0, 1) times a learnt strength that begins as 0 (section 2.1). In training it is drawn from
    the rng "noise", an example's own; without that, and else, it is the variable "noise", a constant.

    Fields: resample: as `ModulatedConv`'s; axis_name: the mapped axis over which the batch is spread.
    """

    features: int
    resample: str | None = None
    axis_name: str | None = None

    @nn.compact
    def __call__(self, x: Array, w: Array, *, train: bool) -> Array:
        scales = EqualizedDense(x.shape[-1], gain=1.0, bias=1.0, name="style")(w)
        x = ModulatedConv(self.features, resample=self.resample, name="conv")(x, scales)
        shape = (*x.shape[1:3], 1)
        noise = self.variable("noise", "map", lambda: jax.random.normal(self.make_rng("params"), shape)).value
        if train and self.has_rng("noise"):
            keys = example_keys(self.make_rng("noise"), len(x), self.axis_name)
            noise = jax.vmap(lambda key: jax.random.normal(key, shape))(keys)
        x = x + (self.param("strength", nn.initializers.zeros, ()) * noise).astype(x.dtype)
        return leaky(x + self.param("bias", nn.initializers.zeros, (self.features,)).astype(x.dtype))


class ToImage(nn.Module):
    """A modulated convolution of 1×1 and a bias: [B, H, W, C], w [B, d] -> [B, H, W, colours]. Not demodulated (appendix B)."""

    colours: int

    @nn.compact
    def __call__(self, x: Array, w: Array) -> Array:
        scales = EqualizedDense(x.shape[-1], gain=1.0, bias=1.0, name="style")(w) / math.sqrt(x.shape[-1])
        y = ModulatedConv(self.colours, 1, demodulated=False, name="conv")(x, scales)
        return y + self.param("bias", nn.initializers.zeros, (self.colours,)).astype(x.dtype)


class Synthesis(nn.Module):
    """ws [B, L, d], L as `num_ws` -> images [B, H, W, C], about in [-1, 1]. Fields: as `Generator`'s.

    A layer's number, in its name, is that of its w; the last w of a resolution is the first of the next one, too.
    """

    image_shape: tuple[int, int, int]
    base: int = 32768
    most: int = 512
    bf16: int = 0
    axis_name: str | None = None

    @nn.compact
    def __call__(self, ws: Array, *, train: bool) -> Array:
        number, image, every = 0, None, sides(self.image_shape[:2])
        count = lambda side: channels(side, self.base, self.most)
        constant = self.param("constant", nn.initializers.normal(1.0), (4, 4, count(4)))
        x = jnp.broadcast_to(constant, (len(ws), *constant.shape))
        for side in every:
            x = x.astype(precision(side, every[-1], self.bf16))
            for resample in [None] if side == 4 else ["upsample", None]:
                layer = Layer(count(side), resample, self.axis_name, name=f"layer_{number}")
                x = layer(x, ws[:, number], train=train)
                number += 1
            new = ToImage(self.image_shape[-1], name=f"to_image_{number}")(x, ws[:, number]).astype(jnp.float32)
            image = new if image is None else upsample(image) + new
        return cut(image, self.image_shape)


class Generator(nn.Module):
    """Latents, and classes, to images: the mapping and the synthesis.

    In training, with the rng "noise", styles are mixed: with the probability `mixing` an example's layers from one on, by chance,
    have another w (Karras et al. 2019, section 3.1). The variable "average" holds w̄, the mean of w, which training moves on.

    Fields:
      image_shape: (H, W, C), 8 to 1024 pixels a side.
      size: of w, and of the latent; mapping_layers.
      base, most: `channels`.
      num_classes: K; 0 for images without classes.
      mixing: a probability.
      bf16: so many of the highest resolutions are computed in bfloat16.
      axis_name: the mapped axis over which the batch is spread.
    """

    image_shape: tuple[int, int, int]
    size: int = 512
    mapping_layers: int = 8
    base: int = 32768
    most: int = 512
    num_classes: int = 0
    mixing: float = 0.9
    bf16: int = 0
    axis_name: str | None = None

    def setup(self):
        self.mapping = Mapping(self.size, self.mapping_layers, self.num_classes)
        self.synthesis = Synthesis(self.image_shape, self.base, self.most, self.bf16, self.axis_name)
        self.average = self.variable("average", "w", jnp.zeros, (self.size,))

    def __call__(self, z: Array, condition: Condition = None, *, train: bool) -> Array:
        """[B, size], {"label": int32 [B], or weights of the classes, float [B, K]} -> images [B, H, W, C], about in [-1, 1]."""
        return self.draw(self.styles(z, condition, train=train), train=train)

    def styles(self, z: Array, condition: Condition = None, *, train: bool = False) -> Array:
        """The same -> ws [B, L, size]."""
        w, count = self.mapping(z, condition), num_ws(self.image_shape[:2])
        if train and not self.is_initializing() and self.is_mutable_collection("average"):
            now = batch_mean(jax.lax.stop_gradient(w), self.axis_name, 0)
            self.average.value += (1 - MEAN_DECAY) * (now - self.average.value)
        ws = jnp.repeat(w[:, None], count, axis=1)
        if not (train and self.mixing and self.has_rng("noise")):
            return ws
        keys = example_keys(self.make_rng("noise"), len(z), self.axis_name)
        z_keys, chance_keys, from_keys = jax.vmap(lambda key: jax.random.split(key, 3), out_axes=1)(keys)
        other = self.mapping(latents(z_keys, z.shape[-1]), condition)[:, None]
        first = jax.vmap(lambda key: jax.random.randint(key, (), 1, count))(from_keys)
        mixed = jax.vmap(lambda key: jax.random.bernoulli(key, self.mixing))(chance_keys)
        return jnp.where((mixed[:, None] & (jnp.arange(count) >= first[:, None]))[..., None], other, ws)

    def draw(self, ws: Array, *, train: bool = False) -> Array:
        """ws [B, L, size] -> images [B, H, W, C]."""
        return self.synthesis(ws, train=train)


def truncated(variables: dict, psi: float | Array, cutoff: int | None = None) -> dict:
    """The variables of a generator that draws of w̄ + ψ (w - w̄) in place of w (Karras et al. 2019, appendix B).

    As scales are linear in w, it has others of their weights: 0 draws one image, but for noise; 1 changes nothing.

    Args: cutoff: the number of layers, the coarse ones, of which it does; None: all.
    """
    mean, synthesis = variables["average"]["w"], {}
    for name, layer in variables["params"]["synthesis"].items():
        synthesis[name] = layer
        if name != "constant" and (cutoff is None or int(name.rpartition("_")[2]) < cutoff):
            kernel, bias = layer["style"]["kernel"], layer["style"]["bias"]
            moved = bias + (1 - psi) * (mean @ (scale(kernel.shape, 1.0) * kernel))
            synthesis[name] = {**layer, "style": {"kernel": psi * kernel, "bias": moved}}
    return {**variables, "params": {**variables["params"], "synthesis": synthesis}}


class Discriminator(nn.Module):
    """Images, and classes, to scores.

    Fields:
      residual: whether it is residual; else plain ("orig", for CIFAR-10).
      mapping_layers: of what a class becomes, whose inner product with the features is the score.
      group: of `MinibatchStddev`.
      the others: as the generator's.
    """

    base: int = 32768
    most: int = 512
    num_classes: int = 0
    residual: bool = True
    mapping_layers: int = 8
    group: int = 4
    bf16: int = 0
    axis_name: str | None = None

    @nn.compact
    def __call__(self, image: Array, condition: Condition = None, *, train: bool) -> tuple[Array, dict[str, Array]]:
        """Images [B, H, W, C], conditions as the generator's -> (raw scores [B], {"features": [B, 4, 4, d]}).

        Features are those of each image alone, before groups are looked at. Raises ValueError as `MinibatchStddev`.
        """
        every = sides(image.shape[1:3])
        count = lambda side: channels(side, self.base, self.most)
        x = framed(image, LARGEST)
        for side in reversed(every):
            x = x.astype(precision(side, every[-1], self.bf16))
            if side == every[-1]:
                x = leaky(EqualizedConv(count(side), 1, gain=1.0, name="of_image")(x))
            if side > 4:
                x = self.block(x, count(side // 2), side)
        features = x
        x = MinibatchStddev(self.group, self.axis_name if train else None)(x)
        x = leaky(EqualizedConv(count(4), gain=1.0, name="conv_4")(x))
        x = leaky(EqualizedDense(count(4), gain=1.0, name="dense")(x.reshape(len(x), -1)))
        if not self.num_classes:
            return EqualizedDense(1, gain=1.0, name="score")(x)[:, 0], {"features": features}
        x = EqualizedDense(count(4), gain=1.0, name="score")(x)
        y = Mapping(count(4), self.mapping_layers, self.num_classes, name="mapping")(None, condition)
        return jnp.sum(x * y, axis=-1) / math.sqrt(count(4)), {"features": features}

    def block(self, x: Array, features: int, side: int) -> Array:
        """[B, side, side, C] -> [B, side/2, side/2, features]."""
        y = leaky(EqualizedConv(x.shape[-1], gain=1.0, name=f"conv_{side}")(x))
        y = leaky(EqualizedConv(features, gain=1.0, resample="downsample", name=f"down_{side}")(y))
        if not self.residual:
            return y
        beside = EqualizedConv(features, 1, gain=1.0, use_bias=False, name=f"skip_{side}")(downsample(x))
        return (y + beside) / math.sqrt(2)
