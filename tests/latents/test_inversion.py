"""Inversion and ascent, where the answer is known: generators that are linear, losses with minima that are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from gan_jax.latents import inversion
from gan_jax.randomness import PRIORS

SIZE = 6
MATRIX = np.random.default_rng(0).normal(0, 0.3, (SIZE, 20)).astype(np.float32)

anywhere = lambda latents: latents


def linear(latents):
    """Images [n, 4, 5, 1], A z."""
    return jnp.dot(latents, MATRIX, precision="highest").reshape(-1, 4, 5, 1)


def drawn(kind, count, size=SIZE, seed=0):
    return np.asarray(PRIORS[kind](jax.random.key(seed), (count, size)))


def test_every_prior_has_its_projection():
    assert set(inversion.PROJECTIONS) == set(PRIORS)


@pytest.mark.parametrize("kind", PRIORS)
def test_the_latents_of_a_linear_generator_are_recovered(kind):
    latents, starts = drawn(kind, 5), drawn(kind, 15, seed=1).reshape(5, 3, SIZE)
    images = linear(latents)
    found = inversion.invert(linear, images, starts, inversion.PROJECTIONS[kind], steps=400, rate=0.2)
    np.testing.assert_allclose(found.latents, latents, atol=2e-3)
    assert found.errors.shape == (5,) and found.errors.max() < 1e-6


def test_of_an_image_that_no_latent_has_the_least_squares_are_found():
    latents = 0.8 * drawn("normal", 4)
    aside = np.random.default_rng(1).normal(0, 0.2, (4, 20)).astype(np.float32)
    targets = np.asarray(linear(latents)) + aside.reshape(4, 4, 5, 1)
    found = inversion.invert(linear, targets, drawn("normal", 4)[:, None], anywhere, steps=400, rate=0.2)
    expected, residuals, _, _ = np.linalg.lstsq(MATRIX.T, targets.reshape(4, 20).T)
    np.testing.assert_allclose(found.latents, expected.T, atol=2e-3)
    np.testing.assert_allclose(found.errors, residuals / 20, rtol=1e-3)


def test_the_best_start_is_kept():
    """Of G(z) = z² a start at 0 stays there, and of the others the one that is nearer gets nearer in a single step."""
    square = lambda latents: (latents**2)[:, None, :, None]
    starts = np.array([[[0.0], [0.5], [0.8]], [[0.9], [0.0], [0.3]]], np.float32)
    targets = np.ones((2, 1, 1, 1), np.float32)
    found = inversion.invert(square, targets, starts, anywhere, steps=1, rate=0.1)
    np.testing.assert_allclose(found.latents, [[0.9], [1.0]], rtol=1e-5)
    np.testing.assert_allclose(found.errors, [(0.81 - 1) ** 2, 0], atol=1e-6)


def test_the_best_of_all_steps_is_kept():
    """At the first step, of 1, one comes to the image, and then goes beyond it."""
    image = lambda latents: latents[:, None, :, None]
    starts, targets = np.zeros((1, 1, 1), np.float32), np.ones((1, 1, 1, 1), np.float32)
    away = lambda latents: jnp.where(jnp.abs(latents - 1) < 1e-3, latents, 7.0)
    found = inversion.invert(image, targets, starts, away, steps=3, rate=1.0)
    np.testing.assert_allclose(found.latents, [[1.0]], rtol=1e-5)


@pytest.mark.parametrize("kind", PRIORS)
def test_the_highest_score_in_the_prior_is_found(kind):
    """A linear score is highest where the longest latent points its way, and in the box in one of its corners."""
    towards = np.random.default_rng(2).normal(size=SIZE).astype(np.float32)
    project = inversion.PROJECTIONS[kind]
    *_, (latents, losses) = inversion.descend(lambda z: -z @ towards, drawn(kind, 3), project, steps=300, rate=0.2)
    longest = inversion.shell(SIZE)[1] * towards / np.linalg.norm(towards)
    expected = {"normal": longest, "uniform": np.sign(towards)}[kind]
    np.testing.assert_allclose(latents, [expected] * 3, atol=1e-2)
    np.testing.assert_allclose(losses, [-expected @ towards] * 3, rtol=1e-4)


def test_of_gradients_only_what_leads_out_is_dropped():
    longest = inversion.shell(2)[1]
    latents = np.array([[longest, 0], [longest, 0], [1, 0], [1, 0]], np.float32)
    gradients = np.array([[-3, 4], [3, 4], [-3, 4], [0, 0]], np.float32)
    expected = [[0, 4], [3, 4], [-3, 4], [0, 0]]
    np.testing.assert_allclose(
        inversion.gradient_mapping(inversion.onto_shell, latents, gradients), expected, atol=1e-2
    )


@pytest.mark.parametrize("kind", PRIORS)
def test_latents_go_their_own_ways_from_where_they_are(kind):
    """Those before the first step come first; alone each would go as it does beside others; losses are the latents'."""
    first, towards = drawn(kind, 4), np.arange(SIZE, dtype=np.float32)
    loss = lambda latents: -latents @ towards
    ways = lambda some: list(inversion.descend(loss, some, inversion.PROJECTIONS[kind], steps=5, rate=0.3))
    together, alone = ways(first), ways(first[:1])
    assert len(together) == 6
    np.testing.assert_array_equal(together[0][0], first)
    for (latents, losses), (own, _) in zip(together, alone, strict=True):
        np.testing.assert_allclose(latents[:1], own, rtol=1e-5)
        np.testing.assert_allclose(losses, loss(latents), rtol=1e-5)


