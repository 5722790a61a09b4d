"""Multi-scale structural similarity against loops, where it is known, and where it should fall."""

import itertools

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from gan_jax.evaluation.image_metrics import ms_ssim, multi_scale_ssim
from tests.evaluation.example_images import constant, few, noise, shapes, smooth, with_noise

WEIGHTS = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]


def naive_multi_scale_ssim(a, b, scales):
    """Of one channel [H, W], by loops over scales and windows, with variances about the windows' own means."""
    a, b = a.astype(float), b.astype(float)
    weights = np.array(WEIGHTS[:scales]) / sum(WEIGHTS[:scales])
    product = 1
    for scale in range(scales):
        height, width = a.shape
        size = min(11, height, width)
        offsets = np.arange(size) - (size - 1) / 2
        window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * (1.5 * size / 11) ** 2))
        window /= window.sum()
        structures, similarities = [], []
        for y, x in itertools.product(range(height - size + 1), range(width - size + 1)):
            p, q = a[y : y + size, x : x + size], b[y : y + size, x : x + size]
            mean_p, mean_q = (window * p).sum(), (window * q).sum()
            variance_p, variance_q = (window * (p - mean_p) ** 2).sum(), (window * (q - mean_q) ** 2).sum()
            covariance = (window * (p - mean_p) * (q - mean_q)).sum()
            structures.append((2 * covariance + 7.65**2) / (variance_p + variance_q + 7.65**2))
            luminance = (2 * mean_p * mean_q + 2.55**2) / (mean_p**2 + mean_q**2 + 2.55**2)
            similarities.append(luminance * structures[-1])
        mean = np.mean(similarities if scale == scales - 1 else structures)
        product *= max(mean, 0) ** weights[scale]
        a, b = (
            np.array(
                [
                    [
                        np.mean([image[i, j] for i in (y, min(y + 1, height - 1)) for j in (x, min(x + 1, width - 1))])
                        for x in range(0, width, 2)
                    ]
                    for y in range(0, height, 2)
                ]
            )
            for image in (a, b)
        )
    return product


@pytest.mark.parametrize("shape, scales", [((28, 28, 1), 2), ((23, 26, 3), 2), ((14, 11, 1), 1), ((8, 9, 3), 1)])
def test_multi_scale_ssim_by_loops(shape, scales):
    a = smooth(2, 28, shape[2])[:, : shape[0], : shape[1]]
    b = with_noise(a, 20)
    expected = [
        np.mean([naive_multi_scale_ssim(x[..., c], y[..., c], scales) for c in range(shape[2])]) for x, y in zip(a, b)
    ]
    got = multi_scale_ssim(a, b)
    assert got.dtype == np.float64 and got.shape == (2,) and (got > 0.1).all()
    np.testing.assert_allclose(got, expected, rtol=1e-10)


@pytest.mark.parametrize(
    "side, scales", [(1, 1), (8, 1), (16, 1), (20, 1), (21, 2), (28, 2), (64, 3), (161, 5), (400, 5)]
)
def test_of_constant_images_only_the_luminance_differs(side, scales):
    """Which counts at the coarsest scale only, so that its weight shows how many scales there are."""
    luminance = (2 * 100 * 150 + 2.55**2) / (100**2 + 150**2 + 2.55**2)
    weight = WEIGHTS[scales - 1] / (1 if scales == 5 else sum(WEIGHTS[:scales]))
    got = multi_scale_ssim(constant(100, 1, side, side, 1), constant(150, 1, side, side, 1))
    np.testing.assert_allclose(got, luminance**weight, rtol=1e-9)


@few
@hypothesis.given(shapes, strategies.integers(0, 2**32 - 1))
def test_multi_scale_ssim_is_symmetric_in_0_to_1_and_1_for_equal_images(shape, seed):
    a, b = noise(seed, *shape), noise(seed ^ 1, *shape)
    values = multi_scale_ssim(a, b)
    np.testing.assert_array_equal(values, multi_scale_ssim(b, a))
    assert (values >= 0).all() and (values < 1).all()
    np.testing.assert_array_equal(multi_scale_ssim(a, a), 1)


def test_negative_structure_counts_as_0():
    a = noise(0, 2, 28, 28, 1)
    np.testing.assert_array_equal(multi_scale_ssim(a, 255 - a), 0)


def test_channels_are_averaged_last():
    a = smooth(channels=3)
    b = with_noise(a, 30)
    channels = [multi_scale_ssim(a[..., c : c + 1], b[..., c : c + 1]) for c in range(3)]
    np.testing.assert_allclose(multi_scale_ssim(a, b), np.mean(channels, axis=0), rtol=1e-12)


def test_multi_scale_ssim_falls_with_noise():
    images = smooth()
    values = [multi_scale_ssim(images, with_noise(images, deviation)).mean() for deviation in (0, 2, 8, 32, 128)]
    assert values[0] == 1 and (np.diff(values) < 0).all()


def test_ms_ssim_of_equal_images_is_1():
    value = ms_ssim(np.repeat(noise(0, 1, 28, 28, 3), 5, axis=0), pairs=20)
    assert value == 1 and type(value) is float


def test_pairs_are_of_different_images_and_all_alike():
    """Of two images there is one pair only. Of three, each of the three pairs has a third of the draws."""
    images = np.stack([constant(value, 8, 8, 1) for value in (0, 90, 255)])
    one, two, three = (multi_scale_ssim(images[[i]], images[[j]])[0] for i, j in ((0, 1), (0, 2), (1, 2)))
    np.testing.assert_allclose(ms_ssim(images[:2], pairs=50), one, rtol=1e-12)
    np.testing.assert_allclose(ms_ssim(images, pairs=20_000), (one + two + three) / 3, rtol=0.03)


def test_ms_ssim_tells_collapse():
    """Copies of one image with a little noise resemble one another more than different images do."""
    images = smooth(50)
    copies = with_noise(np.repeat(images[:1], 50, axis=0), 5)
    assert ms_ssim(copies, pairs=100) > 0.9
    assert ms_ssim(images, pairs=100) < 0.6
