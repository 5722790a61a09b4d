"""How alike two images look to a network: distances between the maps of its convolutions, which see edges and textures.

Images are uint8, or floats in [0, 255], [B, H, W, C]; each function gives a number for each pair, [B].
"""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp

from gan_jax.evaluation.features import Extractor, require_fitting

Array = jax.Array
EPSILON = 1e-10  # beside the length of a vector of channels, as LPIPS's authors have it


def distance(extractor: Extractor, a: Array, b: Array) -> Array:
    """Σ over maps of the mean over places of ‖â - b̂‖², each place's channels scaled to length 1; 0 for equal images.

    Zhang et al. 2018 (LPIPS, arXiv:1801.03924, equation 1) with all weights 1, and another network: not to be called LPIPS.
    Raises as `loss`.
    """
    unit = lambda x: x / (jnp.linalg.norm(x, axis=-1, keepdims=True) + EPSILON)
    pairs = zip(_maps(extractor, a, b), _maps(extractor, b, a), strict=True)
    return sum(jnp.mean(jnp.sum((unit(x) - unit(y)) ** 2, axis=-1), axis=(1, 2)) for x, y in pairs)


def loss(extractor: Extractor, a: Array, b: Array) -> Array:
    """The mean of (φ(a) - φ(b))² over all numbers of a map φ, and over maps.

    Johnson et al. 2016 (arXiv:1603.08155, equation 2); Ledig et al. 2017 (SRGAN, arXiv:1609.04802, equation 5). Raises ValueError
    if the network's maps are not known, or it does not take such images.
    """
    found = [
        jnp.mean((x - y) ** 2, axis=(1, 2, 3))
        for x, y in zip(_maps(extractor, a, b), _maps(extractor, b, a), strict=True)
    ]
    return sum(found) / len(found)


def cost(
    extractor: Extractor | None, image_shape: tuple[int, int, int]
) -> Callable[[Array, Mapping[str, Array]], Array]:
    """(images in [-1, 1], examples with a "target") -> the mean of `loss`, which is given pixels in [0, 255] as it expects them.

    Raises as `require_maps`.
    """
    require_maps(extractor, image_shape)
    return lambda images, example: jnp.mean(loss(extractor, pixels(images), pixels(example["target"])))


def pixels(images: Array) -> Array:
    """Images in [-1, 1] as the networks take them, in [0, 255], not rounded; what lies outside is clipped."""
    return (jnp.clip(images, -1, 1) + 1) * 127.5


def require_maps(extractor: Extractor | None, image_shape: tuple[int, int, int]) -> None:
    """Raises ValueError unless there is a network whose maps of such images are known."""
    if extractor is None:
        raise ValueError(f"no network takes images of {image_shape[-1]} channels")
    if extractor.maps is None:
        raise ValueError(
            f"{extractor.name}: the maps of this network are not known; one of experiments.classifier has them"
        )
    require_fitting(extractor, image_shape)


def _maps(extractor: Extractor, images: Array, others: Array) -> list[Array]:
    if images.shape != others.shape:
        raise ValueError(f"two arrays of equal shape are needed, got {list(images.shape)} and {list(others.shape)}")
    require_maps(extractor, images.shape[1:])
    return extractor.maps(extractor.variables, images)
