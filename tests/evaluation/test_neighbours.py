"""Nearest-neighbour measures against loops, and where they are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_jax.evaluation import neighbours
from gan_jax.evaluation.neighbours import density_coverage, nearest, precision_recall, radii

seeds = st.integers(0, 2**32 - 1)
several = settings(max_examples=25, deadline=None, database=None)


def naive(real, fake, k):
    """All four measures, distance by distance."""
    distance = lambda x, y: np.sqrt(((x - y) ** 2).sum())
    radius = lambda xs: [sorted(distance(x, y) for y in xs)[k] for x in xs]  # the 0th is itself
    real_radii, fake_radii = radius(real), radius(fake)
    within = [[distance(x, y) <= r for y in fake] for x, r in zip(real, real_radii)]
    around = [[distance(x, y) <= r for y, r in zip(fake, fake_radii)] for x in real]
    return (
        np.mean([any(column) for column in zip(*within)]),
        np.mean([any(row) for row in around]),
        np.sum(within) / (k * len(fake)),
        np.mean([any(row) for row in within]),
    )


@given(seeds, st.integers(1, 5), st.integers(6, 30), st.integers(6, 30))
@several
def test_equal_the_loops(seed, k, n, m):
    random = np.random.RandomState(seed)
    real, fake = random.randn(n, 3), random.randn(m, 3) * 1.3 + 0.5
    found = (*precision_recall(real, fake, k=k), *density_coverage(real, fake, k=k))
    np.testing.assert_allclose(found, naive(real, fake, k), rtol=1e-12)


def test_blocks_change_nothing(monkeypatch):
    random = np.random.RandomState(0)
    real, fake = random.randn(50, 4), random.randn(37, 4)
    whole = (precision_recall(real, fake), density_coverage(real, fake), nearest(fake, real, 3))
    monkeypatch.setattr(neighbours, "BLOCK", 7)
    pieces = (precision_recall(real, fake), density_coverage(real, fake), nearest(fake, real, 3))
    assert whole[:2] == pieces[:2]
    np.testing.assert_allclose(whole[2][0], pieces[2][0], rtol=1e-9)
    np.testing.assert_array_equal(whole[2][1], pieces[2][1])


@pytest.mark.parametrize("where", [0, 1e4])
@pytest.mark.parametrize("copies", [1, 10])
def test_equal_sets(where, copies):
    """All 1: also far from the origin, and with so many copies of each that all radii are 0."""
    x = np.repeat(np.random.RandomState(0).randn(40, 6).astype(np.float32), copies, axis=0) + np.float32(where)
    assert precision_recall(x, x[::-1]) == (1, 1)
    assert density_coverage(x, x)[1] == 1


def test_sets_far_apart():
    x = np.random.RandomState(0).randn(30, 3)
    assert precision_recall(x, x + 100) == (0, 0)
    assert density_coverage(x, x + 100) == (0, 0)


def test_points_on_a_line():
    """Radii of 0, 1, 2, 4 with k=1: 1, 1, 1, 2. Fake at 2.5 is within the balls of 2 and 4, at 7 in none."""
    real, fake = np.array([[0.0], [1], [2], [4]]), np.array([[2.5], [7.0]])
    np.testing.assert_allclose(radii(real, 1), [1, 1, 1, 2])
    assert precision_recall(real, fake, k=1)[0] == 0.5
    assert density_coverage(real, fake, k=1) == (2 / 2, 2 / 4)


def test_a_dropped_mode_costs_recall_and_coverage_not_precision():
    random = np.random.RandomState(0)
    modes = np.repeat([[0.0, 0], [50, 0]], 200, axis=0)
    real, fake = modes + random.randn(400, 2), random.randn(400, 2)
    precision, recall = precision_recall(real, fake)
    density, coverage = density_coverage(real, fake)
    assert precision > 0.95 and density > 0.9
    assert recall <= 0.5 and coverage <= 0.5


def test_nearest():
    distances, indices = nearest(np.array([[0.9], [5.0]]), np.array([[0.0], [1.0], [3.0]]), 2)
    np.testing.assert_allclose(distances, [[0.1, 0.9], [2, 4]])
    np.testing.assert_array_equal(indices, [[1, 0], [2, 1]])


@pytest.mark.parametrize("d", [3, 2048, 30000])
def test_equal_features_are_at_distance_0(d):
    """However many dimensions there are, and far from the origin."""
    x = np.random.RandomState(0).randn(12, d) + 100
    assert (nearest(x, x)[0] == 0).all()
    twice = np.repeat(x, 2, axis=0)
    assert (radii(twice, 1) == 0).all()
    assert precision_recall(twice, twice, k=1) == (1, 1)


def test_too_few_and_not_finite():
    x = np.random.RandomState(0).randn(5, 2)
    for measure in (precision_recall, density_coverage):
        with pytest.raises(ValueError, match="k=5: must be at least 1 and less than the number of features, 5"):
            measure(x, x)
        with pytest.raises(ValueError, match="k=0"):
            measure(x, x, k=0)
        with pytest.raises(ValueError, match="not finite"):
            measure(x, np.where(x == x[1, 1], np.nan, x), k=2)
        with pytest.raises(ValueError, match="2 and of 1 dimensions"):
            measure(x, x[:, :1], k=2)
    with pytest.raises(ValueError, match="k=6"):
        nearest(x, x, 6)
