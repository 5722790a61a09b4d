"""The sliced Wasserstein distance against loops and closed forms; what it and ms_ssim refuse."""

import itertools
import math

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from gan_jax.evaluation import image_metrics
from gan_jax.evaluation.image_metrics import ms_ssim, multi_scale_ssim, sliced_wasserstein
from tests.evaluation.example_images import constant, few, noise, shapes, smooth, with_noise


def mirrored(index, size):
    return -index if index < 0 else 2 * (size - 1) - index if index >= size else index


def naive_filter(image, factor):
    """Of one channel [H, W], by a loop over pixels and the 25 numbers of the filter."""
    height, width = image.shape
    binomial = [1, 4, 6, 4, 1]
    filtered = np.zeros((height, width))
    for y, x, i, j in itertools.product(range(height), range(width), range(5), range(5)):
        pixel = image[mirrored(y + i - 2, height), mirrored(x + j - 2, width)]
        filtered[y, x] += factor * binomial[i] * binomial[j] / 256 * pixel
    return filtered


def naive_pyramid(image):
    levels, image = [], image.astype(float)
    while (min(image.shape) + 1) // 2 >= 16:
        smaller = naive_filter(image, 1)[::2, ::2]
        spread = np.zeros(image.shape)
        spread[::2, ::2] = smaller
        levels.append(image - naive_filter(spread, 4))
        image = smaller
    return [*levels, image]


def naive_sliced_wasserstein(real, fake, seed, patches, directions):
    state = np.random.RandomState(seed)
    pyramids = [[[naive_pyramid(image[..., c]) for c in range(image.shape[2])] for image in s] for s in (real, fake)]
    distances = {}
    for level in range(len(pyramids[0][0][0])):
        height, width = pyramids[0][0][0][level].shape
        rows = state.randint(0, height - 6, size=(len(real), patches))
        columns = state.randint(0, width - 6, size=(len(real), patches))
        sets = []
        for pyramid in pyramids:
            cut = [
                [channel[level][y : y + 7, x : x + 7] for channel in image]
                for image, ys, xs in zip(pyramid, rows, columns)
                for y, x in zip(ys, xs)
            ]
            cut = np.array(cut)  # [N × patches, C, 7, 7]
            for c in range(cut.shape[1]):
                cut[:, c] = (cut[:, c] - cut[:, c].mean()) / cut[:, c].std()
            sets.append(cut.reshape(len(cut), -1))
        total = 0
        for vector in state.randn(directions, sets[0].shape[1]):
            a, b = (sorted(float(patch @ vector) / np.linalg.norm(vector) for patch in one) for one in sets)
            total += sum(abs(i - j) for i, j in zip(a, b)) / len(a)
        distances[min(height, width)] = 1000 * total / directions
    return distances


@pytest.mark.parametrize("shape", [(32, 33, 1), (31, 32, 1), (9, 8, 3)])
def test_sliced_wasserstein_by_loops(shape):
    real, fake = noise(0, 2, *shape), smooth(2, 40, shape[2])[:, : shape[0], : shape[1]]
    expected = naive_sliced_wasserstein(real, fake, seed=3, patches=4, directions=5)
    got = sliced_wasserstein(real, fake, seed=3, patches=4, directions=5)
    assert list(got) == list(expected)
    np.testing.assert_allclose([*got.values()], [*expected.values()], rtol=1e-5)


def test_sliced_wasserstein_closed_form():
    """Images of one patch. Real: all black and all white, which is ∓1 when normalised; fake: twice one pattern p.

    On a direction v the real ones are at ∓v·1 and the fake ones at v·p, so the distance is max(|v·1|, |v·p|). Now 1 and
    p are orthogonal and of length 7, so the mean is 7 E max(|g₁|, |g₂|) / E ‖g‖ = 7 (2 / √π) / E ‖g‖, g normal in R⁴⁹.
    """
    real = np.stack([constant(0, 7, 7, 1), constant(255, 7, 7, 1)])
    fake = np.repeat(noise(0, 1, 7, 7, 1), 2, axis=0)
    norm = math.sqrt(2) * math.gamma(25) / math.gamma(24.5)
    got = sliced_wasserstein(real, fake, patches=1, directions=20_000)
    np.testing.assert_allclose(got[7], 1000 * 7 * 2 / math.sqrt(math.pi) / norm, rtol=0.01)


@pytest.mark.parametrize(
    "shape, sides",
    [
        ((7, 7, 1), [7]),
        ((14, 14, 1), [14]),
        ((28, 28, 1), [28]),
        ((33, 33, 1), [33, 17]),
        ((64, 64, 3), [64, 32, 16]),
        ((65, 40, 3), [40, 20]),
    ],
)
def test_sides(shape, sides):
    distances = sliced_wasserstein(noise(0, 3, *shape), noise(1, 3, *shape), patches=8, directions=8)
    assert list(distances) == sides
    assert all(type(value) is float and 0 < value < math.inf for value in distances.values())


