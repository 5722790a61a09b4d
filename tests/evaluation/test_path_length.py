"""Path lengths: of a generator whose distances are known; paths beside NumPy's; the trimmed mean by hand."""

import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.evaluation import path_length
from gan_jax.evaluation.features import Extractor
from gan_jax.latents import interpolation

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def on_a_circle(variables, x):
    """A map of two channels, between near ones of which the distance is the square of that between pixels in [-1, 1]."""
    return [jnp.concatenate([jnp.cos(x / 127.5), jnp.sin(x / 127.5)], axis=-1)]


CIRCLE = Extractor("circle", (1,), lambda *_: None, {}, maps=on_a_circle)


def random(seed, *shape):
    return np.random.RandomState(seed).uniform(-1, 1, shape).astype(np.float32)


def test_lengths_of_a_linear_generator_are_known():
    """Of images A w, the mean over places of (A (b - a))², wherever on the line; what is brighter than white is not seen."""
    matrix, a, b = random(0, 6, 3) / 4, random(1, 5, 2, 3), random(2, 5, 2, 3)
    linear = lambda w: w.reshape(-1, 6) @ matrix
    with_one_too_bright = lambda w: jnp.concatenate([linear(w), 3 + linear(w)[:, :1]], axis=1).reshape(-1, 2, 2, 1)
    expected = np.sum((linear(b) - linear(a)) ** 2, axis=1) / 4
    for t in (0.0, 0.3, 0.9):
        found = path_length.distances(CIRCLE, with_one_too_bright, path_length.lerp, a, b, jnp.full(5, t))
        np.testing.assert_allclose(found, expected, rtol=0.02)  # pixels are float32


@pytest.mark.parametrize("name", interpolation.PATHS)
def test_paths_are_those_of_numpy(name):
    a, b, t = random(0, 6, 4), 3 * random(1, 6, 4), np.linspace(0, 1, 6, dtype=np.float32)
    found = path_length.PATHS[name](jnp.array(a), jnp.array(b), jnp.array(t))
    np.testing.assert_allclose(found, interpolation.PATHS[name](a, b, t), atol=1e-5)


def test_arcs_between_single_numbers_are_straight_or_lead_through_0():
    a, b = jnp.array([[1.0], [1.0]]), jnp.array([[3.0], [-3.0]])
    np.testing.assert_allclose(path_length.slerp(a, b, jnp.array([0.5, 0.5])), [[2], [0]], atol=1e-6)
    np.testing.assert_allclose(path_length.slerp(a, b, jnp.array([1.0, 1.0])), b, atol=1e-6)


def test_the_mean_is_of_what_is_between_the_percentiles_as_the_authors_take_them():
    """Of 150 numbers 0, 1, 4, ...: the 1st percentile, at 1.49, is the number before it; the 99th, at 147.51, the one after."""
    squares = np.arange(150.0) ** 2
    assert path_length.trimmed_mean(np.random.RandomState(0).permutation(squares)) == np.mean(squares[1:149])
    assert path_length.trimmed_mean(np.array([-1e9, *[2.0] * 98, 4.0, 1e9])) == pytest.approx(200 / 99)
    assert path_length.trimmed_mean(np.array([1.0, 5.0])) == 3  # of few, all
