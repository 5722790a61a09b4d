import numpy as np

from gan_jax.data.mixtures import MIXTURES
from gan_jax.evaluation.modes import mode_quality

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
