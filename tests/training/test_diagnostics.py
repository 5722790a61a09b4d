"""The measures in a step, against numpy, and the lines that they lead to."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.recipes.measures import accuracies, relative_spread, spread
from gan_jax.training.diagnostics import WINDOW, EarlyWarning

HEALTHY = {"d_loss": 1.0, "g_loss": 0.8, "real_accuracy": 0.8, "fake_accuracy": 0.7, "sample_spread": 0.9}


def test_accuracy_is_by_the_midpoint_of_the_means():
    """Means 2 and -4: the midpoint is -1. A shift of all scores changes nothing."""
    real, fake = jnp.array([5.0, 3.0, -2.0]), jnp.array([-1.0, -1.5, -9.5])
    for shift in (0, 7):
        found = accuracies(real + shift, fake + shift)
        assert found["real_accuracy"] == pytest.approx(2 / 3)
        assert found["fake_accuracy"] == pytest.approx(1 - 0.5 / 3)  # one is on it, and counts half


def test_accuracy_of_equal_scores_is_chance():
    assert set(map(float, accuracies(jnp.zeros((4, 3)), jnp.zeros((4, 3))).values())) == {0.5}


def test_spread():
    x = np.random.RandomState(0).randn(6, 4, 4, 2)
    assert spread(jnp.array(x)) == pytest.approx(np.sqrt(x.var(axis=0).mean()), rel=1e-6)
    assert spread(jnp.ones((5, 3))) == 0
    assert relative_spread(jnp.array(x / 2), jnp.array(x)) == pytest.approx(0.5)
    assert np.isfinite(relative_spread(jnp.array(x), jnp.ones((6, 4))))


def test_on_shares_of_a_batch_both_are_those_of_the_whole():
    random = np.random.RandomState(1)
    images, real, fake = random.randn(8, 3), random.randn(8) + 1, random.randn(8)
    share = lambda x: x.reshape(4, 2, *x.shape[1:])
    together = jax.vmap(lambda x: spread(x, "data"), axis_name="data")(share(images))
    np.testing.assert_allclose(together, spread(images), rtol=1e-6)
    together = jax.vmap(lambda r, f: accuracies(r, f, "data"), axis_name="data")(share(real), share(fake))
    for name, value in accuracies(real, fake).items():
        assert together[name].mean() == pytest.approx(value)


def told(*phases):
    """The lines after so many steps of each (number, metrics)."""
    lines, step = [], 0
    watch = EarlyWarning(lines.append)
    for number, metrics in phases:
        for _ in range(number):
            step += 1
            watch(step, metrics)
    return lines


def test_a_healthy_run_is_left_in_peace():
    assert told((5 * WINDOW, HEALTHY)) == []
    assert told((5 * WINDOW, {"classifier_loss": 0.3})) == []
    assert told((5 * WINDOW, {"accuracy": 0.95, "robust_accuracy": 0.9})) == []
    assert told((5 * WINDOW, {"accuracy": 0.95})) == []
    assert told((5 * WINDOW, HEALTHY | {"d_loss": -900.0})) == []


@pytest.mark.parametrize(
    "wrong, line",
    [
        ({"sample_spread": 0.1}, "the run looks collapsed: samples vary 0.10 times as much as the data"),
        ({"real_accuracy": 1.0, "fake_accuracy": 0.999}, "D has won: it is right on 100.0% of real and 99.9% of fake"),
        ({"d_loss": -2e6}, "the losses diverge: d_loss is -2e+06"),
        ({"g_loss": 5000.0}, "the losses diverge: g_loss is 5e+03"),
    ],
)
def test_what_is_wrong_is_told_once_with_its_figure(wrong, line):
    (found,) = told((WINDOW, HEALTHY), (5 * WINDOW, HEALTHY | wrong))
    assert line in found and f"step {2 * WINDOW}" in found and f"last {WINDOW} steps" in found


def test_the_start_and_single_steps_are_no_reason():
    assert told((WINDOW, HEALTHY | {"sample_spread": 0.1}), (3 * WINDOW, HEALTHY)) == []
    assert told((2 * WINDOW, HEALTHY), (1, HEALTHY | {"g_loss": 1e4}), (3 * WINDOW, HEALTHY)) == []


def test_a_robust_accuracy_that_falls_is_told_and_one_that_rises_is_not():
    """Of the steps in a window those are looked at that have it; the last is none of them."""
    lines = []
    warning = EarlyWarning(warn=lines.append)
    for step in range(1, 6 * WINDOW + 1):
        robust = [0.0, 0.1, 0.3, 0.5, 0.45, 0.2][(step - 1) // WINDOW]
        warning(step, {"accuracy": 0.9} | ({"robust_accuracy": robust} if step % 100 == 1 else {}))
    (line,) = lines
    assert f"step {5 * WINDOW}: catastrophic overfitting: it is right on 90.0% of what its own adversary makes" in line
    assert "45.0% under a stronger one" in line


def test_a_robust_accuracy_that_never_rises_is_told():
    (line,) = told((5 * WINDOW, {"accuracy": 0.9, "robust_accuracy": 0.05}))
    assert f"step {3 * WINDOW}: catastrophic overfitting" in line


def test_a_metric_that_a_later_phase_has_is_no_error():
    """Of a network that grows; its mean is over the steps that have it."""
    lines = []
    warning = EarlyWarning(warn=lines.append)
    for step in range(1, 2 * WINDOW + 1):
        grown = {"new_loss": 1e6} if step > 2 * WINDOW - 100 else {}
        warning(step, HEALTHY | grown)
    (line,) = lines
    assert "the losses diverge: new_loss is 1e+06" in line
