"""Hues: of known colours, and how far they are spread."""

import numpy as np
import pytest

from gan_jax.evaluation import hues


def test_known_colours():
    """Red, yellow, green, cyan, blue and magenta are a sixth of a turn from one another, however dark."""
    colours = np.array([[255, 0, 0], [90, 90, 0], [0, 255, 0], [0, 20, 20], [0, 0, 255], [70, 0, 70]], np.uint8)
    images = colours[:, None, None] * np.ones((1, 2, 3, 1), np.uint8)
    np.testing.assert_allclose(np.degrees(hues.hues(images)) % 360, [0, 60, 120, 180, 240, 300], atol=1e-9)


def test_spread():
    assert hues.spread(np.full(5, 2.0)) == pytest.approx(0, abs=1e-12)
    assert hues.spread(np.arange(6) * np.pi / 3) == pytest.approx(1)
    assert hues.spread(np.array([0.0, np.pi / 2])) == pytest.approx(1 - np.sqrt(0.5))
    assert hues.spread(np.array([0.1, 2 * np.pi - 0.1])) == pytest.approx(1 - np.cos(0.1))  # around red
