"""Spectral normalisation against the singular values that numpy finds."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from gan_jax.layers.conv import Conv
from gan_jax.layers.spectral import spectral_norm

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

KEY = jax.random.key(0)
LAYERS = {"dense": (lambda: nn.Dense(6), (4, 8)), "conv": (lambda: Conv(6, 3, 2), (4, 8, 8, 5))}


class Normalised(nn.Module):
    layer: str

    @nn.compact
    def __call__(self, x, *, train):
        return spectral_norm(LAYERS[self.layer][0](), train=train)(x)


def _leaf(variables, end):
    (leaf,) = [
        leaf for path, leaf in jax.tree_util.tree_leaves_with_path(variables) if end in jax.tree_util.keystr(path)
    ]
    return leaf


@pytest.mark.parametrize("layer", LAYERS)
def test_the_largest_singular_value_becomes_one(layer):
    x = jax.random.normal(KEY, LAYERS[layer][1])
    module = Normalised(layer)
    variables = jax.jit(lambda: module.init(KEY, x, train=False))()
    params, spectral = variables["params"], variables["spectral"]
    step = jax.jit(lambda s: module.apply({"params": params, "spectral": s}, x, train=True, mutable=["spectral"]))
    for _ in range(200):
        out, after = step(spectral)
        spectral = after["spectral"]
    kernel = np.asarray(_leaf(params, "kernel"))
    σ = np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), compute_uv=False)[0]
    np.testing.assert_allclose(_leaf(spectral, "sigma"), σ, rtol=1e-4)
    divided = jax.tree_util.tree_map_with_path(
        lambda path, p: p / σ if "kernel" in jax.tree_util.keystr(path) else p, params
    )
    plain = LAYERS[layer][0]()
    (inner,) = divided.values() if len(divided) == 1 else [divided]
    np.testing.assert_allclose(out, plain.apply({"params": inner}, x), rtol=1e-3, atol=1e-4)


def test_power_iteration_moves_only_in_training():
    x = jnp.ones((2, 8))
    module = Normalised("dense")
    variables = module.init(KEY, x, train=False)
    moved = lambda train: module.apply(variables, x, train=train, mutable=["spectral"])[1]["spectral"]
    u = lambda spectral: np.asarray(_leaf(spectral, "/u"))
    np.testing.assert_array_equal(u(moved(False)), u(variables["spectral"]))
    assert np.abs(u(moved(True)) - u(variables["spectral"])).max() > 1e-3


def test_one_step_is_algorithm_1():
    """v = W u/‖W u‖, u = Wᵀv/‖Wᵀv‖, σ = vᵀ W u, by hand."""
    x = jnp.ones((2, 8))
    module = Normalised("dense")
    variables = module.init(KEY, x, train=False)
    w, u = np.asarray(_leaf(variables["params"], "kernel")), np.asarray(_leaf(variables["spectral"], "/u"))[0]
    v = w @ u / np.linalg.norm(w @ u)
    u = w.T @ v / np.linalg.norm(w.T @ v)
    _, after = module.apply(variables, x, train=True, mutable=["spectral"])
    np.testing.assert_allclose(_leaf(after["spectral"], "sigma"), v @ w @ u, rtol=1e-5)
    np.testing.assert_allclose(_leaf(after["spectral"], "/u")[0], u, rtol=1e-4, atol=1e-6)
