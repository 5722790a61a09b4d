import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from gan_jax import augment
from gan_jax.randomness import example_keys

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

KEYS = example_keys(jax.random.key(0), 2000)


@pytest.mark.parametrize("step, expected", [(0, 0.4), (25, 0.3), (100, 0.0), (500, 0.0)])
def test_instance_noise_falls_linearly(step, expected):
    noisy = augment.instance_noise(0.4, 100)
    noise = noisy(jnp.ones((2000, 5)), KEYS, jnp.int32(step)) - 1
    np.testing.assert_allclose(noise.std(), expected, rtol=0.03, atol=1e-9)
    np.testing.assert_allclose(noise.mean(), 0, atol=0.02)


def test_g_learns_through_the_noise():
    noisy = augment.instance_noise(0.4, 100)
    slope = jax.grad(lambda x: noisy(x, KEYS[:3], jnp.int32(0)).sum())(jnp.ones((3, 4)))
    np.testing.assert_array_equal(slope, jnp.ones((3, 4)))


def test_a_chain_of_nothing_leaves_the_images_as_they_are():
    images = jnp.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(augment.chain()(images, KEYS[:3], jnp.int32(7)), images)


def test_a_chain_is_in_order_and_tells_each_the_step():
    add = lambda images, keys, step: images + step
    double = lambda images, keys, step: 2 * images
    images = jnp.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(augment.chain(add, double)(images, KEYS[:3], jnp.int32(7)), 2 * (images + 7))
    np.testing.assert_array_equal(augment.chain(double, add)(images, KEYS[:3], jnp.int32(7)), 2 * images + 7)


def test_augmentations_in_a_chain_have_noise_of_their_own():
    """Noise of deviations 3 and 4 adds up to 5; the same noise twice would be of 7."""
    noisy = augment.chain(augment.instance_noise(3.0, 100), augment.instance_noise(4.0, 100))
    seen = noisy(jnp.zeros((2000, 5)), KEYS, jnp.int32(0))
    np.testing.assert_allclose(seen.std(), 5, rtol=0.03)


def test_noise_in_a_chain_belongs_to_the_example():
    noisy = jax.jit(augment.chain(augment.instance_noise(0.3, 100), augment.instance_noise(0.4, 100)))
    whole = noisy(jnp.zeros((6, 2)), KEYS[:6], jnp.int32(0))
    reversed_ = noisy(jnp.zeros((6, 2)), KEYS[5::-1], jnp.int32(0))
    np.testing.assert_array_equal(reversed_, whole[::-1])
    assert len(np.unique(whole)) == 12


