"""Styles and noise as vectors, what noise is held to, and images found in W and W+."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.latents import inversion, projection
from gan_jax.latents.projection import normalised, self_correlation

KEY = jax.random.key(0)
LAYERS, SIZE = 4, 3
NOISE = {"layer_0": {"map": jax.random.normal(KEY, (4, 4, 1))}, "layer_1": {"map": jax.random.normal(KEY, (16, 16, 1))}}
WS = jnp.repeat(jax.random.normal(KEY, (2, 1, SIZE)), LAYERS, axis=1)

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.mark.parametrize("each, size", [(False, SIZE), (True, LAYERS * SIZE)])
def test_packed_and_unpacked(each, size):
    space = projection.make(NOISE, LAYERS, SIZE, each=each)
    vectors = space.pack(WS)
    assert vectors.shape == (2, size + 16 + 256)
    ws, noise = space.unpack(vectors)
    np.testing.assert_array_equal(ws, WS)
    for name, layer in NOISE.items():
        expected = (layer["map"] - layer["map"].mean()) / layer["map"].std()
        np.testing.assert_allclose(noise[name]["map"], jnp.stack([expected] * 2), rtol=1e-4, atol=1e-5)
    own = jax.random.normal(KEY, vectors.shape)
    if each:  # each layer has its own
        assert np.ptp(space.unpack(own)[0], axis=1).min() > 0
    else:
        assert not np.ptp(space.unpack(own)[0], axis=1).any()


def test_projecting_normalises_noise_and_leaves_styles():
    space = projection.make(NOISE, LAYERS, SIZE, each=True)
    vectors = 3 * jax.random.normal(KEY, space.pack(WS).shape) + 1
    (before, _), (after, noise) = space.unpack(vectors), space.unpack(space.project(vectors))
    np.testing.assert_array_equal(after, before)
    for layer in jax.tree.leaves(noise):
        np.testing.assert_allclose(layer.mean(axis=(1, 2, 3)), 0, atol=1e-6)
        np.testing.assert_allclose(layer.std(axis=(1, 2, 3)), 1, rtol=1e-5)
    once = space.project(vectors)
    np.testing.assert_allclose(space.project(once), once, rtol=1e-5, atol=1e-5)


def by_hand(noise):
    """As in the authors' projector, in NumPy."""
    total = 0.0
    while True:
        total += np.mean(noise * np.roll(noise, 1, 1)) ** 2 + np.mean(noise * np.roll(noise, 1, 0)) ** 2
        if len(noise) <= 8:
            return total
        noise = (noise[::2, ::2] + noise[1::2, ::2] + noise[::2, 1::2] + noise[1::2, 1::2]) / 4


@pytest.mark.parametrize("side", [4, 8, 16, 32])
def test_self_correlation(side):
    noise = jax.random.normal(KEY, (side, side, 1))
    assert self_correlation(noise) == pytest.approx(by_hand(np.float64(noise)[..., 0]), rel=1e-4)


def test_an_image_in_the_noise_is_worse_than_noise():
    """White noise has next to none, one that is smooth about 2 at the finest scale alone."""
    white = normalised(jax.random.normal(KEY, (64, 64, 1)))
    smooth = normalised(jnp.broadcast_to(jnp.sin(jnp.arange(64) * 2 * jnp.pi / 64)[:, None, None], (64, 64, 1)))
    assert self_correlation(white) < 0.02 and self_correlation(smooth) > 1.9
    space = projection.make({"layer": {"map": smooth}}, LAYERS, SIZE, each=False)
    expected = projection.WEIGHT * float(self_correlation(smooth))
    np.testing.assert_allclose(space.penalty(space.pack(WS)), [expected] * 2, rtol=1e-4)


@pytest.mark.parametrize("noise", [jnp.zeros((16, 16, 1)), jnp.ones((16, 16, 1)), NOISE["layer_1"]["map"]])
def test_gradients_are_finite(noise):
    """Even of a map of one number, which has no deviation that could become 1, and is 0."""
    normal = normalised(noise)
    assert np.isfinite(jax.grad(lambda noise: self_correlation(normalised(noise)))(noise)).all()
    if not np.ptp(noise):
        assert not normal.any() and self_correlation(normal) == 0


@pytest.fixture(scope="module")
def generate():
    """Layers that add to an image of 16×16; its noise is a thousandth."""
    basis = jax.random.normal(KEY, (LAYERS, SIZE, 256)) / 4

    def generate(ws, noise):
        image = jnp.einsum("nld,ldp->np", ws, basis).reshape(-1, 16, 16, 1)
        return jnp.tanh(image) + 1e-3 * noise["layer_1"]["map"]

    return generate


@pytest.fixture(scope="module")
def found(generate):
    """found(each, targets) -> what is found of images in W, or in W+; and the space."""

    def found(each, targets, penalised=True):
        space = projection.make(NOISE, LAYERS, SIZE, each=each)
        starts = space.pack(jnp.repeat(jax.random.normal(jax.random.key(5), (8, 1, SIZE)), LAYERS, axis=1))
        starts = np.broadcast_to(np.asarray(starts), (len(targets), *starts.shape))
        draw = lambda vectors: generate(*space.unpack(vectors))
        how = dict(steps=150, rate=0.1, penalty=space.penalty if penalised else None)
        return inversion.invert(draw, np.asarray(targets), starts, space.project, **how), space

    return found


def test_samples_are_found_again(found, generate):
    """To a mean squared error of 1e-4; and the error is that of pixels alone."""
    space = projection.make(NOISE, LAYERS, SIZE, each=False)
    targets = generate(*space.unpack(space.pack(WS)))
    for each in (False, True):
        result, own = found(each, targets)
        assert result.errors.max() < 1e-4
        again = jnp.mean((generate(*own.unpack(jnp.asarray(result.latents))) - targets) ** 2, axis=(1, 2, 3))
        np.testing.assert_allclose(result.errors, again, rtol=1e-3, atol=1e-8)


def test_w_plus_draws_what_w_cannot(found, generate):
    ws = jax.random.normal(jax.random.key(2), (2, LAYERS, SIZE))
    targets = generate(ws, {"layer_1": {"map": 0.0}})
    in_w, in_each = (found(each, targets)[0].errors for each in (False, True))
    assert (in_each < 1e-3).all() and (in_w > 10 * in_each).all()


def test_noise_stays_noise(found, generate):
    """Without the penalty the target's stripes go into it."""
    stripes = jnp.where(jnp.arange(16)[:, None, None] % 4 < 2, 1.0, -1.0) * jnp.ones((16, 16, 1))
    space = projection.make(NOISE, LAYERS, SIZE, each=False)
    targets = generate(WS, space.unpack(space.pack(WS))[1]) + 2e-3 * stripes
    correlation = []
    for penalised in (True, False):
        result, own = found(False, targets, penalised)
        maps = own.unpack(jnp.asarray(result.latents))[1]["layer_1"]["map"]
        correlation.append(float(np.mean(jax.vmap(self_correlation)(maps))))
    assert correlation[0] < 0.3 * correlation[1]