@pytest.mark.parametrize("kind", PRIORS)
def test_latents_are_kept_in_what_they_are_drawn_from(kind):
    ways = inversion.descend(
        lambda latents: -10 * jnp.sum(latents**2, axis=-1),  # away from 0
        drawn(kind, 8, 20),
        inversion.PROJECTIONS[kind],
        steps=30,
        rate=1.0,
    )
    least, most = inversion.shell(20)
    for latents, _ in ways:
        if kind == "uniform":
            assert np.abs(latents).max() <= 1
        else:
            norms = np.linalg.norm(latents, axis=1)
            assert least * 0.999 <= norms.min() and norms.max() <= most * 1.001
    assert kind == "uniform" or norms.min() > most * 0.999  # it was the shell that held them


@pytest.mark.parametrize("size", [1, 2, 100])
def test_the_shell_has_all_normal_latents_but_one_in_a_thousand(size):
    least, most = inversion.shell(size)
    outside = stats.chi2.cdf(least**2, size) + stats.chi2.sf(most**2, size)
    np.testing.assert_allclose(outside, 0.001, rtol=1e-6)
    inside = drawn("normal", 500, size)
    inside = inside[(least < np.linalg.norm(inside, axis=1)) & (np.linalg.norm(inside, axis=1) < most)]
    np.testing.assert_allclose(inversion.onto_shell(inside), inside, rtol=1e-6)


def test_what_is_off_the_shell_comes_to_its_nearer_side():
    least, most = inversion.shell(2)
    latents = np.array([[3.0, 4.0], [0.0, -1e-3]])
    np.testing.assert_allclose(inversion.onto_shell(latents), [[0.6 * most, 0.8 * most], [0, -least]], rtol=1e-5)
    assert np.isfinite(inversion.onto_shell(np.zeros((1, 2)))).all()


def test_numbers_outside_the_box_come_to_its_sides():
    latents = np.array([[0.5, 1.5, -9.0]])
    np.testing.assert_allclose(inversion.into_box(latents), [[0.5, 1, -1]])


def test_starts_are_the_latents_of_the_nearest_images():
    latents = drawn("normal", 50)
    images, targets = np.asarray(linear(latents)), np.asarray(linear(drawn("normal", 4, seed=1)))
    starts = inversion.nearest_starts(targets, images, latents, 3)
    assert starts.shape == (4, 3, SIZE)
    distances = ((targets[:, None] - images) ** 2).sum(axis=(2, 3, 4))
    np.testing.assert_array_equal(starts, latents[distances.argsort(axis=1)[:, :3]])


def test_errors_within_a_tolerance_are_none():
    images = jnp.array([0.0, 0.2, 0.5, -0.7]).reshape(1, 2, 2, 1)
    assert inversion.squared_errors(images, 0 * images, 0.3)[0] == pytest.approx((0.2**2 + 0.4**2) / 4, rel=1e-5)
    assert inversion.squared_errors(images, 0 * images, 0.0)[0] == pytest.approx((0.2**2 + 0.5**2 + 0.7**2) / 4)


def test_a_tolerance_undoes_what_is_added_within_it():
    """The images of latents, changed by at most 0.3 all in one direction: with it their own latents are as near as can be."""
    wanted = drawn("normal", 4)
    targets = np.asarray(linear(wanted)) + 0.3
    starts = inversion.nearest_starts(targets, np.asarray(linear(wanted)), wanted, 1, 0.3001)
    np.testing.assert_array_equal(starts[:, 0], wanted)
    given = dict(steps=20, rate=0.1)
    tolerant = inversion.invert(linear, targets, starts, inversion.onto_shell, tolerance=0.3001, **given)
    np.testing.assert_array_equal(tolerant.latents, wanted)
    np.testing.assert_array_equal(tolerant.errors, 0)
    strict = inversion.invert(linear, targets, starts, inversion.onto_shell, **given)
    assert (np.abs(strict.latents - wanted).max(axis=1) > 0.05).all()


def test_the_difference_of_classes_is_that_of_their_means():
    latents = np.array([[0.0, 1.0], [2.0, 3.0], [5.0, 5.0], [9.0, 9.0]])
    classes = np.array([4, 4, 7, 0])
    np.testing.assert_allclose(inversion.class_difference(latents, classes, 4, 7), [4, 3])
    with pytest.raises(ValueError, match="of 4 latents none has an image of class 3"):
        inversion.class_difference(latents, classes, 4, 3)


def test_a_smoothed_loss_is_the_mean_about_a_latent():
    """Of |z|² that is |z|² + width² d, up to 20,000 draws' chance; of a single latent and of many the same."""
    square = lambda latents: jnp.sum(latents**2, axis=-1)
    loss = inversion.smoothed(square, jax.random.key(0), width=0.5, draws=20000)
    latents = drawn("normal", 3)
    np.testing.assert_allclose(loss(latents), square(latents) + 0.25 * SIZE, rtol=0.02)
    np.testing.assert_allclose(loss(latents)[:1], loss(latents[:1]), rtol=1e-5)
    assert inversion.smoothed(square, jax.random.key(0), width=0.0) is square


def test_a_smoothed_descent_leaves_a_narrow_hole_for_a_wide_one():
    holes = lambda latents: -jnp.exp(-((latents[:, 0] / 0.02) ** 2)) - jnp.exp(-((latents[:, 0] - 1) ** 2))
    ends = {}
    for width in (0.0, 0.5):
        loss = inversion.smoothed(holes, jax.random.key(0), width=width, draws=1000)
        *_, (latents, _) = inversion.descend(loss, jnp.zeros((1, 1)), anywhere, steps=400, rate=0.01)
        ends[width] = float(latents[0, 0])
    assert abs(ends[0.0]) < 0.1 and abs(ends[0.5] - 1) < 0.3