@pytest.mark.parametrize("angle, scale", [(0.0, (1, 1)), (0.3, (1, 1)), (-0.2, (0.9, 1.2)), (np.pi / 2, (1, 1))])
def test_rotated_is_as_scipy_has_it(angle, scale):
    image = np.random.RandomState(0).uniform(-1, 1, (8, 7, 2)).astype(np.float32)
    back = np.diag(1 / np.array(scale)) @ [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    center = np.array([3.5, 3])
    expected = [
        scipy.ndimage.affine_transform(
            image[..., channel], back, center - back @ center, order=1, mode="grid-constant", cval=-1
        )
        for channel in range(2)
    ]
    found = augment.rotated(jnp.asarray(image), jnp.float32(angle), jnp.array(scale, jnp.float32), "black")
    np.testing.assert_allclose(found, np.stack(expected, axis=-1), atol=2e-5)


def test_a_quarter_rotation_is_anticlockwise():
    image = jax.random.uniform(KEYS[0], (4, 4, 1))
    np.testing.assert_allclose(augment.rotated(image, jnp.float32(np.pi / 2), jnp.ones(2)), np.rot90(image), atol=1e-5)


def test_images_are_scaled_before_they_are_rotated():
    """A dot becomes two wide, and that then stands upright."""
    dot = np.zeros((5, 5, 1), np.float32)
    dot[2, 2] = 1
    seen = augment.rotated(dot, jnp.float32(np.pi / 2), jnp.array([1.0, 2.0]), "black")[..., 0]
    inner = np.zeros((3, 3))
    inner[:, 1] = [0.5, 1, 0.5]
    np.testing.assert_allclose(seen[1:4, 1:4], inner, atol=1e-5)


def test_g_learns_through_rotations():
    """What moves a pixel's brightness moves the four around its new place, whose weights add up to 1."""
    slope = jax.grad(lambda image: augment.rotated(image, jnp.float32(0.3), jnp.ones(2), "black")[3, 4].sum())(
        jnp.zeros((8, 7, 1))
    )
    np.testing.assert_allclose(slope.sum(), 1, rtol=1e-5)
    assert 1 < np.count_nonzero(slope) <= 4


def test_rotations_and_scales_are_within_their_limits_and_each_image_s_own():
    """Measured by where a bright line of pixels, and a bright square, have gone."""
    line = np.full((33, 33, 1), -1.0, np.float32)
    line[16, 4:29] = 1
    y, x = np.indices((33, 33)) - 16
    seen = (
        np.asarray(augment.rotate_and_scale(15.0, fill="black")(jnp.stack([line] * 200), KEYS[:200], jnp.int32(0)))[
            ..., 0
        ]
        + 1
    )
    angle = 0.5 * np.arctan2(2 * (seen * -y * x).sum((1, 2)), (seen * (x**2 - y**2)).sum((1, 2)))
    assert 14 < np.rad2deg(angle).max() < 15.5 and -15.5 < np.rad2deg(angle).min() < -14
    square = np.full((33, 33, 1), -1.0, np.float32)
    square[8:25, 8:25] = 1
    seen = (
        np.asarray(augment.rotate_and_scale(0.0, 0.2, "black")(jnp.stack([square] * 200), KEYS[:200], jnp.int32(0)))[
            ..., 0
        ]
        + 1
    )
    sides = np.stack([seen[:, :, 16].sum(1), seen[:, 16].sum(1)]) / 2 / 17
    for side in sides:
        assert 0.78 < side.min() < 0.83 and 1.17 < side.max() < 1.22
    assert abs(np.corrcoef(sides)[0, 1]) < 0.3


def test_translate_moves_each_image_by_its_own_key():
    image = jnp.arange(2.0, 27.0).reshape(5, 5, 1)
    moved = augment.translate(1, "black")(jnp.stack([image] * 64), KEYS[:64], 0)
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), constant_values=-1)
    all_moves = [padded[i : i + 5, j : j + 5] for i in range(3) for j in range(3)]
    seen = [next(k for k, move in enumerate(all_moves) if np.array_equal(move, x)) for x in np.asarray(moved)]
    assert set(seen) == set(range(9))
    np.testing.assert_array_equal(augment.translate(0)(image[None], KEYS[:1], 0), image[None])


def test_reflections_come_in():
    image = jnp.arange(2.0, 27.0).reshape(5, 5, 1)
    moved = augment.translate(2)(jnp.stack([image] * 200), KEYS[:200], 0)
    padded = np.pad(image, ((2, 2), (2, 2), (0, 0)), mode="reflect")
    all_moves = [padded[i : i + 5, j : j + 5] for i in range(5) for j in range(5)]
    seen = [next(k for k, move in enumerate(all_moves) if np.array_equal(move, x)) for x in np.asarray(moved)]
    assert set(seen) == set(range(25))
    far = augment.translate(12)(image[None], KEYS[:1], 0)  # reflected again and again
    assert far.shape == (1, 5, 5, 1) and np.isin(far, image).all()


def test_a_share_of_the_sides_is_as_many_pixels_of_each():
    """An eighth, as DiffAugment has it: 2 of 16 rows, 1 of 8 columns."""
    image = jnp.arange(2.0, 130.0).reshape(16, 8, 1)
    moved = np.asarray(augment.translate(0.125)(jnp.stack([image] * 300), KEYS[:300], 0))[..., 0]
    padded = np.pad(np.asarray(image)[..., 0], ((2, 2), (1, 1)), mode="reflect")
    all_moves = [padded[i : i + 16, j : j + 8] for i in range(5) for j in range(3)]
    seen = [next(k for k, move in enumerate(all_moves) if np.array_equal(move, x)) for x in moved]
    assert set(seen) == set(range(15))


def test_rotation_and_scale_reflect_as_scipy_s_mirror_does():
    image = np.random.RandomState(0).uniform(-1, 1, (8, 7, 1)).astype(np.float32)
    back = np.array([[np.cos(0.7), np.sin(0.7)], [-np.sin(0.7), np.cos(0.7)]]) / 0.6
    center = np.array([3.5, 3])
    expected = scipy.ndimage.affine_transform(image[..., 0], back, center - back @ center, order=1, mode="mirror")
    found = augment.rotated(jnp.asarray(image), jnp.float32(0.7), jnp.array([0.6, 0.6]))
    np.testing.assert_allclose(found[..., 0], expected, atol=2e-5)


