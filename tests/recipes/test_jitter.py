"""What is done at random to examples: alike to all images of one, and to each example on its own."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.recipes.jitter import Jitter, jittered

KEY = jax.random.key(0)


def smooth(n, side, channels=3):
    """Images that a cubic enlarges to what it may be cut of: planes of their own slopes."""
    rows, columns = np.mgrid[:side, :side] / side - 0.5
    slopes = np.random.RandomState(0).uniform(0.3, 0.9, (n, 2, channels, 1, 1)) * [[[[1]]], [[[-1]]]]
    return jnp.asarray((slopes[:, 0] * rows + slopes[:, 1] * columns).transpose(0, 2, 3, 1), jnp.float32)


def test_pairs_are_jittered_alike_and_each_on_its_own():
    pictures = smooth(64, 8)
    pair = {"image": pictures, "target": pictures, "mask": pictures[..., :1] > 0, "label": jnp.arange(64)}
    cut = jittered(Jitter((12, 10), mirror=True), pair, KEY)
    np.testing.assert_array_equal(cut["image"], cut["target"])
    np.testing.assert_array_equal(cut["label"], pair["label"])
    large = np.asarray(jax.image.resize(pictures, (64, 12, 10, 3), "cubic"))
    large_mask = np.asarray(jax.image.resize(pair["mask"], (64, 12, 10, 1), "nearest"))
    places = []
    for whole, mask, part, part_mask in zip(large, large_mask, np.asarray(cut["image"]), np.asarray(cut["mask"])):
        found = [
            (row, column, turned)
            for row in range(5)
            for column in range(3)
            for turned in (1, -1)
            if np.allclose(whole[row : row + 8, column : column + 8][:, ::turned], part, atol=1e-5)
        ]
        places += found
        ((row, column, turned),) = found
        np.testing.assert_array_equal(mask[row : row + 8, column : column + 8][:, ::turned], part_mask)
    assert {row for row, _, _ in places} == set(range(5)) and {column for _, column, _ in places} == set(range(3))
    assert {turned for _, _, turned in places} == {1, -1}


def test_a_smaller_image_is_cut_to_what_shows_the_same():
    """Enlarged by the nearest, both would be equal pixel for pixel; so their masks are."""
    small = smooth(16, 4, 1) > 0.05
    large = small.repeat(2, 1).repeat(2, 2)
    pair = {"image": smooth(16, 4), "target": smooth(16, 8), "small": small, "mask": large}
    cut = jittered(Jitter((16, 16), mirror=True), pair, KEY)
    assert {name: field.shape[1] for name, field in cut.items()} == {"image": 4, "target": 8, "small": 4, "mask": 8}
    np.testing.assert_array_equal(cut["small"].repeat(2, 1).repeat(2, 2), cut["mask"])
    assert len({field.tobytes() for field in np.asarray(cut["small"])}) > 8
