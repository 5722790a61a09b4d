"""Images that the tests of measures of pixels share, and the shapes that their properties are tried with."""

import hypothesis
import numpy as np
from hypothesis import strategies

few = hypothesis.settings(max_examples=20, deadline=None, derandomize=True, database=None)
shapes = strategies.tuples(
    strategies.integers(2, 4), strategies.integers(7, 35), strategies.integers(7, 35), strategies.sampled_from([1, 3])
)


def noise(seed, *shape):
    return np.random.RandomState(seed).randint(0, 256, shape).astype(np.uint8)


def constant(value, *shape):
    return np.full(shape, value, np.uint8)


def smooth(number=20, side=32, channels=1):
    """Waves of random direction and phase: images that noise changes visibly."""
    state = np.random.RandomState(7)
    y, x = np.mgrid[:side, :side] / side
    angles, phases = state.uniform(0, 6, (2, number, 1, 1, channels))
    waves = np.sin(6 * (x[..., None] * np.cos(angles) + y[..., None] * np.sin(angles)) + phases)
    return (127 + 100 * waves).astype(np.uint8)


def with_noise(images, deviation):
    noisy = images + deviation * np.random.RandomState(8).randn(*images.shape)
    return noisy.clip(0, 255).astype(np.uint8)
