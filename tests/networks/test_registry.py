"""The networks by name: what they are called with, how large they are, and that each keeps the players' contract."""

import dataclasses

import jax
import jax.numpy as jnp
import pytest
from flax import linen as nn

from gan_jax.config.gan import PlayersConfig
from gan_jax.networks import dcgan, mlp
from gan_jax.networks.registry import NETWORKS, build

SHAPE, CLASSES, LATENT = (28, 28, 1), 10, 100
IMAGES, Z = jnp.zeros((2, *SHAPE)), jnp.zeros((2, LATENT))

# Parameters of generator, discriminator and classifier with their own defaults, of such images; by hand, where the
# networks themselves are tested: in test_networks and test_semi_supervised. None: there is no classifier.
COUNTS = {
    "dcgan": (
        (100 * 49 * 128 + 2 * 128) + (16 * 128 * 64 + 2 * 64) + (16 * 64 + 1),
        (16 * 64 + 64) + (16 * 64 * 128 + 2 * 128) + (49 * 128 + 1),
        (9 * 32 + 2 * 32)
        + (9 * 32 * 64 + 2 * 64)
        + (9 * 64 * 128 + 2 * 128)
        + (16 * 128 * 256 + 256)
        + (256 * 10 + 10),
    ),
    "mlp": (
        100 * 128 + 128 + 128 * 784 + 784,
        784 * 128 + 128 + 128 + 1,
        (784 * 1000 + 1000) + (1000 * 500 + 500) + (500 * 250 + 250) + 2 * (250 * 250 + 250) + (250 * 10 + 10 + 10),
    ),
}


def made(name):
    """The modules of an architecture, by the fields of `Networks`."""
    networks = NETWORKS[name]
    modules = {
        "generator": build(networks.generator, image_shape=SHAPE),
        "discriminator": build(networks.discriminator),
    }
    return modules | ({"classifier": build(networks.classifier, num_classes=CLASSES)} if networks.classifier else {})


def outcome(module, x):
    """The shapes of what a module returns and of its parameters, given a condition that it need not look at."""
    init = lambda: module.init_with_output(jax.random.key(0), x, {"label": jnp.zeros(2, jnp.int32)}, train=False)
    return jax.eval_shape(init)


def test_every_architecture_is_tested():
    for name in NETWORKS:
        assert name in COUNTS, (
            f"add COUNTS[{name!r}] in tests/networks/test_registry.py: how many parameters its generator, its "
            "discriminator and its classifier have (None if there is none)"
        )
    assert set(COUNTS) == set(NETWORKS)


@pytest.mark.parametrize("name", COUNTS)
def test_parameter_counts(name):
    for (role, module), expected in zip(made(name).items(), filter(None, COUNTS[name]), strict=True):
        _, variables = outcome(module, Z if role == "generator" else IMAGES)
        assert sum(leaf.size for leaf in jax.tree.leaves(variables["params"])) == expected, role


@pytest.mark.parametrize("name", COUNTS)
def test_players_keep_their_contract(name):
    modules = made(name)
    images, _ = outcome(modules["generator"], Z)
    assert images.shape == (2, *SHAPE)
    for role in modules.keys() - {"generator"}:
        (scores, out), _ = outcome(modules[role], IMAGES)
        assert scores.shape[0] == 2 and out["features"].shape[0] == 2
        assert role != "classifier" or out["class_logits"].shape == (2, CLASSES)


@pytest.mark.parametrize("name", COUNTS)
def test_what_an_architecture_brings_are_options(name):
    assert set(NETWORKS[name].defaults) <= {field.name for field in dataclasses.fields(PlayersConfig)}


class Small(nn.Module):
    size: int
    norm: str = "none"


def test_build_gives_a_module_the_fields_that_it_has_and_no_others():
    assert build(Small, size=3, kernel_size=4, hidden=(5,)) == Small(3)
    assert build(Small, size=3, norm="batch") == Small(3, "batch")
    fields = dict(image_shape=SHAPE, hidden=(7,), width=8, kernel_size=3, norm="batch", axis_name="data")
    assert build(mlp.Generator, **fields) == mlp.Generator(SHAPE, (7,), norm="batch", axis_name="data")
    assert build(dcgan.Generator, **fields) == dcgan.Generator(SHAPE, 8, kernel_size=3, norm="batch", axis_name="data")


def test_build_does_not_make_up_what_a_module_needs():
    with pytest.raises(TypeError, match="size"):
        build(Small, norm="batch")
