"""The Fréchet distance against closed forms, scipy's matrix root, and itself in other words."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_jax.evaluation.frechet import FeatureStatistics, frechet_distance, frechet_distance_from_stats

seeds = st.integers(0, 2**32 - 2)  # one more is used too
several = settings(max_examples=25, deadline=None, database=None)


def features(seed, n=40, d=5):
    random = np.random.RandomState(seed)
    return random.randn(n, d) @ random.randn(d, d) + random.randn(d)


def rotation(seed, d=5):
    return np.linalg.qr(np.random.RandomState(seed).randn(d, d))[0]


def test_means_apart_and_equal_covariances():
    d = 2048
    assert frechet_distance_from_stats(np.zeros(d), np.eye(d), np.ones(d), np.eye(d)) == 2048


def test_a_published_value():
    """TF-GAN's own test: singular covariances."""
    real, fake = np.ones((100, 2)), np.full((100, 2), 9.0)
    real[:50, 0], fake[50:, 0] = 2, 2
    assert frechet_distance(real, fake) == pytest.approx(89.0909, abs=5e-5)


def test_gaussians_along_axes():
    """Commuting covariances: the sum of squared differences of the deviations."""
    a, b = np.array([1.0, 4.0, 0.0]), np.array([9.0, 4.0, 0.25])
    expected = 3 * 2**2 + np.sum((np.sqrt(a) - np.sqrt(b)) ** 2)
    assert frechet_distance_from_stats(np.zeros(3), np.diag(a), np.full(3, 2.0), np.diag(b)) == pytest.approx(expected)


@given(seeds)
@several
def test_equals_the_formula_with_scipys_root(seed):
    a, b = features(seed), features(seed + 1)
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = scipy.linalg.sqrtm(cov_a @ cov_b).real
    expected = np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(cov_a + cov_b - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


@given(seeds, st.integers(2, 8))
@several
def test_symmetric_not_negative_and_rotation_changes_nothing(seed, n):
    """With few features too, whose covariances are singular."""
    a, b, r = features(seed, n), features(seed + 1, n + 3), rotation(seed)
    distance = frechet_distance(a, b)
    # Roots make 1e-8 of a rounding error of 1e-16 where a covariance is singular.
    rounding = 1e-6 * (a.var(axis=0).sum() + b.var(axis=0).sum())
    assert distance >= 0
    assert frechet_distance(b, a) == pytest.approx(distance, abs=rounding)
    assert frechet_distance(a @ r + 1, b @ r + 1) == pytest.approx(distance, abs=rounding)


@pytest.mark.parametrize("n", [2, 3, 10, 500])
def test_equal_sets_are_at_distance_0(n):
    x = features(0, n, 20)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9 * np.trace(np.cov(x, rowvar=False)))
    assert frechet_distance(x, x[::-1]) == pytest.approx(0, abs=1e-9 * np.trace(np.cov(x, rowvar=False)))


def test_constant_features():
    """No variance at all: the distance of the means."""
    assert frechet_distance(np.ones((5, 3)), np.full((7, 3), 3.0)) == 12
    assert frechet_distance(np.ones((5, 3)), np.ones((5, 3))) == 0


def test_two_samples_in_many_dimensions():
    """Covariances of rank 1, u uᵀ and v vᵀ, whose cross term is |u·v|."""
    random = np.random.RandomState(0)
    a, b = random.randn(2, 300), random.randn(2, 300)
    u, v = ((x[1] - x[0]) / np.sqrt(2) for x in (a, b))
    expected = np.sum((a.mean(0) - b.mean(0)) ** 2) + u @ u + v @ v - 2 * abs(u @ v)
    assert frechet_distance(a, b) == pytest.approx(expected)


def test_what_is_no_set_of_features_is_refused():
    good = features(0)
    for bad, told in [
        (good[:1], "at least 2 features, got 1"),
        (good[:0], "N > 0"),
        (good[0], "must be"),
        (np.where(good == good[3, 1], np.nan, good), "not finite"),
        (np.where(good == good[3, 1], np.inf, good), "not finite"),
        (good[:, :4], "do not fit"),
    ]:
        with pytest.raises(ValueError, match=told):
            frechet_distance(good, bad)
    with pytest.raises(ValueError, match="not finite"):
        frechet_distance_from_stats(np.zeros(2), np.full((2, 2), np.nan), np.zeros(2), np.eye(2))


@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), seeds)
@several
def test_statistics_in_pieces_are_those_of_the_whole(sizes, seed):
    """Far from the origin too, where the naive mean of squares would lose all digits."""
    x = features(seed, sum(sizes) + 1) + 1e6
    pieces = np.split(x, np.cumsum([1, *sizes])[:-1])
    added, merged = FeatureStatistics(), FeatureStatistics()
    for piece in pieces:
        added = added.add(piece.astype(np.float64))
        merged = FeatureStatistics().add(piece).merge(merged)
    for found in (added, merged):
        assert found.count == len(x)
        np.testing.assert_allclose(found.mean, x.mean(0), rtol=1e-12)
        np.testing.assert_allclose(found.covariance, np.cov(x, rowvar=False), rtol=1e-6, atol=1e-6)


def test_nothing_merged_with_nothing_is_nothing():
    assert FeatureStatistics().merge(FeatureStatistics()) == FeatureStatistics()


PROCESS = """
import json, sys
import jax, numpy as np
from gan_jax.evaluation.frechet import FeatureStatistics
rank = int(sys.argv[2])
jax.distributed.initialize(f"localhost:{sys.argv[1]}", 2, rank)
x = np.random.RandomState(0).randn(40, 3) + 1e6
mine = FeatureStatistics().add(x[:13] if rank == 0 else x[13:]).over_processes()
found = [[mine.count], mine.mean.tolist(), mine.covariance.tolist()]
with open(sys.argv[3], "w") as file:  # gloo tells what it does on the standard output
    json.dump(found, file)
"""


def test_statistics_over_two_processes(tmp_path):
    """As one process has them, in float64: at 10⁶ float32 would be wrong by a tenth."""
    x = np.random.RandomState(0).randn(40, 3) + 1e6
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    root = Path(__file__).parents[2]
    files = [tmp_path / str(rank) for rank in (0, 1)]
    command = lambda rank: [sys.executable, "-c", PROCESS, port, str(rank), str(files[rank])]
    processes = [subprocess.Popen(command(rank), cwd=root) for rank in (0, 1)]
    try:
        assert [process.wait(timeout=120) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    outputs = [json.loads(file.read_text()) for file in files]
    assert outputs[0] == outputs[1]
    count, mean, covariance = outputs[0]
    assert count == [40]
    np.testing.assert_allclose(mean, x.mean(0), rtol=1e-14)
    np.testing.assert_allclose(covariance, np.cov(x, rowvar=False), rtol=1e-7, atol=1e-9)
