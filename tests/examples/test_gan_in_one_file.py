"""The GAN in one file trains as the project's own recipe does, number for number."""

import ast
import gzip
import importlib.util
import struct
import subprocess
import sys
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn
from PIL import Image

from gan_jax.games import non_saturating
from gan_jax.recipes import gan

FILE = Path(__file__).parents[2] / "examples" / "gan_in_one_file.py"
KEY = jax.random.key(7)
BATCH, STEPS = 8, 20

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture(scope="module")
def one_file():
    """The file as a module, its networks narrow."""
    spec = importlib.util.spec_from_file_location("gan_in_one_file", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.BATCH, module.WIDTH = BATCH, 4
    return module


class AsGenerator(nn.Module):
    """The file's generator, called as the recipe calls one."""

    own: nn.Module

    def __call__(self, z, condition=None, *, train):
        return self.own(z, train)


class AsDiscriminator(nn.Module):
    """The file's discriminator, called as the recipe calls one."""

    own: nn.Module

    def __call__(self, images, condition=None, *, train):
        return self.own(images, train), {}


@pytest.fixture(scope="module")
def learnt(one_file):
    """Of both, after 20 rounds from the same weights on the same images: (players, losses [20, 2])."""
    images = np.random.RandomState(0).randint(0, 256, (STEPS, 2, BATCH, 8, 8, 1)).astype(np.uint8)
    setup = gan.Setup(
        generator=AsGenerator(one_file.Generator(8)),
        discriminator=AsDiscriminator(one_file.Discriminator()),
        game=non_saturating,
        g_optimizer=optax.adam(1e-3, b1=0.5),
        d_optimizer=optax.adam(2e-4, b1=0.5),
        latent_size=one_file.LATENT,
    )
    recipe = gan.make(setup)
    state = jax.jit(recipe.init)(jax.random.key(0), {"image": jnp.asarray(images[0])})
    g, d = (
        one_file.Player.create(
            apply_fn=module.apply,
            tx=optimizer,
            params=state.players[name].params["own"],
            batch_stats=state.players[name].variables["batch_stats"]["own"],
        )
        for name, module, optimizer in [
            ("generator", setup.generator.own, setup.g_optimizer),
            ("discriminator", setup.discriminator.own, setup.d_optimizer),
        ]
    )
    step, losses, expected = jax.jit(recipe.step), [], []
    for batch in images:
        g, d, d_loss, g_loss = one_file.play_round(g, d, jnp.asarray(batch[0] / np.float32(127.5) - 1), KEY)
        state, metrics = step(state, {"image": jnp.asarray(batch)}, KEY)
        losses.append((d_loss, g_loss))
        expected.append((metrics["d_loss"], metrics["g_loss"]))
    return {"generator": g, "discriminator": d}, np.array(losses), state.players, np.array(expected)


def test_losses_are_those_of_the_recipe(learnt):
    _, losses, _, expected = learnt
    np.testing.assert_allclose(losses, expected, rtol=0, atol=1e-5)
    assert len(np.unique(expected)) == 2 * STEPS


@pytest.mark.parametrize("name", ["generator", "discriminator"])
def test_weights_and_statistics_are_those_of_the_recipe(name, learnt):
    players, _, expected, _ = learnt
    own, other = players[name], expected[name]
    close = partial(np.testing.assert_allclose, rtol=0, atol=1e-4)
    jax.tree.map(close, own.params, other.params["own"])
    jax.tree.map(close, own.batch_stats, other.variables["batch_stats"]["own"])


def test_each_example_draws_from_a_key_of_its_own(one_file):
    z = one_file.latents(KEY, 6)
    np.testing.assert_array_equal(one_file.latents(KEY, 4), z[:4])
    assert len(np.unique(z)) == z.size


def test_it_is_short_and_needs_nothing_of_the_project():
    text = FILE.read_text()
    assert len(text.splitlines()) <= 130
    nodes = list(ast.walk(ast.parse(text)))
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    roots = {name.partition(".")[0] for name in imported}
    assert roots <= {"argparse", "gzip", "jax", "numpy", "optax", "flax", "PIL", "sklearn"}


def test_the_same_seed_draws_the_same_picture(one_file, tmp_path, capsys):
    for name in ("first", "again"):
        one_file.main(steps=3, out=tmp_path / f"{name}.png", seed=1)
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "again.png").read_bytes()
    with Image.open(tmp_path / "first.png") as picture:
        assert picture.size == (8 * 3 * 16, 8 * 3 * 16)
        assert len({picture.crop((x, 0, x + 48, 48)).tobytes() for x in range(0, 384, 48)}) == 8
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and lines[0] == lines[1] and lines[0].startswith("round 3: L_D ")


def test_mnist(one_file, tmp_path):
    images = np.random.RandomState(0).randint(0, 256, (20, 28, 28)).astype(np.uint8)
    content = struct.pack(">HBB3I", 0, 8, 3, *images.shape) + images.tobytes()
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(content))
    one_file.main(steps=1, mnist=tmp_path, out=tmp_path / "mnist.png")
    with Image.open(tmp_path / "mnist.png") as picture:
        assert picture.size == (8 * 3 * 28, 8 * 3 * 28)


@pytest.mark.slow
def test_as_a_program(tmp_path):
    """On its own, away from the project, at full width."""
    run = subprocess.run(
        [sys.executable, FILE, "--steps=2"], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=True
    )
    assert run.stdout.startswith("round 2: L_D ")
    assert (tmp_path / "digits.png").stat().st_size > 1000
