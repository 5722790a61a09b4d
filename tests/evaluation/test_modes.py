import numpy as np
import pytest

from gan_jax.data.mixtures import MIXTURES
from gan_jax.evaluation.modes import mode_coverage, mode_quality, stacked_labels

RING, GRID = MIXTURES["ring8"], MIXTURES["grid25"]


def test_the_mixture_itself_is_as_good_as_can_be():
    """Of a plane Gaussian, 1 - exp(-9/2) lies within 3σ; KL is about (K - 1) / 2N."""
    measured = mode_quality(GRID.draw(np.random.default_rng(0), 100_000), GRID)
    assert measured.modes == 25
    np.testing.assert_allclose(measured.high_quality, 1 - np.exp(-4.5), atol=1e-3)
    np.testing.assert_allclose(measured.reverse_kl, 24 / 200_000, rtol=0.7)


def test_counts_by_hand():
    """Three samples on mode 0, one on mode 2, one at 3.1σ of mode 1, one nowhere, one not finite."""
    far = RING.centers[1] + [3.1 * RING.deviation, 0]
    samples = np.stack([*[RING.centers[0]] * 3, RING.centers[2], far, [0, 0], [np.nan, 1]])
    measured = mode_quality(samples, RING)
    assert measured.modes == 2
    np.testing.assert_allclose(measured.high_quality, 4 / 7)
    np.testing.assert_allclose(measured.reverse_kl, 0.75 * np.log(0.75 * 8) + 0.25 * np.log(0.25 * 8))


def test_collapse_and_nothing():
    one_mode = mode_quality(np.tile(RING.centers[:1], (50, 1)), RING)
    assert one_mode.modes == 1 and one_mode.high_quality == 1
    np.testing.assert_allclose(one_mode.reverse_kl, np.log(8))
    nothing = mode_quality(np.full((50, 2), 9.0), RING)
    assert nothing == (0, 0.0, np.log(8))
    assert mode_quality(np.full((50, 2), np.inf), RING) == nothing


def test_the_threshold_is_3_deviations():
    inside, outside = ([[RING.centers[0, 0] + factor * RING.deviation, 0]] for factor in (2.99, 3.01))
    assert mode_quality(np.array(inside), RING).high_quality == 1
    assert mode_quality(np.array(outside), RING).high_quality == 0


def test_labels_of_all_modes():
    labels = np.arange(1000)
    assert mode_coverage(labels, 1000) == (1000, 0)
    assert mode_coverage(labels[labels % 2 == 0], 1000) == pytest.approx((500, np.log(2)))
    assert mode_coverage([3], 10) == pytest.approx((1, np.log(10)))


def test_labels_against_those_of_the_data():
    fake, real = np.repeat([0, 1], [1, 3]), np.repeat([0, 1, 2], [2, 1, 1])
    expected = 0.25 * np.log(0.25 / (3 / 7)) + 0.75 * np.log(0.75 / (2 / 7))  # counts 2, 1, 1 and one each
    assert mode_coverage(fake, 3, real) == pytest.approx((2, expected))
    assert 0 < mode_coverage([2], 3, np.zeros(10**6, int)).reverse_kl < np.inf  # a mode that the data lack


def test_stacked_labels():
    np.testing.assert_array_equal(stacked_labels([[1, 2, 3], [0, 0, 9], [9, 9, 9]]), [123, 9, 999])
    np.testing.assert_array_equal(stacked_labels([[1, 0]], num_classes=3), [3])


@pytest.mark.parametrize("labels", [[], [-1], [10]])
def test_labels_out_of_range(labels):
    with pytest.raises(ValueError, match="from 0 to 9"):
        mode_coverage(labels, 10)
