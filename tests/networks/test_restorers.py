"""Restorers: what is kept of the input, that a hole's contents never leak, and what does not go together."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from experiments import restore
from gan_jax import colour
from gan_jax.config.options import flat
from gan_jax.data import DataSpec
from gan_jax.networks import restorers
from gan_jax.networks.fill import filled
from gan_jax.networks.partial_unet import PartialUNet
from gan_jax.runs.experiment import find
from gan_jax.training.parallel import AXIS

U8 = np.uint8
pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def spec(given, wanted, mask=False):
    fields = {"image": jax.ShapeDtypeStruct(given, U8), "target": jax.ShapeDtypeStruct(wanted, U8)}
    return fields | ({"mask": jax.ShapeDtypeStruct((*given[:2], 1), bool)} if mask else {})


def made(task, network, example):
    """A restorer's images of examples, by first weights."""
    restorer = restorers.make(task, network, spec_of(task), width=4, blocks=1, norm="batch", axis_name=None)
    inputs = [example[name] for name in restorer.inputs]
    variables = restorer.generator.init(jax.random.key(0), *inputs, train=False)
    return restorer.compose(restorer.generator.apply(variables, *inputs, train=False), example)


def spec_of(task):
    shape = (16, 16, 3)
    given = {"superres": (8, 8, 3), "colorize": (16, 16, 1)}.get(task, shape)
    return spec(given, shape, mask=task == "inpaint")


def images(channels=3, side=16):
    return jax.random.uniform(jax.random.key(1), (2, side, side, channels), minval=-1)


def hole():
    return jnp.zeros((2, 16, 16, 1), bool).at[:, 4:12, 3:9].set(True)


@pytest.mark.parametrize("network", ["unet", "partial", "srresnet"])
def test_outside_the_hole_is_the_input_to_the_bit(network):
    example = {"image": jnp.where(hole(), 0, images()), "mask": hole()}
    found = made("inpaint", network, example)
    outside = np.broadcast_to(~hole(), found.shape)
    np.testing.assert_array_equal(np.asarray(found)[outside], np.asarray(example["image"])[outside])
    assert np.any(np.asarray(found)[~outside] != np.asarray(example["image"])[~outside])


def test_partial_convolutions_never_see_the_hole():
    network, x = PartialUNet(halvings=3, width=4), images()
    variables = network.init(jax.random.key(0), x, hole(), train=False)
    other = jnp.where(hole(), 7.0, x)
    np.testing.assert_array_equal(*(network.apply(variables, each, hole(), train=False) for each in (x, other)))
    beside = jnp.where(hole(), x, 0.5)
    assert np.any(
        network.apply(variables, x, hole(), train=False) != network.apply(variables, beside, hole(), train=False)
    )


def test_a_network_is_given_holes_filled_and_where_they_are():
    class Same(nn.Module):
        def __call__(self, x, *, train):
            return x

    seen = restorers.WithMask(Same()).apply({}, images(), hole(), train=False)
    np.testing.assert_array_equal(seen[..., :3], filled(images(), hole()))
    np.testing.assert_array_equal(seen[..., 3:] == 1, hole())


def test_colours_keep_the_lightness():
    gray = images(1)
    found = made("colorize", "unet", {"image": gray})
    assert found.shape == (2, 16, 16, 3)
    np.testing.assert_allclose(colour.lightness(found), gray, atol=1e-3)


@pytest.mark.parametrize("network", ["srresnet", "rrdb"])
def test_networks_that_draw_nothing_leave_the_cubic_and_the_input(network):
    small, same = {"image": images(side=8)}, {"image": images()}
    for task, example in (("superres", small), ("denoise", same)):
        restorer = restorers.make(task, network, spec_of(task), width=4, blocks=1, norm="batch", axis_name=None)
        found = restorer.compose(jnp.zeros((2, 16, 16, 3)), example)
        np.testing.assert_array_equal(found, jax.image.resize(example["image"], (2, 16, 16, 3), "cubic"))
        assert made(task, network, example).shape == (2, 16, 16, 3)


