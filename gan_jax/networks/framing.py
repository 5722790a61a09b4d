"""Images of any size for networks that double: they are drawn, and seen, in the next larger square of 2^n pixels a side."""

import jax
import jax.numpy as jnp

Array = jax.Array
SMALLEST, LARGEST = 8, 512


def side_of(image_size: tuple[int, int], largest: int = LARGEST) -> int:
    """The side of the square: (28, 28) -> 32, (32, 24) -> 32.

    Raises ValueError if the image has a side of less than 8 pixels or more than `largest`.
    """
    if min(image_size) < SMALLEST or max(image_size) > largest:
        size = "×".join(map(str, image_size))
        raise ValueError(f"these networks take images of {SMALLEST} to {largest} pixels a side, got {size}")
    return 1 << (max(image_size) - 1).bit_length()


def doublings(image_size: tuple[int, int], largest: int = LARGEST) -> list[int]:
    """The sides that come after 4×4, up to the square's: (28, 28) -> [8, 16, 32]. Raises as `side_of`."""
    return [1 << i for i in range(3, side_of(image_size, largest).bit_length())]


def cut(images: Array, image_shape: tuple[int, ...]) -> Array:
    """The centre of images [B, S, S, C], [B, H, W, C]."""
    top, left = ((side - wanted) // 2 for side, wanted in zip(images.shape[1:3], image_shape))
    return images[:, top : top + image_shape[0], left : left + image_shape[1]]


def framed(images: Array, largest: int = LARGEST) -> Array:
    """Images [B, H, W, C] in the centre of their squares, [B, S, S, C], with their edges repeated. Raises as `side_of`."""
    rests = [side_of(images.shape[1:3], largest) - own for own in images.shape[1:3]]
    return jnp.pad(images, ((0, 0), *[(rest // 2, rest - rest // 2) for rest in rests], (0, 0)), mode="edge")
