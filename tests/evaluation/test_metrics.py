"""Scores of features and probabilities against published values, closed forms and loops."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_jax.evaluation import metrics
from gan_jax.evaluation.metrics import (
    inception_score,
    jensen_shannon,
    kernel_distance,
    kl_divergence,
    mode_score,
)

seeds = st.integers(0, 2**32 - 1)
several = settings(max_examples=25, deadline=None, database=None)


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def naive_mmd(a, b):
    """Over pairs, one by one."""
    k = lambda x, y: (x @ y / len(x) + 1) ** 3
    within = lambda xs: np.mean([k(x, y) for x, y in itertools.permutations(xs, 2)])
    return within(a) + within(b) - 2 * np.mean([k(x, y) for x in a for y in b])


@given(seeds)
@several
def test_kernel_distance_equals_the_loop(seed):
    random = np.random.RandomState(seed)
    a, b = random.randn(9, 4), random.randn(7, 4) + 0.3
    found, deviation = kernel_distance(a, b)
    assert found == pytest.approx(naive_mmd(a, b), rel=1e-9, abs=1e-9)
    assert deviation == 0
    assert kernel_distance(b, a)[0] == pytest.approx(found, rel=1e-9, abs=1e-9)
    rotation = np.linalg.qr(random.randn(4, 4))[0]  # the kernel sees inner products alone
    assert kernel_distance(a @ rotation, b @ rotation)[0] == pytest.approx(found, rel=1e-6, abs=1e-9)


def test_kernel_distance_in_blocks(monkeypatch):
    random = np.random.RandomState(0)
    a, b = random.randn(11, 4), random.randn(12, 4)
    each = [naive_mmd(a[i : i + 5], b[i : i + 5]) for i in (0, 5)]
    assert kernel_distance(a, b, block_size=5) == pytest.approx((np.mean(each), np.std(each, ddof=1)))
    whole = kernel_distance(a, b)
    monkeypatch.setattr(metrics, "BLOCK", 3)
    assert kernel_distance(a, b) == pytest.approx(whole)


def test_kernel_distance_is_unbiased():
    """Of one distribution: 0 on average, and so negative at times."""
    random = np.random.RandomState(0)
    found = [kernel_distance(random.randn(10, 3), random.randn(10, 3))[0] for _ in range(400)]
    assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(400)
    assert min(found) < 0


def test_kernel_distance_of_constants():
    """k = (x·y/d + 1)³ of constant x = 1 and y = 2: 8 + 125 - 2 · 27."""
    assert kernel_distance(np.ones((3, 4)), np.full((5, 4), 2.0))[0] == pytest.approx(8 + 125 - 2 * 27)


def test_inception_score_of_a_published_value():
    """TF-GAN's own test."""
    assert inception_score(softmax(np.array([[1, 2, 3], [-1, 5, 3.1]])))[0] == pytest.approx(1.24357, abs=1e-5)


def test_inception_score_between_1_and_the_number_of_classes():
    sure = np.eye(10)[np.arange(100) % 10]
    assert inception_score(sure) == pytest.approx((10, 0))
    assert inception_score(sure[:1].repeat(7, axis=0)) == pytest.approx((1, 0))
    assert inception_score(np.full((7, 10), 0.1)) == pytest.approx((1, 0))
    assert inception_score(sure, splits=10) == pytest.approx((10, 0))
    assert inception_score(np.eye(10)[np.arange(100) // 10], splits=2) == pytest.approx((5, 0))  # half the classes each


def test_inception_score_in_splits():
    p = softmax(np.random.RandomState(0).randn(9, 4))
    each = [inception_score(part)[0] for part in (p[:5], p[5:])]
    assert inception_score(p, splits=2) == pytest.approx((np.mean(each), np.std(each)))


def test_mode_score():
    """The inception score, less what the share of classes costs."""
    p = softmax(np.random.RandomState(0).randn(50, 4) * 3)
    assert mode_score(p, p) == pytest.approx(inception_score(p)[0])
    sure = np.eye(4)
    assert mode_score(sure, sure) == pytest.approx(4)
    # Two of four classes: the inception score is 2, KL(½, ½, 0, 0 ‖ ¼ …) = log 2.
    assert mode_score(sure[:2], sure) == pytest.approx(2 / 2)


def test_divergences():
    assert kl_divergence([1, 1], [3, 1]) == pytest.approx(0.5 * np.log(0.5 / 0.75) + 0.5 * np.log(0.5 / 0.25))
    assert kl_divergence([5, 0], [1, 1]) == pytest.approx(np.log(2))
    assert kl_divergence([1, 1], [1, 0]) == np.inf
    assert jensen_shannon([1, 0], [0, 7]) == pytest.approx(np.log(2))
    p, q = np.array([0.2, 0.8, 0]), np.array([0.5, 0.1, 0.4])
    m = (p + q) / 2
    expected = (np.sum(p[:2] * np.log(p[:2] / m[:2])) + np.sum(q * np.log(q / m))) / 2
    assert jensen_shannon(p, q) == pytest.approx(expected)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=8))
@several
def test_divergences_are_not_negative_and_0_of_equal_histograms(counts):
    p, q = np.array(counts).T
    if not p.any() or not q.any():
        for measure in (kl_divergence, jensen_shannon):
            with pytest.raises(ValueError, match="not all 0"):
                measure(p, q)
        return
    assert kl_divergence(p, q) >= 0 and kl_divergence(p, 3 * p) == pytest.approx(0, abs=1e-12)
    assert 0 <= jensen_shannon(p, q) <= np.log(2) + 1e-12
    assert jensen_shannon(p, q) == pytest.approx(jensen_shannon(q, p))


def test_what_is_no_input_is_refused():
    x = np.random.RandomState(0).randn(5, 3)
    p = softmax(x)
    with pytest.raises(ValueError, match="2 to 5 features a block, got block_size=6"):
        kernel_distance(x, x, block_size=6)
    with pytest.raises(ValueError, match="2 to 1 features"):
        kernel_distance(x, x[:1])
    with pytest.raises(ValueError, match="3 and of 2 dimensions"):
        kernel_distance(x, x[:, :2])
    with pytest.raises(ValueError, match="not finite"):
        kernel_distance(x, x * np.nan)
    with pytest.raises(ValueError, match="splits=6"):
        inception_score(p, splits=6)
    with pytest.raises(ValueError, match="sum to 1"):
        inception_score(2 * p)
    with pytest.raises(ValueError, match="sum to 1"):
        mode_score(p, x)
    with pytest.raises(ValueError, match="not finite"):
        inception_score(p * np.nan)