def test_diffaugment_is_its_three():
    assert augment.parse(["diffaugment", "mirror"]) == dict(translate=0.125, colour=1, cutout=0.5, mirror=0.5)


def test_mirror_changes_left_and_right_of_its_share():
    images = jax.random.uniform(KEYS[0], (2000, 3, 4, 2))
    seen = np.asarray(augment.mirror(0.3)(images, KEYS, 0))
    mirrored = (seen == images[:, :, ::-1]).all((1, 2, 3))
    assert (mirrored | (seen == images).all((1, 2, 3))).all()
    assert abs(mirrored.mean() - 0.3) < 0.04
    np.testing.assert_array_equal(augment.mirror(1.0)(images, KEYS, 0), images[:, :, ::-1])


def test_colour_is_brightness_saturation_and_contrast_as_of_diffaugment():
    """Measured by what three numbers give the image back: each uniform in its range, and independent."""
    image = jax.random.uniform(KEYS[0], (5, 6, 3), minval=-1)
    seen = np.asarray(augment.colour()(jnp.stack([image] * 2000), KEYS, 0), np.float64)
    x = np.asarray(image, np.float64)
    brightness = seen.mean((1, 2, 3)) - x.mean()  # which the other two leave as it is
    gray = lambda images: images.mean(-1, keepdims=True)
    contrast = (gray(seen) - gray(seen).mean((1, 2), keepdims=True)).std((1, 2, 3)) / gray(x).std()
    saturation = (seen - gray(seen)).std((1, 2, 3)) / (x - gray(x)).std() / contrast
    for numbers, low, high in ((brightness, -0.5, 0.5), (contrast, 0.5, 1.5), (saturation, 0, 2)):
        width = high - low
        assert low - 1e-4 < numbers.min() < low + 0.01 * width and high - 0.01 * width < numbers.max() < high + 1e-4
        np.testing.assert_allclose(numbers.std(), width / np.sqrt(12), rtol=0.05)
    assert np.abs(np.corrcoef([brightness, contrast, saturation]) - np.eye(3)).max() < 0.1
    b, c, s = brightness[:, None, None, None], contrast[:, None, None, None], saturation[:, None, None, None]
    moved = b + gray(x) + s * (x - gray(x))
    np.testing.assert_allclose(seen, b + x.mean() + c * (moved - b - x.mean()), atol=1e-4)
    half = np.asarray(augment.colour(0.5)(jnp.stack([image] * 2000), KEYS, 0))
    assert 0.24 < np.abs(half.mean((1, 2, 3)) - x.mean()).max() < 0.251


def test_colour_of_gray_images_has_no_saturation():
    image = jax.random.uniform(KEYS[0], (1, 5, 6, 1), minval=-1)
    seen = np.asarray(augment.colour()(image, KEYS[:1], 0))
    assert np.corrcoef(seen.ravel(), np.ravel(image))[0, 1] > 0.9999


def test_cutout_grays_a_square_anywhere():
    seen = np.asarray(augment.cutout(0.5)(jnp.ones((2000, 8, 12, 1)), KEYS, 0))[..., 0]
    assert set(np.unique(seen)) == {0, 1}
    gray = seen == 0
    heights, widths = gray.any(2).sum(1), gray.any(1).sum(1)
    assert (heights * widths == gray.sum((1, 2))).all()  # one block
    assert heights.max() == 4 and widths.max() == 6 and heights.min() == 2 and widths.min() == 3  # cut at the edges
    np.testing.assert_allclose(gray.mean(0)[3:5, 5:7], 0.25, atol=0.04)  # 4 of 8 rows, 6 of 12 columns
    assert gray.mean(0).min() > 0.05


KNOWN = ", ".join([*augment.AUGMENTATIONS, *augment.POLICIES])
# What a name with an amount stands for: one of each of AUGMENTATIONS.
CASES = {
    "mirror": ("mirror:0.7", augment.mirror(0.7)),
    "colour": ("colour:0.6", augment.colour(0.6)),
    "cutout": ("cutout:0.3", augment.cutout(0.3)),
    "translate": ("translate:3", augment.translate(3)),
    "rotate": ("rotate:20", augment.rotate_and_scale(20.0)),
    "scale": ("scale:0.3", augment.rotate_and_scale(0.0, 0.3)),
}


