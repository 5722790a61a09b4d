"""How far images move along a way between latents, as a network sees it: perceptual path lengths.

Karras et al. 2019 (StyleGAN, arXiv:1812.04948, section 4.1), as metrics/perceptual_path_length.py of StyleGAN2-ADA computes them.
Short where images change evenly; long where something comes and goes that neither end shows. Theirs are of VGG's maps with the
weights of LPIPS. These are of another network's maps: they compare only with those of the same network, of images of one kind.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.evaluation import perceptual
from gan_jax.evaluation.features import Extractor

Array = jax.Array
Path = Callable[[Array, Array, Array], Array]
# The authors' step. The rounding of float32 adds some 2e-4 to a length: little beside those of trained networks (of MNIST 1.09 of a
# StyleGAN2 in w, 21.4 of a DCGAN in z, both within 0.05% of float64's). To steps of 1e-5 it adds 100 times as much, and over steps
# of 1e-2 the ways are bent: the DCGAN's length is 3% too small.
EPSILON = 1e-4


def lerp(a: Array, b: Array, t: Array) -> Array:
    """(1 - t) a + t b: the straight line. a and b are [n, ...], t is [n]."""
    return a + t.reshape(-1, *[1] * (a.ndim - 1)) * (b - a)


def slerp(a: Array, b: Array, t: Array) -> Array:
    """From a to b on an arc about 0: as `latents.interpolation.slerp`, of what is drawn at random. a and b are [n, d], t is [n].

    Unlike there, opposite vectors, which no one draws but of one number, are joined through 0.
    """
    t = t[:, None]
    length_a, length_b = (jnp.linalg.norm(end, axis=1, keepdims=True) for end in (a, b))
    u, v = a / length_a, b / length_b
    cosine = jnp.sum(u * v, axis=1, keepdims=True)
    aside = v - cosine * u
    sine = jnp.linalg.norm(aside, axis=1, keepdims=True)
    angle = t * jnp.arctan2(sine, cosine)
    aside = aside / jnp.where(sine == 0, 1, sine)
    return ((1 - t) * length_a + t * length_b) * (jnp.cos(angle) * u + jnp.sin(angle) * aside)


PATHS: dict[str, Path] = {"slerp": slerp, "lerp": lerp}


def distances(
    extractor: Extractor, generate: Callable[[Array], Array], path: Path, a: Array, b: Array, t: Array
) -> Array:
    """Distances between the images at t and at t + ε on the paths from a to b, divided by ε²: [n].

    Args:
      generate: latents [2 n, ...] -> images [2 n, H, W, C] in [-1, 1]; those of the second half are further on.
      a, b: the ends [n, ...]; t: [n] in [0, 1].
    Raises as `perceptual.distance`.
    """
    ways = jnp.concatenate([path(a, b, t), path(a, b, t + EPSILON)])
    # All at once, so that the same is computed of both; and in full precision, which accelerators leave by default.
    with jax.default_matmul_precision("highest"):
        images = perceptual.pixels(generate(ways))  # not rounded: to 8 bits nearly all would be equal
    return perceptual.distance(extractor, *jnp.split(images, 2)) / EPSILON**2


def trimmed_mean(found: np.ndarray) -> float:
    """The mean of what is neither below the 1st nor above the 99th percentile, of numbers [n]: as the authors have it."""
    low, high = np.percentile(found, 1, method="lower"), np.percentile(found, 99, method="higher")
    return float(np.mean(found[(found >= low) & (found <= high)], dtype=np.float64))
