"""MoCoGAN's and VGAN's networks: as many weights as published; a GRU that is PyTorch's; what each discriminator sees."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.networks import mocogan, vgan

KEY = jax.random.key(0)
VIDEO = jnp.zeros((1, 16, 64, 64, 3))

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def count(module, *inputs):
    shapes = jax.eval_shape(lambda: module.init(KEY, *inputs, train=True))["params"]
    return sum(leaf.size for leaf in jax.tree.leaves(shapes))


def test_as_many_weights_as_mocogan_s_code():
    """By hand: 16 (60·512 + 512·256 + 256·128 + 128·64 + 64·3) + 2·960 of G's frames, and 3 (10·10 + 10) · 2 of its GRU;
    64 (3·64 + 64·128 + 128·256 + 256·512 + 512) + 2·896; 16 (3·64 + 64·128 + 128·256 + 256) + 2·384."""
    generator = mocogan.Generator((64, 64, 3))
    assert count(generator, jnp.zeros((1, 50 + 17 * 10))) == 3_247_104 + 1_920 + 660 == 3_249_684
    assert count(mocogan.VideoDiscriminator(), VIDEO) == 11_056_896
    assert count(mocogan.ImageDiscriminator(), VIDEO[:, 0]) == 663_296


def test_the_gru_is_pytorch_s_by_hand():
    """With W = U = 1, biases 0, x = 1, h = 2: r = z = σ(3), n = tanh(1 + 2 σ(3)), h' = (1 - z) n + 2 z."""
    cell = mocogan.GRU(1)
    h, x = jnp.full((1, 1), 2.0), jnp.ones((1, 1))
    params = jax.tree.map(jnp.zeros_like, cell.init(KEY, h, x))
    params["params"] |= {"input": jnp.ones((1, 3)), "hidden": jnp.ones((1, 3))}
    gate = 1 / (1 + np.exp(-3))
    expected = (1 - gate) * np.tanh(1 + 2 * gate) + 2 * gate
    np.testing.assert_allclose(cell.apply(params, h, x)[1], [[expected]], rtol=1e-6)


def test_motion_goes_on_and_content_stays():
    """A longer video has the same beginning; and a frame depends on the noise up to it alone."""
    generator = mocogan.Generator((16, 16, 1), content=3, motion=2, width=2)
    z = jax.random.normal(KEY, (2, 3 + 9 * 2))
    variables = generator.init(KEY, z, train=True)
    draw = lambda z: generator.apply(variables, z, train=False)
    video = draw(z)
    assert video.shape == (2, 8, 16, 16, 1)
    np.testing.assert_allclose(draw(z[:, : 3 + 5 * 2]), video[:, :4], atol=1e-6)
    changed = draw(z.at[:, 3 + 6 * 2 :].add(1))
    np.testing.assert_allclose(changed[:, :5], video[:, :5], atol=1e-6)
    assert np.abs(changed[:, 5:] - video[:, 5:]).max() > 1e-4


def test_vgan_is_a_mask_of_two_streams():
    """Where the mask is 0 all frames are the background; where it is 1, none of it is left. It says how much moves."""
    generator = vgan.Generator((8, 16, 16, 1), width=2)
    z = jax.random.normal(KEY, (2, 5))
    variables = generator.init(KEY, z, train=True)
    assert variables.keys() == {"params", "batch_stats"}

    def drawn(bias, *changed):
        params = variables["params"]
        mask = {"kernel": 0 * params["mask"]["kernel"], "bias": jnp.full(1, bias)}
        others = {name: jax.tree.map(lambda x: x + 0.1, params[name]) for name in changed}
        params = {**params, "mask": mask, **others}
        video, sown = generator.apply({**variables, "params": params}, z, train=False, mutable=["moving"])
        return np.asarray(video), float(sown["moving"]["share"][0])

    still, share = drawn(-200.0, "foreground")
    assert share == 0
    assert (still == still[:, :1]).all()
    np.testing.assert_array_equal(still, drawn(-200.0)[0])
    moving, share = drawn(50.0, "background")
    assert share == 1
    np.testing.assert_array_equal(moving, drawn(50.0)[0])
    half, share = drawn(0.0)
    assert share == 0.5
    assert half.shape == (2, 8, 16, 16, 1)


@pytest.mark.parametrize("side", [16, 32, 64])
def test_discriminators(side):
    video = jnp.zeros((2, 16, side, side, 1))
    for module in (mocogan.VideoDiscriminator(2), vgan.Discriminator(2)):
        assert jax.eval_shape(lambda module=module: module.init_with_output(KEY, video, train=True)[0][0]).shape == (2,)
    patches = jax.eval_shape(lambda: mocogan.ImageDiscriminator(2).init_with_output(KEY, video[:, 0], train=True)[0][0])
    assert patches.shape == (2, side // 16, side // 16)


def test_what_is_refused():
    with pytest.raises(ValueError, match="16, 32 or 64 pixels a side, got 28"):
        mocogan.doublings(28)
    with pytest.raises(ValueError, match="frames=12: must be more than 12 for frames of 64 pixels"):
        count(mocogan.VideoDiscriminator(2), VIDEO[:, :12])
    with pytest.raises(ValueError, match="frames=12: must be a multiple of 8 for frames of 32 pixels"):
        vgan.first_frames(12, 32)