def test_every_augmentation_is_tested():
    for name in augment.AUGMENTATIONS:
        assert name in CASES, (
            f"add CASES[{name!r}] in tests/test_augment.py: its text, and the augmentation it stands for"
        )
    assert set(CASES) == set(augment.AUGMENTATIONS)


@pytest.mark.parametrize("name", CASES)
def test_an_augmentation_is_made_of_its_text(name):
    text, expected = CASES[name]
    images = jax.random.uniform(KEYS[0], (4, 9, 8, 2), minval=-1)
    seen = augment.make(augment.parse([text]))(images, KEYS[:4], 0)
    assert np.abs(seen - images).max() > 0.1
    np.testing.assert_allclose(seen, augment.chain(expected)(images, KEYS[:4], 0), atol=1e-6)


def test_without_a_number_the_amount_is_the_default():
    texts, defaults = list(augment.AUGMENTATIONS), augment.AUGMENTATIONS.values()
    assert augment.parse(texts) == dict(zip(texts, (each.default for each in defaults), strict=True))
    assert augment.parse([]) == {}


def test_rotation_and_scale_come_before_translation_at_once_and_others_last():
    """Whatever their order in the text; of nothing nothing is made."""
    images = jax.random.uniform(KEYS[0], (4, 9, 9, 1), minval=-1)
    double = lambda images, keys, step: 2 * images
    seen = augment.make(augment.parse(["translate:1", "scale:0.2", "rotate:30"]), double)(images, KEYS[:4], 0)
    expected = augment.chain(augment.rotate_and_scale(30.0, 0.2), augment.translate(1), double)
    np.testing.assert_allclose(seen, expected(images, KEYS[:4], 0), atol=1e-6)
    np.testing.assert_array_equal(augment.make({"rotate": 0.0, "translate": 0.0})(images, KEYS[:4], 0), images)


@pytest.mark.parametrize(
    "texts, said",
    [
        (["rotat"], f"augment=rotat: unknown augmentation 'rotat'; choose from {KNOWN}"),
        (["scale", "rotate:1", "scale:0.1"], "augment=scale,rotate:1,scale:0.1: scale is there twice"),
        (["translate:1.5"], "augment=translate:1.5: translate goes by whole pixels"),
        (["diffaugment:2"], "augment=diffaugment:2: diffaugment takes no amount; choose from"),
        (["cutout", "diffaugment"], "augment=cutout,diffaugment: cutout is there twice"),
        (["mirror:2"], "augment=mirror:2: must be from 0 to 1 (share of images"),
        (["rotate:far"], "augment=rotate:far: 'far' is no number (degrees either way)"),
        (["rotate:"], "augment=rotate:: '' is no number (degrees either way)"),
        (["rotate:181"], "augment=rotate:181: must be from 0 to 180 (degrees either way)"),
        (["translate:-1"], "augment=translate:-1: must be from 0 to 1024 (whole pixels each way, or below 1"),
        (["scale:nan"], "augment=scale:nan: must be from 0 to 0.9"),
    ],
)
def test_a_wrong_text_is_said_in_one_line(texts, said):
    with pytest.raises(ValueError) as error:
        augment.parse(texts)
    assert str(error.value).startswith(said) and "\n" not in str(error.value)


def test_packs_are_consecutive_images_side_by_side_in_the_channels():
    images = jnp.arange(4 * 2 * 2 * 3).reshape(4, 2, 2, 3)
    packs = augment.pack(images, 2)
    assert packs.shape == (2, 2, 2, 6)
    np.testing.assert_array_equal(packs[1, ..., :3], images[2])
    np.testing.assert_array_equal(packs[1, ..., 3:], images[3])
    np.testing.assert_array_equal(augment.unpack(packs, 2), images)
    np.testing.assert_array_equal(augment.pack(images, 1), images)
    np.testing.assert_array_equal(augment.pack(jnp.arange(8.0).reshape(4, 2), 2), [[0, 1, 2, 3], [4, 5, 6, 7]])


def test_packs_that_do_not_divide_the_batch_raise():
    with pytest.raises(ValueError, match="packs of 3 do not divide a batch of 4"):
        augment.pack(jnp.zeros((4, 2)), 3)
