"""What is made without learning, against closed forms."""

import numpy as np
from PIL import Image

from gan_jax.evaluation.baselines import BASELINES, bicubic, diffusion, identity, mean_colour

SHAPE = (12, 10, 3)


def ramp():
    """A plane: Laplace's equation has it for its own."""
    rows, columns = np.mgrid[:12, :10]
    return np.stack([10 * rows + 5 * columns, 255 - 10 * rows, 20 * columns], axis=-1).astype(np.uint8)[None]


def hole(height=12, width=10):
    mask = np.zeros((1, height, width, 1), bool)
    mask[:, 3:9, 2:7] = True
    return mask


def test_identity_shows_gray_in_all_channels_and_says_nothing_of_other_shapes():
    np.testing.assert_array_equal(identity({"image": ramp()}, SHAPE), ramp())
    gray = ramp()[..., :1]
    np.testing.assert_array_equal(identity({"image": gray}, SHAPE), gray.repeat(3, axis=-1))
    assert identity({"image": ramp()[:, ::2, ::2]}, SHAPE) is None and identity({"image": ramp()}, (12, 10, 1)) is None


def test_bicubic_is_pillows_and_for_smaller_images_alone():
    small = ramp()[:, ::2, ::2]
    expected = np.asarray(Image.fromarray(small[0]).resize((10, 12), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(bicubic({"image": small}, SHAPE)[0], expected)
    np.testing.assert_array_equal(bicubic({"image": small[..., :1]}, (12, 10, 1))[0, ..., 0], expected[..., 0])
    assert bicubic({"image": ramp()}, SHAPE) is None


def test_mean_colour_of_what_is_there():
    image = np.full((1, 12, 10, 3), (10, 20, 30), np.uint8)
    damaged = np.where(hole(), np.uint8(128), image)
    np.testing.assert_array_equal(mean_colour({"image": damaged, "mask": hole()}, SHAPE), image)


def test_diffusion_gives_a_plane_back_and_never_sees_the_hole():
    for inside in (0, 255):
        damaged = np.where(hole(), np.uint8(inside), ramp())
        found = diffusion({"image": damaged, "mask": hole()}, SHAPE)
        np.testing.assert_array_equal(found, ramp())


def test_diffusion_at_an_edge_and_of_holes_that_are_none_or_all():
    """At the image's edge there is no flow: one column of a known value fills all."""
    mask = np.ones((1, 12, 10, 1), bool)
    mask[:, :, 0] = False
    image = np.full((1, 12, 10, 3), 128, np.uint8)
    image[:, :, 0] = 77
    assert (diffusion({"image": image, "mask": mask}, SHAPE) == 77).all()
    for mask in (np.zeros((1, 12, 10, 1), bool), np.ones((1, 12, 10, 1), bool)):
        np.testing.assert_array_equal(diffusion({"image": image, "mask": mask}, SHAPE), image)


def test_without_a_mask_nothing_is_filled():
    assert {name for name, each in BASELINES.items() if each({"image": ramp()}, SHAPE) is not None} == {"identity"}
