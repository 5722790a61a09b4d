"""Our convolutions against lax's, in float64: values and first to third derivatives."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from jax import lax

from gan_jax.layers import conv

GEOMETRIES = [
    conv.Geometry(image, kernel, strides)
    for image, kernel, strides in itertools.product(
        [(5, 5), (8, 6), (7, 4)], [(1, 1), (2, 2), (3, 3), (4, 4), (5, 2)], [(1, 1), (2, 2), (3, 1)]
    )
]
GEOMETRIES += [conv.Geometry((8, 6), kernel, (1, 1), same=False) for kernel in [(3, 3), (5, 2)]]
IN_BLOCKS = [
    conv.Geometry(image, kernel, (1, 1), same=False) for image, kernel in [((8, 10), (7, 7)), ((12, 8), (9, 7))]
]
GEOMETRIES += IN_BLOCKS


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def reference(x, w, geometry):
    padding = "SAME" if geometry.same else "VALID"
    return lax.conv_general_dilated(x, w, geometry.strides, padding, dimension_numbers=conv.NHWC)


def arrays(geometry, channels=3):
    random = np.random.default_rng(0)
    x = random.normal(size=(2, *geometry.image, channels))
    w = random.normal(size=(*geometry.kernel, channels, 4))
    y = random.normal(size=(2, *geometry.output, 4))
    return jnp.asarray(x), jnp.asarray(w), jnp.asarray(y)


@pytest.mark.parametrize("channels", [3, conv.THIN + 1])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_the_three_maps_are_lax_convolution_and_its_gradients(geometry, channels):
    x, w, y = arrays(geometry, channels)
    value, pullback = jax.vjp(lambda x, w: reference(x, w, geometry), x, w)
    x_gradient, w_gradient = pullback(y)
    np.testing.assert_allclose(conv.convolve(x, w, geometry), value, atol=1e-12)
    np.testing.assert_allclose(conv.input_gradient(y, w, geometry), x_gradient, atol=1e-12)
    np.testing.assert_allclose(conv.kernel_gradient(x, y, geometry), w_gradient, atol=1e-12)


@pytest.mark.parametrize("kernel, stride", list(itertools.product([1, 2, 3, 4, 5], [1, 2, 3])))
def test_conv_transpose_is_lax_conv_transpose(kernel, stride):
    layer = conv.ConvTranspose(conv.THIN + 1, kernel, stride)
    y = arrays(conv.Geometry((4, 5), (1, 1), (1, 1)))[2]
    variables = layer.init(jax.random.key(0), y)
    expected = lax.conv_transpose(y, variables["params"]["kernel"], (stride,) * 2, "SAME", transpose_kernel=True)
    np.testing.assert_allclose(layer.apply(variables, y), expected, atol=1e-12)


@pytest.mark.parametrize(
    "geometry, channels",
    [
        (conv.Geometry((4, 6), (4, 4), (2, 2)), 16),  # channels enough for the interleaved form
        (conv.Geometry((7, 4), (3, 3), (2, 2)), 2),
        (conv.Geometry((5, 5), (5, 2), (1, 1)), 2),
        (conv.Geometry((5, 4), (3, 2), (2, 2)), conv.THIN + 1),
        (IN_BLOCKS[0], 2),
    ],
)
def test_first_to_third_derivatives(geometry, channels):
    x, w, y = arrays(geometry, channels)

    def nested(convolve, x, w):
        f = lambda x, w: jnp.sum(jnp.tanh(convolve(x, w)) * y)
        first = lambda x, w: sum(jnp.sum(jnp.sin(g)) for g in jax.grad(f, argnums=(0, 1))(x, w))
        second = lambda x, w: sum(jnp.sum(jnp.cos(g)) for g in jax.grad(first, argnums=(0, 1))(x, w))
        third = jax.grad(second, argnums=(0, 1))(x, w)
        return f(x, w), first(x, w), second(x, w), third

    ours = jax.jit(lambda x, w: nested(lambda x, w: conv.convolve(x, w, geometry), x, w))(x, w)
    lax_s = jax.jit(lambda x, w: nested(lambda x, w: reference(x, w, geometry), x, w))(x, w)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9), ours, lax_s)
    assert float(jnp.abs(ours[3][0]).max()) > 1e-3


@pytest.mark.parametrize("geometry", GEOMETRIES[1::7])
def test_the_native_forms_that_accelerators_run_give_the_same(geometry):
    x, w, y = arrays(geometry)
    sizes = dict(strides=geometry.strides, padding=geometry.padding)
    np.testing.assert_allclose(conv._native_slide(x, w, **sizes), conv._cpu_slide(x, w, **sizes), atol=1e-12)
    sizes = dict(padding=geometry.kernel_padding, kernel_dilation=geometry.strides)
    native = conv._native_slide(x, y, axes=("CHWN", "IHWO", "HWNC"), **sizes)
    np.testing.assert_allclose(conv.kernel_gradient(x, y, geometry), native, atol=1e-12)


def test_blocks_are_of_wide_kernels_and_whole():
    assert all(geometry.in_blocks for geometry in IN_BLOCKS) and not any(each.in_blocks for each in GEOMETRIES[:-2])
    assert IN_BLOCKS[0].in_blocks == conv.Geometry((4, 5), (4, 4), (1, 1), same=False)
    for image, kernel, same in (((9, 8), (7, 7), False), ((8, 8), (7, 8), False), ((8, 8), (7, 7), True)):
        assert conv.Geometry(image, kernel, (1, 1), same).in_blocks is None


def test_conv_is_flax_conv():
    x = arrays(conv.Geometry((7, 6), (3, 3), (2, 2)))[0]
    ours, flaxs = conv.Conv(4, (3, 2), 2), nn.Conv(4, (3, 2), 2, padding="SAME")
    variables = jax.tree.map(lambda leaf: leaf.astype(x.dtype) + 0.5, flaxs.init(jax.random.key(0), x))
    np.testing.assert_allclose(ours.apply(variables, x), flaxs.apply(variables, x), atol=1e-12)


def test_conv_transpose_reaches_odd_sizes():
    y = arrays(conv.Geometry((4, 4), (1, 1), (1, 1)))[2]
    out, variables = conv.ConvTranspose(2, 4, 2, output_size=7).init_with_output(jax.random.key(0), y)
    assert out.shape == (2, 7, 7, 2)
    x = jnp.asarray(np.random.default_rng(0).normal(size=out.shape))
    down = conv.convolve(x, variables["params"]["kernel"], conv.Geometry((7, 7), (4, 4), (2, 2)))
    np.testing.assert_allclose(jnp.vdot(out, x), jnp.vdot(y, down), rtol=1e-12)  # adjoints


def test_an_output_size_that_does_not_fit_raises():
    with pytest.raises(ValueError, match=r"output_size \(9, 9\) does not fit"):
        conv.ConvTranspose(2, 4, 2, output_size=9).init(jax.random.key(0), jnp.zeros((1, 4, 4, 1)))


@pytest.mark.parametrize("geometry", [geometry for geometry in GEOMETRIES if geometry.interleaves])
def test_the_interleaved_form_is_the_dilated_one(geometry):
    _, w, y = arrays(geometry)
    sizes = dict(padding=geometry.transposed_padding, image_dilation=geometry.strides)
    np.testing.assert_allclose(
        conv._interleaved(geometry, y, w), conv._native_slide(y, conv._flip(w), **sizes), atol=1e-12
    )


def test_they_can_be_mapped():
    geometry = conv.Geometry((5, 5), (3, 3), (2, 2))
    x, w, y = arrays(geometry)
    xs, ws = jnp.stack([x, 2 * x]), jnp.stack([w, w - 1])
    mapped = jax.vmap(jax.grad(lambda x, w: jnp.sum(conv.convolve(x, w, geometry) * y), argnums=1))(xs, ws)
    np.testing.assert_allclose(mapped[1], 2 * mapped[0], atol=1e-12)
