"""Copies of training images are found, and new images are not taken for copies."""

import numpy as np
import pytest

from gan_jax.evaluation.memorisation import memorisation


def noise(seed, n, side=6):
    return np.random.RandomState(seed).randint(0, 256, (n, side, side, 1)).astype(np.uint8)


TRAINING = noise(0, 60)


def batches(images=TRAINING, size=17):
    return (images[start : start + size] for start in range(0, len(images), size))


def test_copies_are_flagged():
    found, pairs = memorisation(TRAINING[:20], batches(), noise(1, 30), shown=5)
    assert found.flagged and found.copies == 1 and found.held_out_copies == 0
    assert found.sample_distance == 0 and found.held_out_distance > 50
    assert found.nearer == 1
    assert pairs.samples.shape == (5, 6, 6, 1)
    np.testing.assert_array_equal(pairs.samples, pairs.training)


def test_copies_with_a_little_noise_are_flagged():
    near = np.clip(TRAINING[:20].astype(int) + noise(2, 20) % 8, 0, 255).astype(np.uint8)
    found, pairs = memorisation(near, batches(), noise(1, 30))
    assert found.flagged and found.copies == 1
    own = {image.tobytes() for image in TRAINING[:20]}
    assert all(image.tobytes() in own for image in pairs.training)


def test_new_images_are_not():
    found, _ = memorisation(noise(3, 40), batches(), noise(1, 40))
    assert not found.flagged and found.copies == 0
    assert 0.3 < found.nearer < 0.7
    assert found.sample_distance == pytest.approx(found.held_out_distance, rel=0.05)


def test_exact_copies_of_what_is_there_twice():
    training = np.repeat(noise(0, 30, side=64), 2, axis=0)
    assert memorisation(training[:10], [training], noise(1, 10, side=64))[0].copies == 1


def test_a_few_copies_among_many():
    found, pairs = memorisation(np.concatenate([noise(3, 95), TRAINING[:5]]), batches(), noise(1, 40), shown=6)
    assert found.flagged and found.copies == 0.05
    same = (pairs.samples == pairs.training).all(axis=(1, 2, 3))
    assert same.tolist() == [True] * 5 + [False]  # the nearest first


def test_training_images_for_want_of_others():
    """Each is compared with the rest; without that all would be copies."""
    found, _ = memorisation(noise(3, 40), batches(), TRAINING, held_out_is_training=True)
    assert found.held_out_copies == 0 and not found.flagged
    assert found.held_out_distance == pytest.approx(found.sample_distance, rel=0.05)


def test_distances_are_in_gray_levels_a_pixel():
    training = np.stack([np.full((4, 4, 3), level, np.uint8) for level in (0, 100, 250)])
    found, _ = memorisation(np.full((2, 4, 4, 3), 110, np.uint8), [training], np.full((1, 4, 4, 3), 200, np.uint8))
    assert (found.sample_distance, found.held_out_distance) == pytest.approx((10, 50))
    assert found.nearer == 1  # 10 < 50
    assert found.copies == 1  # 10 of 110


def test_batches_change_nothing():
    one, _ = memorisation(noise(3, 40), [TRAINING], noise(1, 40))
    many, _ = memorisation(noise(3, 40), batches(size=1), noise(1, 40))
    assert one == pytest.approx(many)


def test_constant_images():
    """Equal training images are at distance 0 from one another: a copy of one is a copy."""
    black = np.zeros((9, 4, 4, 1), np.uint8)
    found, _ = memorisation(black[:2], [black], black[:3] + np.uint8(9))
    assert found.copies == 1 and found.held_out_copies == 0 and np.isfinite(found[:-1]).all()


def test_images_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="cannot be compared"):
        memorisation(noise(0, 5, side=5), batches(), noise(1, 5))
    with pytest.raises(ValueError, match="cannot be compared"):
        memorisation(noise(0, 5, side=5), batches(), noise(1, 5, side=5))
    with pytest.raises(ValueError, match="at least 3 training images, got 2"):
        memorisation(noise(0, 5), [TRAINING[:2]], noise(1, 5))