@few
@hypothesis.given(shapes, strategies.integers(0, 2**32 - 1))
def test_sliced_wasserstein_is_symmetric_and_0_for_equal_sets(shape, seed):
    a, b = noise(seed, *shape), noise(seed ^ 1, *shape)
    small = {"seed": seed, "patches": 4, "directions": 20}
    there, back, same = (sliced_wasserstein(*sets, **small) for sets in ((a, b), (b, a), (a, a.copy())))
    assert there == back and min(there.values()) > 0
    assert set(same.values()) == {0.0}


def test_order_of_images_hardly_matters():
    """The distance is one of sets: another order is only another draw of patches."""
    images = smooth(200)
    shuffled = images[np.random.RandomState(0).permutation(200)]
    to_shuffled, to_noise = (
        sliced_wasserstein(images, other, directions=32)[32] for other in (shuffled, noise(0, *images.shape))
    )
    assert 0 < to_shuffled < 0.1 * to_noise


def test_sliced_wasserstein_grows_with_noise():
    images = smooth(channels=3)
    noisy = [with_noise(images, deviation) for deviation in (0, 2, 8, 32, 128)]
    values = [sliced_wasserstein(images, other, directions=64) for other in noisy]
    for side in (32, 16):
        assert (np.diff([value[side] for value in values]) > 0).all()


def test_brightness_and_contrast_of_a_channel_do_not_count():
    images = noise(0, 5, 33, 33, 3) // 4
    changed = (images * [1, 2, 4] + [100, 1, 0]).astype(np.uint8)
    assert max(sliced_wasserstein(images, changed).values()) < 1e-3


def test_constant_images():
    """All black, or each of another gray: a deviation of 0, at some level or at all."""
    black = constant(0, 3, 32, 32, 3)
    grays = black + np.array([10, 77, 201], np.uint8)[:, None, None, None]
    assert sliced_wasserstein(black, black + np.uint8(9)) == {32: 0, 16: 0}
    for other in (grays, noise(0, *black.shape)):
        assert np.isfinite([*sliced_wasserstein(black, other).values()]).all()
    assert sliced_wasserstein(black, grays)[32] == 0


def test_of_the_larger_set_the_first_images_are_taken():
    a, b = noise(0, 5, 16, 16, 1), noise(1, 3, 16, 16, 1)
    assert sliced_wasserstein(a, b) == sliced_wasserstein(a[:3], b) == sliced_wasserstein(b, a)


def test_seeds_and_chunks(monkeypatch):
    a, b = noise(0, 5, 33, 16, 3), noise(1, 5, 33, 16, 3)
    swd, similarity, diversity = sliced_wasserstein(a, b), multi_scale_ssim(a, b), ms_ssim(a, pairs=10)
    assert sliced_wasserstein(a, b, seed=1) != swd and ms_ssim(a, pairs=10, seed=1) != diversity
    monkeypatch.setattr(image_metrics, "CHUNK", 2 * a[0].size)
    monkeypatch.setattr(image_metrics, "DIRECTIONS", 7)
    np.testing.assert_allclose([*sliced_wasserstein(a, b).values()], [*swd.values()], rtol=1e-6)
    np.testing.assert_array_equal(multi_scale_ssim(a, b), similarity)
    assert ms_ssim(a, pairs=10) == diversity


GOOD = noise(0, 3, 8, 8, 1)


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: sliced_wasserstein(GOOD[..., 0], GOOD),
            r"needs uint8 images \[N, H, W, 1 or 3\], got uint8 \[3, 8, 8\]",
        ),
        (lambda: sliced_wasserstein(GOOD, GOOD / 255), r"got float64 \[3, 8, 8, 1\]"),
        (lambda: sliced_wasserstein(GOOD, noise(0, 3, 8, 8, 3)), r"equal shape, got \[8, 8, 1\] and \[8, 8, 3\]"),
        (lambda: sliced_wasserstein(GOOD, GOOD[:1]), "sliced_wasserstein needs at least 2 images, got 1"),
        (lambda: sliced_wasserstein(GOOD[:, :6], GOOD[:, :6]), r"at least 7×7 pixels, got \[3, 6, 8, 1\]"),
        (lambda: sliced_wasserstein(GOOD, GOOD, directions=0), "at least 1 patch and 1 direction, got 128 and 0"),
        (lambda: ms_ssim(GOOD.astype(np.float32)), r"ms_ssim needs uint8 .* got float32"),
        (lambda: ms_ssim(noise(0, 2, 3, 16, 16)), r"got uint8 \[2, 3, 16, 16\]"),
        (lambda: ms_ssim(GOOD[:1]), "ms_ssim needs at least 2 images, got 1"),
        (lambda: ms_ssim(GOOD, pairs=0), "ms_ssim needs at least 1 pair, got 0"),
        (lambda: ms_ssim(GOOD[:, :0]), r"at least 1×1 pixels, got \[3, 0, 8, 1\]"),
        (lambda: multi_scale_ssim(GOOD, GOOD[:2]), "as many images in both, got 3 and 2"),
        (lambda: multi_scale_ssim(GOOD[:0], GOOD[:0]), "multi_scale_ssim needs at least 1 image, got 0"),
        (lambda: multi_scale_ssim(GOOD, GOOD[:, :7]), r"equal shape, got \[8, 8, 1\] and \[7, 8, 1\]"),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
