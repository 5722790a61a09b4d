"""Images of any size in squares of 2^n pixels."""

import jax
import numpy as np
import pytest

from gan_jax.networks.framing import cut, doublings, framed, side_of


@pytest.mark.parametrize("size, side", [((8, 8), 8), ((28, 28), 32), ((32, 32), 32), ((33, 9), 64), ((512, 400), 512)])
def test_sides(size, side):
    assert side_of(size) == side and doublings(size)[-1] == side and doublings(size)[0] == 8


@pytest.mark.parametrize("size", [(7, 8), (513, 64)])
def test_sizes_beyond(size):
    with pytest.raises(ValueError, match=f"8 to 512 pixels a side, got {size[0]}×{size[1]}"):
        side_of(size)


@pytest.mark.parametrize("shape", [(28, 28, 1), (9, 14, 3), (16, 16, 1)])
def test_the_centre_of_a_framed_image_is_the_image(shape):
    images = jax.random.normal(jax.random.key(0), (2, *shape))
    square = framed(images)
    assert square.shape[1] == square.shape[2] == side_of(shape[:2])
    np.testing.assert_array_equal(cut(square, shape), images)


def test_edges_are_repeated():
    images = jax.random.normal(jax.random.key(0), (1, 28, 28, 1))
    np.testing.assert_array_equal(framed(images)[0, 2:-2, 0], images[0, :, 0])
