import numpy as np
import pytest

from gan_jax.data import mixtures
from gan_jax.data.mixtures import MIXTURES


def test_ring_and_grid_are_the_papers():
    ring, grid = MIXTURES["ring8"], MIXTURES["grid25"]
    assert ring.centers.shape == (8, 2) and ring.deviation == 0.01
    np.testing.assert_allclose(np.linalg.norm(ring.centers, axis=1), 1)
    np.testing.assert_allclose(ring.centers[1], [np.sqrt(0.5), np.sqrt(0.5)])
    assert {tuple(center) for center in grid.centers} == {(x, y) for x in range(-4, 5, 2) for y in range(-4, 5, 2)}
    assert grid.deviation == 0.05


@pytest.mark.parametrize("name", MIXTURES)
def test_draws_have_the_mixture_s_moments(name):
    mixture = MIXTURES[name]
    points = mixture.draw(np.random.default_rng(0), 20_000)
    distances = np.linalg.norm(points[:, None] - mixture.centers, axis=-1)
    np.testing.assert_allclose(np.sqrt(np.mean(distances.min(axis=1) ** 2) / 2), mixture.deviation, rtol=0.02)
    shares = np.bincount(distances.argmin(axis=1), minlength=len(mixture.centers)) / len(points)
    np.testing.assert_allclose(shares, 1 / len(mixture.centers), atol=4 * np.sqrt(shares.max() / len(points)))
    np.testing.assert_allclose(np.sqrt(np.mean(points**2)), mixture.scale, rtol=0.01)


def test_points_are_a_function_of_seed_and_step():
    make = lambda **given: mixtures.batches(MIXTURES["ring8"], batch_size=6, batches_per_step=2, **given)
    three = make(seeds=[5, 6, 7])
    first, second = next(three)["image"], next(three)["image"]
    assert first.shape == (2, 6, 3, 2) and first.dtype == np.float32
    np.testing.assert_array_equal(next(make(seeds=[5, 6, 7], start_step=1))["image"], second)
    np.testing.assert_array_equal(next(make(seeds=[6]))["image"][:, :, 0], first[:, :, 1])
    assert np.abs(first - second).max() > 0.1
    assert len(np.unique(first.reshape(-1, 2), axis=0)) == 36


def test_processes_share_the_batch():
    make = lambda **given: next(
        mixtures.batches(MIXTURES["ring8"], seeds=[0], batch_size=6, batches_per_step=2, **given)
    )["image"]
    shares = [make(process_index=i, process_count=2) for i in range(2)]
    np.testing.assert_array_equal(np.concatenate(shares, axis=1), make())
