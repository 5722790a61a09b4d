"""Distances between a network's maps: by hand, of equal images, and that maps are those that the network itself goes through."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.evaluation import features, perceptual
from gan_jax.evaluation.features import Extractor
from gan_jax.networks import cnn


def images(seed, shape=(2, 32, 32, 3)):
    return np.random.RandomState(seed).randint(0, 256, shape, np.uint8)


def known(*maps):
    """An extractor whose only maps are these functions of the images."""
    return Extractor("known", (1,), lambda *_: None, {}, maps=lambda variables, x: [each(x) for each in maps])


def test_by_hand():
    """Channels (3, 4) against (4, 3): ‖(.6, .8) - (.8, .6)‖² = .08; and squared, the mean of 1, 1 is 1. Lengths do not count."""
    a, b = np.ones((1, 2, 2, 1)), 2 * np.ones((1, 2, 2, 1))
    turn = lambda x: jnp.where(x == 1, jnp.array([3.0, 4.0]), jnp.array([4.0, 3.0]))
    assert perceptual.distance(known(turn), a, b) == pytest.approx(0.08, abs=1e-6)
    assert perceptual.loss(known(turn), a, b) == pytest.approx(1.0)
    longer = lambda x: x * jnp.array([3.0, 4.0])
    assert perceptual.distance(known(turn, longer), a, b) == pytest.approx(0.08, abs=1e-6)
    assert perceptual.loss(known(turn, longer), a, b) == pytest.approx((1 + 12.5) / 2)


def test_equal_images_are_at_no_distance_and_blurred_ones_at_some():
    extractor = features.for_any_images((32, 32, 3))
    sharp = images(0)
    blurred = np.asarray(jax.image.resize(jax.image.resize(sharp * 1.0, (2, 8, 8, 3), "linear"), sharp.shape, "linear"))
    for measure in (perceptual.distance, perceptual.loss):
        assert (measure(extractor, sharp, sharp) == 0).all() and (measure(extractor, sharp, blurred) > 0.01).all()


def test_maps_are_those_that_the_network_goes_through(monkeypatch):
    """Beside the classifier itself, at its own size; and larger images have larger maps."""
    extractor, seen, maps = features.for_any_images((32, 32, 3)), [], cnn.maps
    monkeypatch.setattr(cnn, "maps", lambda *args: seen.append(maps(*args)) or seen[-1])
    side = {each.shape[1] for each in jax.tree.leaves(extractor.variables) if each.ndim == 4} and 32
    pixels = images(1, (2, side, side, 3))
    extractor.apply(extractor.variables, pixels)
    for one, other in zip(extractor.maps(extractor.variables, pixels), seen[0], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
    assert [each.shape[1:3] for each in extractor.maps(extractor.variables, images(2, (1, 48, 64, 3)))][:2] == [
        (24, 32),
        (12, 16),
    ]


def test_gray_is_taken_for_colour_and_gradients_reach_the_image():
    extractor = features.for_any_images((32, 32, 1))
    cost = perceptual.cost(extractor, (32, 32, 1))
    example = {"target": jnp.asarray(images(0, (2, 32, 32, 1)) / 127.5 - 1, jnp.float32)}
    assert cost(example["target"], example) == pytest.approx(0, abs=1e-8)
    slope = jax.grad(cost)(jnp.zeros((2, 32, 32, 1)), example)
    assert np.isfinite(slope).all() and np.any(slope != 0)


@pytest.mark.parametrize(
    "extractor, a, b, said",
    [
        (known(lambda x: x), images(0, (1, 4, 4, 1)), images(0, (1, 4, 5, 1)), "two arrays of equal shape are needed"),
        (known(lambda x: x), images(0), images(0), "takes images of 1 channels"),
        (known()._replace(maps=None), images(0), images(0), "the maps of this network are not known"),
    ],
)
def test_what_cannot_be_compared(extractor, a, b, said):
    with pytest.raises(ValueError, match=said):
        perceptual.distance(extractor, a, b)
