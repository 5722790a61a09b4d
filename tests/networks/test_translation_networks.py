"""Networks that make images of images: published sizes, what their parts see, known mistakes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.networks.partial_unet import PartialUNet
from gan_jax.networks.patchgan import PatchGAN
from gan_jax.networks.super_resolution import RRDB, SRResNet, doublings, shuffle
from gan_jax.networks.unet import UNet, halvings_of

KEY = jax.random.key(0)
KEYS = {"params": KEY, "noise": KEY}


def images(side, channels=3, count=1):
    return jax.random.uniform(jax.random.key(1), (count, side, side, channels), minval=-1)


def parameters(module, *inputs):
    shapes = jax.eval_shape(lambda: module.init(KEYS, *inputs, train=True))
    return sum(leaf.size for leaf in jax.tree.leaves(shapes["params"]))


def receptive_field(layers: int) -> int:
    """The side of the patch that a score looks at, by strides and kernels."""
    side = 1
    for stride in [1, 1, *[2] * layers] if layers else []:
        side = (side - 1) * stride + 4
    return side


@pytest.mark.parametrize(
    "module, side, published",
    [
        (UNet(3), 256, 54_413_955),
        (UNet(3, halvings=7), 128, 41_828_995),
        (SRResNet(), 24, 1_549_462),
        (RRDB(), 24, 16_697_987),
    ],
)
def test_published_sizes(module, side, published):
    assert parameters(module, images(side)) == published


def test_published_sizes_of_discriminators():
    given = {"image": images(256)}
    assert parameters(PatchGAN(), images(256), given) == 2_768_705
    assert parameters(PatchGAN(norm="instance"), images(256)) == 2_764_737
    assert parameters(PatchGAN(0), images(256), given) == 9_024


@pytest.mark.parametrize(
    "layers, field, side", [(0, 1, 256), (1, 16, 126), (2, 34, 62), (3, 70, 30), (4, 142, 14), (5, 286, 6)]
)
def test_patches(layers, field, side):
    """How large they are, and how many."""
    assert receptive_field(layers) == field
    scores = jax.eval_shape(lambda: PatchGAN(layers).init_with_output(KEY, images(256), train=True))[0][0]
    assert scores.shape == (1, side, side)


@pytest.mark.parametrize("layers", [0, 1, 2])
def test_a_score_looks_at_its_patch_and_at_nothing_else(layers):
    module = PatchGAN(layers, width=2)
    image = images(48)
    variables = module.init(KEY, image, train=False)
    score = lambda x: module.apply(variables, x, train=False)[0][0, 4, 4]
    rows = np.flatnonzero(np.abs(jax.grad(score)(image)[0]).sum((1, 2)))
    assert rows[-1] - rows[0] + 1 == receptive_field(layers)


def test_a_patch_discriminator_sees_both_images():
    module = PatchGAN(1, width=2)
    variables = module.init(KEY, images(16), {"image": images(16, 1)}, train=False)
    score = lambda image, given: module.apply(variables, image, {"image": given}, train=False)[0].sum()
    for gradient in jax.grad(score, (0, 1))(images(16), images(16, 1)):
        assert np.abs(gradient).max() > 0


def test_images_too_small_for_patches():
    with pytest.raises(ValueError, match="too small for this many layers"):
        PatchGAN(4, width=2).init(KEY, images(16), train=True)


@pytest.fixture(scope="module")
def unet():
    module = UNet(1, halvings=5, width=2)
    return module, module.init(KEYS, images(32, count=2), train=False)


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_the_bottleneck_says_something_of_a_single_image(norm):
    """A norm over the one pixel of one example would make it 0, whatever the image; without skips, what is drawn would show it."""
    module = UNet(1, halvings=5, width=2, norm=norm, dropout=0.0, skips=False)
    variables = module.init(KEYS, images(32), train=True)
    draw = lambda x: module.apply(variables, x, train=True, mutable=["batch_stats"])[0]
    assert np.abs(draw(images(32)) - draw(-images(32))).max() > 1e-3


def test_dropout_is_the_noise_and_only_in_training():
    module = UNet(1, halvings=6, width=2)
    variables = module.init(KEYS, images(64, count=2), train=False)
    draw = lambda seed, train: module.apply(
        variables, images(64), train=train, rngs={"noise": jax.random.key(seed)}, mutable=["batch_stats"]
    )[0]
    assert np.abs(draw(0, True) - draw(1, True)).max() > 0
    np.testing.assert_array_equal(draw(0, False), draw(1, False))


def test_each_skip_carries_its_map(unet):
    """A change of one pixel moves what is drawn there most."""
    module, variables = unet
    draw = lambda x: module.apply(variables, x, train=False)
    moved = np.abs(draw(images(32).at[0, 20, 11].add(1.0)) - draw(images(32)))[0, ..., 0]
    assert np.hypot(*(np.array(np.unravel_index(moved.argmax(), moved.shape)) - (20, 11))) <= 3


def test_sides_that_cannot_be_halved(unet):
    with pytest.raises(
        ValueError, match="images of 360x360: a U-Net of 8 halvings takes multiples of 256 pixels a side"
    ):
        UNet(3).init(KEYS, images(360), train=True)
    for module, inputs in (
        (UNet(3, halvings_of((45, 45))), ()),
        (PartialUNet(halvings_of((30, 30)) - 1), (images(30, 1) > 0,)),
    ):
        with pytest.raises(ValueError, match="a U-Net takes sides that can be halved"):
            module.init(KEYS, images(30 if inputs else 45), *inputs, train=True)


def test_a_shuffle_makes_squares_of_channels():
    x = jnp.arange(2 * 3 * 8.0).reshape(1, 2, 3, 8)
    y = np.asarray(shuffle(x))
    assert y.shape == (1, 4, 6, 2)
    for row, column in np.ndindex(2, 3):
        square = y[0, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        np.testing.assert_array_equal(square.reshape(-1), x[0, row, column])


@pytest.mark.parametrize("times", [1, 2, 4, 8])
@pytest.mark.parametrize("module", [SRResNet, RRDB])
def test_images_become_so_many_times_as_large(module, times):
    small = module(channels=1, times=times, width=2, blocks=1)
    made = jax.eval_shape(lambda: small.init_with_output(KEY, images(6, 1), train=True))[0]
    assert (made[0] if isinstance(made, tuple) else made).shape == (1, 6 * times, 6 * times, 1)


def test_not_every_number_is_a_doubling():
    with pytest.raises(ValueError, match="times=3: must be 1, 2, 4 or 8"):
        doublings(3)
