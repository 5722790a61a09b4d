"""Paths between latents against closed forms and SciPy's; frames that are even, of generators that are not."""

import numpy as np
import pytest
from scipy.spatial import geometric_slerp

from gan_jax.latents import interpolation
from gan_jax.latents.interpolation import EVEN, PATHS, closed, evenly, lerp, slerp, through, unevenness

RANDOM = np.random.default_rng(0)
T = np.linspace(0, 1, 9)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def angles(a, path):
    """Between a and each vector of the path; not by arccos, which has half the digits near 0."""
    a, path = unit(a), unit(path)
    return 2 * np.arctan2(np.linalg.norm(path - a, axis=-1), np.linalg.norm(path + a, axis=-1))


@pytest.mark.parametrize("path", PATHS.values())
def test_paths_start_and_end_exactly(path):
    a, b = RANDOM.normal(size=(2, 5, 7))
    np.testing.assert_array_equal(path(a, b, np.zeros(5)), a)
    np.testing.assert_array_equal(path(a, b, np.ones(5)), b)


@pytest.mark.parametrize("path", PATHS.values())
def test_times_broadcast_with_vectors(path):
    a, b = RANDOM.normal(size=(2, 5, 7))
    many = path(a[:, None], b[:, None], T)
    assert many.shape == (5, 9, 7)
    for row in range(5):
        np.testing.assert_allclose(many[row], path(a[row], b[row], T), rtol=1e-12)
        np.testing.assert_allclose(many[row, 3], path(a[row], b[row], T[3]), rtol=1e-12)


def test_lerp_is_the_straight_line():
    np.testing.assert_allclose(lerp([1, 0], [3, -4], [0.25, 0.5]), [[1.5, -1], [2, -2]])


@pytest.mark.parametrize("size", [2, 3, 100])
def test_slerp_of_unit_vectors_is_scipys(size):
    a, b = unit(RANDOM.normal(size=(2, size)))
    np.testing.assert_allclose(slerp(a, b, T), geometric_slerp(a, b, T), atol=1e-12)


def test_slerp_of_equal_lengths_is_whites_formula():
    a, b = 3 * unit(RANDOM.normal(size=(2, 10)))
    θ, t = np.arccos(a @ b / 9), T[:, None]
    np.testing.assert_allclose(slerp(a, b, T), (np.sin((1 - t) * θ) * a + np.sin(t * θ) * b) / np.sin(θ), rtol=1e-10)


def test_slerp_turns_at_constant_speed_and_its_length_is_linear():
    a, b = 2 * unit(RANDOM.normal(size=10)), 5 * unit(RANDOM.normal(size=10))
    path = slerp(a, b, T)
    np.testing.assert_allclose(np.linalg.norm(path, axis=1), 2 + 3 * T, rtol=1e-12)
    np.testing.assert_allclose(angles(a, path), T * angles(a, b), atol=1e-12)
    np.testing.assert_allclose(angles(path[:-1], path[1:]), angles(a, b) / 8, rtol=1e-10)


def test_normal_latents_keep_their_length_on_an_arc_alone():
    a, b = RANDOM.normal(size=(2, 200, 100))
    arc, line = (np.linalg.norm(path(a, b, np.full(200, 0.5)), axis=1).mean() for path in (slerp, lerp))
    np.testing.assert_allclose([arc, line], [10, 10 / np.sqrt(2)], rtol=0.02)


@pytest.mark.parametrize(
    "a, b", [([1, 2], [3, 6]), ([1, 2], [1, 2]), ([0, 0], [3, 4]), ([3, 4], [0, 0]), ([0, 0], [0, 0])]
)
def test_parallel_and_zero_vectors_are_joined_by_the_straight_line(a, b):
    np.testing.assert_allclose(slerp(a, b, T), lerp(a, b, T), atol=1e-12)


@pytest.mark.parametrize("off", [0, 1e-17, 1e-12, 1e-7, 1e-3])
def test_opposite_vectors_are_joined_by_a_half_turn(off):
    """And nearly opposite ones, without a jump; through the axis on which the first is least."""
    a = np.array([3.0, 0.5, 4.0])
    b = -2 * a + off * np.array([0, 1.0, 0])
    path = slerp(a, b, T)
    np.testing.assert_allclose(np.linalg.norm(path, axis=1), np.linalg.norm(a) * (1 + T), rtol=1e-3)
    np.testing.assert_allclose(angles(path[:-1], path[1:]), np.pi / 8, rtol=1e-3)
    assert path[4, 1] > 0.9 * np.linalg.norm(path[4])


def test_opposite_numbers_are_joined_through_0():
    np.testing.assert_allclose(slerp([2.0], [-2.0], [0, 0.5, 1]), [[2], [0], [-2]], atol=1e-15)


def test_a_path_goes_through_its_points():
    points = RANDOM.normal(size=(3, 4, 5))
    for path in PATHS.values():
        np.testing.assert_array_equal(through(points, np.tile(np.arange(4), (3, 1)), path), points)
    t = np.array([[0.5, 2.25], [1.5, 1.75], [3.0, 0.1]])  # each row has times of its own
    expected = [
        [slerp(points[r, int(x)], points[r, int(x) + 1], x % 1) if x < 3 else points[r, 3] for x in t[r]]
        for r in range(3)
    ]
    np.testing.assert_allclose(through(points, t), expected, rtol=1e-12)


def test_a_closed_path_comes_back():
    points = RANDOM.normal(size=(2, 3, 5))
    path = through(closed(points), np.tile(np.linspace(0, 3, 31), (2, 1)))
    np.testing.assert_array_equal(path[:, 0], path[:, -1])
    np.testing.assert_array_equal(path[:, [10, 20]], points[:, 1:])
    assert (
        np.linalg.norm(np.diff(path, axis=1), axis=-1).max()
        < 0.5 * np.linalg.norm(np.diff(points, axis=1), axis=-1).min()
    )