@pytest.mark.parametrize(
    "network, norm, same", [("unet", "none", True), ("srresnet", "none", True), ("srresnet", "batch", False)]
)
def test_without_normalisation_an_image_does_not_depend_on_the_batch(network, norm, same):
    restorer = restorers.make("denoise", network, spec_of("denoise"), width=4, blocks=1, norm=norm, axis_name=None)
    both = jnp.concatenate([images()[:1], 0.3 * images()[1:]])
    variables = restorer.generator.init(jax.random.key(0), both, train=False)
    draw = lambda x: restorer.generator.apply(variables, x, train=True, mutable=["batch_stats"])[0]
    assert np.allclose(draw(both)[:1], draw(both[:1]), atol=1e-5) == same


def test_all_tasks_have_defaults_and_all_defaults_a_task():
    assert restore.TASKS.keys() == restorers.TASKS.keys()


@pytest.mark.parametrize(
    "given, expected",
    [
        (["--task=superres"], (0.9, "srresnet", "downscale:2", 10.0)),
        (["--task=colorize"], (0.5, "unet", "lightness", 0.0)),
        (
            ["--task=superres", "--beta1=0.3", "--network=rrdb", "--degrade=downscale:4"],
            (0.3, "rrdb", "downscale:4", 10.0),
        ),
    ],
)
def test_what_a_task_brings_stands_back_behind_flags(given, expected):
    chosen = flat(restore.resolve(find("restore").parse(given).config))
    assert tuple(chosen[name] for name in ("beta1", "network", "degrade", "perceptual")) == expected


def test_the_generator_has_a_rate_of_its_own_while_both_play():
    """Adam's first step moves a weight by its rate, whatever its gradient."""
    small = ("--task=denoise", "--width=4", "--perceptual=0", "--g_lr=0.01", "--gan_lr=0.001", "--beta2=0.9")
    config = restore.resolve(find("restore").parse(small).config)
    example = spec((16, 16, 3), (16, 16, 3))
    phases = restore.make(config, DataSpec(example))
    batch = {name: jax.random.uniform(jax.random.key(2), (1, 1, 2, 16, 16, 3), minval=-1) for name in example}
    axis = {"axis_name": AXIS, "in_axes": (None, 0, None)}
    for phase, rate in ((phases[0], 0.01), (phases[2], 0.001)):
        state = phase.recipe.init(jax.random.key(0), jax.tree.map(lambda x: x[0], batch))
        after, _ = jax.jit(jax.vmap(phase.recipe.step, **axis))(state, batch, jax.random.key(1))
        moved = jax.tree.map(
            lambda a, b: abs(a - b[0]).max(), *(each.players["generator"].params for each in (state, after))
        )
        assert max(jax.tree.leaves(moved)) == pytest.approx(rate, rel=0.01)


@pytest.mark.parametrize(
    "task, network, example, said",
    [
        ("colorize", "unet", spec((16, 16, 1), (16, 16, 1)), "from 1 channel to 3, not from 1 to 1"),
        ("denoise", "unet", spec((8, 8, 1), (16, 16, 1)), "needs an image of the target's shape"),
        ("inpaint", "unet", spec((16, 16, 3), (16, 16, 3)), "with a mask"),
        ("denoise", "unet", spec((16, 16, 3), (16, 16, 3), mask=True), "without a mask"),
        ("denoise", "partial", spec((16, 16, 3), (16, 16, 3)), "fills what is missing"),
        ("superres", "context", spec((8, 8, 3), (16, 16, 3)), "choose srresnet or rrdb"),
        ("superres", "unet", spec((8, 8, 3), (16, 16, 3)), "choose srresnet or rrdb"),
        ("superres", "srresnet", spec((5, 5, 3), (15, 15, 3)), "times=3"),
    ],
)
def test_what_does_not_go_together(task, network, example, said):
    with pytest.raises(ValueError, match=said):
        restorer = restorers.make(task, network, example, width=4, blocks=1, norm="batch", axis_name=None)
        inputs = [jnp.zeros((1, *example[name].shape)) for name in restorer.inputs]
        jax.eval_shape(lambda: restorer.generator.init(jax.random.key(0), *inputs, train=False))
