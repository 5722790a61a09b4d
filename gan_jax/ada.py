"""ADA's augmentations: many kinds of changes, each of which an image undergoes with probability p (Karras et al. 2020,
arXiv:2006.06676, appendix B).

While p is well below 1 no change of a kind is as likely as none, so that G can tell what images are without (section 2.2). p may be
fixed, a schedule (as of R3GAN), or follow how sure D is of real images (`recipes.adaptive`).

Pixel blits (mirrored; turned by quarters; moved by whole pixels, up to 1/8 of the side), geometry (scaled; rotated; stretched;
moved by fractions) and colour (brightness, contrast, luma inverted, hue, saturation), with the paper's strengths. All blits and
geometry are one bilinear resampling, where the paper's is by wavelets, and what comes in is the image's reflection. A square may be
cut out, too, as R3GAN has it; the paper's usual set has none.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import augment
from gan_jax.augment import Augment, moved, rotation
from gan_jax.randomness import Key

Array = jax.Array
Map = tuple[Array, Array]  # (M, b), of x -> M x + b

LUMA = np.ones(3, np.float32) / np.float32(3**0.5)  # the axis of gray colours


def pipe(p: Array | float | Callable[[Array], Array], *, colours: float = 1.0, cutout: float = 0.0) -> Augment:
    """The augmentations with probability p, a number or a schedule over rounds.

    Args: colours, cutout: by how much p is multiplied for them.
    """
    square = augment.cutout(0.5)

    def changed(images: Array, keys: Key, step: Array) -> Array:
        now = p(step) if callable(p) else p
        keys, square_keys, chance_keys = jax.vmap(lambda key: jax.random.split(key, 3), out_axes=1)(keys)
        with jax.default_matmul_precision("highest"):  # places and colours on accelerators too
            images = jax.vmap(lambda image, key: change(image, key, now, colours * now))(images, keys)
        if not cutout:
            return images
        happens = jax.vmap(lambda key: jax.random.bernoulli(key, cutout * now))(chance_keys)
        return jnp.where(happens[:, None, None, None], square(images, square_keys, step), images)

    return changed


def change(image: Array, key: Key, p: Array | float, colour_p: Array | float) -> Array:
    """An image [H, W, C] with each change made with its probability. Hue and saturation change images of three channels alone."""
    geometry_key, colour_key = jax.random.split(key)
    image = moved(image, *composed(geometry(geometry_key, jnp.array(image.shape[:2]), p)))
    matrix, offset = colour(colour_key, colour_p)
    if image.shape[-1] == 3:
        return image @ matrix.T + offset
    return image * (LUMA @ matrix @ LUMA) + jnp.mean(offset)


def geometry(key: Key, sides: Array, p: Array | float) -> list[Map]:
    """Of each change, from where a pixel comes, in pixels (row, column) from the centre; that of what is done last comes first.

    Mirrored, turned by quarters, moved by whole pixels, scaled, rotated, stretched, rotated, moved. Args: sides: the image's, [2].
    """
    keys = iter(jax.random.split(key, 16))

    def maybe(probability: Array | float, matrix: Array, shift: Array) -> Map:
        happens = jax.random.bernoulli(next(keys), probability)
        return jnp.where(happens, matrix, jnp.eye(2)), jnp.where(happens, shift, jnp.zeros(2))

    uniform = lambda low, high, shape=(): jax.random.uniform(next(keys), shape, minval=low, maxval=high)
    normal = lambda shape=(): jax.random.normal(next(keys), shape)
    still, straight = jnp.zeros(2), jnp.eye(2)
    stretch = 2 ** (0.2 * normal())
    either = 1 - jnp.sqrt(1 - p)  # of two rotations, so that one or both happen with probability p
    return [
        maybe(p / 2, jnp.diag(jnp.array([1.0, -1.0])), still),  # a mirrored image is one of two
        maybe(p, rotation(jnp.pi / 2 * jnp.floor(uniform(0, 4))), still),
        maybe(p, straight, jnp.round(uniform(-1, 1, (2,)) * sides / 8)),
        maybe(p, straight / 2 ** (0.2 * normal()), still),
        maybe(either, rotation(uniform(-jnp.pi, jnp.pi)), still),
        maybe(p, jnp.diag(jnp.array([1 / stretch, stretch])), still),
        maybe(either, rotation(uniform(-jnp.pi, jnp.pi)), still),
        maybe(p, straight, normal((2,)) * sides / 8),
    ]


def composed(maps: list[Map]) -> Map:
    """One map of several: of the first's place the second's, and so on."""
    matrix, shift = maps[0]
    for other, by in maps[1:]:
        matrix, shift = matrix @ other, matrix @ by + shift
    return matrix, shift


def colour(key: Key, p: Array | float) -> Map:
    """What becomes of a colour in [-1, 1]: x -> M x + b, [3, 3] and [3]."""
    keys = iter(jax.random.split(key, 10))
    happens = lambda probability: jax.random.bernoulli(next(keys), probability)
    normal = lambda: jax.random.normal(next(keys))
    gray = jnp.outer(LUMA, LUMA)
    brightness = jnp.where(happens(p), 0.2 * normal(), 0.0)
    contrast = jnp.where(happens(p), 2 ** (0.5 * normal()), 1.0)
    inverted = jnp.where(happens(p / 2), jnp.eye(3) - 2 * gray, jnp.eye(3))
    angle = jnp.where(happens(p), jax.random.uniform(next(keys), minval=-jnp.pi, maxval=jnp.pi), 0.0)
    saturation = jnp.where(happens(p), 2 ** normal(), 1.0)
    matrix = (gray + saturation * (jnp.eye(3) - gray)) @ about_luma(angle) @ inverted * contrast
    return matrix, matrix @ jnp.full(3, brightness)


def about_luma(angle: Array) -> Array:
    """The rotation of colours about the gray axis, [3, 3] (Rodrigues)."""
    x, y, z = LUMA
    across = jnp.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return jnp.eye(3) + jnp.sin(angle) * across + (1 - jnp.cos(angle)) * across @ across