def test_a_straight_grid_is_bilinear():
    corners = RANDOM.normal(size=(2, 2, 3))
    y, x = np.linspace(0, 1, 4)[:, None, None], np.linspace(0, 1, 5)[None, :, None]
    expected = (1 - y) * ((1 - x) * corners[0, 0] + x * corners[0, 1]) + y * (
        (1 - x) * corners[1, 0] + x * corners[1, 1]
    )
    np.testing.assert_allclose(interpolation.grid(corners, 4, 5, lerp), expected, atol=1e-12)


def test_a_grid_of_arcs():
    corners = unit(RANDOM.normal(size=(2, 2, 8)))
    made = interpolation.grid(corners, 4, 5)
    assert made.shape == (4, 5, 8)
    np.testing.assert_array_equal(made[[0, 0, -1, -1], [0, -1, 0, -1]], corners.reshape(4, 8))
    np.testing.assert_allclose(np.linalg.norm(made, axis=-1), 1, rtol=1e-12)
    np.testing.assert_allclose(made[:, 0], slerp(corners[0, 0], corners[1, 0], np.linspace(0, 1, 4)), atol=1e-12)
    np.testing.assert_allclose(made[2], slerp(made[2, 0], made[2, -1], np.linspace(0, 1, 5)), atol=1e-12)


def test_unevenness():
    assert [unevenness(np.array(steps)) for steps in ([1.0, 1, 1], [1, 2, 3], [0, 0, 0])] == [1, 1.5, 1]


def steps_of(generator, t):
    return np.linalg.norm(np.diff(generator(t), axis=0), axis=1)


def network(seed, end, turns):
    """t [k] -> [k, 50]: a smooth random function of up to so many turns, now slow and now fast; periodic with `end`."""
    random = np.random.default_rng(seed)
    speeds, phases, weights = (
        random.integers(-turns, turns + 1, 64),
        random.uniform(0, 2 * np.pi, 64),
        random.normal(size=(64, 50)),
    )

    def generate(t):
        waves = np.sin(2 * np.pi / end * t[:, None] * speeds + phases)
        return np.tanh(np.exp(np.sin(2 * np.pi / end * t))[:, None] * waves @ weights / 4)

    return generate


@pytest.mark.parametrize("turns, count", [(1, 12), (2, 25), (2, 121), (5, 121)])
@pytest.mark.parametrize("end", [1, 5])
def test_no_step_of_a_smooth_generator_is_much_longer_than_the_mean(count, turns, end):
    """Which at equal times some are. As the functions are periodic, their ways are loops."""
    for seed in range(5):
        generate = network(seed, end, turns)
        t = evenly(generate, end, count)
        steps = steps_of(generate, t)
        assert unevenness(steps_of(generate, np.linspace(0, end, count))) > 1.2
        assert steps.max() <= 1.1 * steps.mean() and EVEN == 1.1
        assert len(t) == count and t[0] == 0 and t[-1] == end and (np.diff(t) > 0).all()


def test_a_round_way_is_gone_at_constant_speed():
    """However it is gone in time: here slowly, fast and slowly again."""
    angle = lambda t: 2 * np.pi * t**2 * (3 - 2 * t)
    t = evenly(lambda t: np.stack([np.cos(angle(t)), np.sin(angle(t))], axis=1), 1, 9)
    np.testing.assert_allclose(angle(t), np.linspace(0, 2 * np.pi, 9), atol=0.01)


@pytest.mark.parametrize("count", [25, 50])
def test_bends_at_whole_times_make_no_long_step(count):
    """A square, each side of which is gone faster and faster."""
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]])
    generate = lambda t: np.stack(
        [np.interp(t - t % 1 + (t % 1) ** 3, np.arange(5), side) for side in corners.T], axis=1
    )
    steps = steps_of(generate, evenly(generate, 4, count))
    assert unevenness(steps) <= EVEN
    assert steps.max() <= 4 / (count - 1) * 1.02


@pytest.mark.parametrize("count", [25, 30, 35, 40])
def test_no_step_is_longer_than_its_share_of_the_way_where_that_turns_back(count):
    """There and back, twice, slowly at first; at whole times it turns on the spot."""
    generate = lambda t: np.abs((t % 2 < 1) - (t % 1) ** 3)[:, None]
    steps = steps_of(generate, evenly(generate, 4, count))
    assert steps.max() <= 4 / (count - 1) * 1.02


@pytest.mark.parametrize("steepness", [10, 1e3, 1e6])
def test_a_steep_generator_is_made_even_too(steepness):
    generate = lambda t: np.tanh(steepness * (t[:, None] - 0.317))
    assert unevenness(steps_of(generate, np.linspace(0, 1, 12))) > 2
    assert unevenness(steps_of(generate, evenly(generate, 1, 12))) <= EVEN


def test_a_jump_is_one_long_step():
    generate = lambda t: (t[:, None] > 0.317) * 1.0
    t = evenly(generate, 1, 12)
    np.testing.assert_allclose(unevenness(steps_of(generate, t)), 11)
    assert len(t) == 12 and (np.diff(t) >= 0).all() and np.isfinite(t).all()


def test_what_does_not_change_is_shown_at_equal_times():
    for noise in (0, 1e-12):
        generate = lambda t: 3 + noise * np.random.default_rng(0).normal(size=(len(t), 5))
        t = evenly(generate, 2, 12)
        assert len(t) == 12 and t[0] == 0 and t[-1] == 2 and (np.diff(t) >= 0).all()
    np.testing.assert_allclose(evenly(lambda t: np.ones((len(t), 5)), 2, 12), np.linspace(0, 2, 12))
