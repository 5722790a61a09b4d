"""Checkpoints of other networks than are asked for are an error that says where, and no damage."""

import shutil

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax.recipes import contract
from gan_jax.recipes.players import Player
from gan_jax.training.checkpoint import Checkpoints, TemplateError


def networks(width=16, dtype=jnp.float32, name="generator", **fields):
    params = {"Dense_0": {"kernel": jnp.ones((8, width), dtype)}}
    player = Player(params, {}, optax.adam(1e-3).init(params), {"params": params})
    return contract.State(jnp.int32(20), {name: player}).replace(**fields)


def of_kernels(said):
    """What is said of a kernel and of Adam's moments, and not of its average."""
    places = (f"{part}/Dense_0/kernel" for part in ("params", "opt_state/0/mu", "opt_state/0/nu"))
    return "; ".join(f"players/generator/{place} is {said}" for place in places) + " (and 1 more)"


GENERATOR = networks().players["generator"]
OTHER_NETWORKS = {
    "shapes": (networks(32), of_kernels("[8, 16] there, [8, 32] here")),
    "dtypes": (networks(16, jnp.bfloat16), of_kernels("float32 there, bfloat16 here")),
    "dtype of a number": (networks(step=jnp.float32(0)), "step is int32 there, float32 here"),
    "a shape that NumPy would stretch": (networks(step=jnp.zeros((1,), jnp.int32)), "step is [] there, [1] here"),
    "without an ema": (
        networks(players={"generator": GENERATOR.replace(ema=None)}),
        "players/generator/ema is only there",
    ),
    "a memory": (networks(memory={"pool": {"a": jnp.ones(3), "b": jnp.ones(3)}}), "memory is only here"),
    "another player": (networks(name="critic"), "players/generator is only there; players/critic is only here"),
    "a tree in place of an array": (
        networks(step={"d": jnp.int32(0), "g": jnp.int32(0)}),
        "step is only there; step/d is only here; step/g is only here",
    ),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run's directory with two checkpoints that are whole, of which the tests change nothing."""
    directory = tmp_path_factory.mktemp("run") / "checkpoints"
    checkpoints = Checkpoints(directory)
    for step in (10, 20):
        checkpoints.save(step, networks())
    checkpoints.close()
    return directory.parent


def files_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("other", OTHER_NETWORKS)
def test_other_networks_are_an_error_that_says_where_and_no_damage(run, capsys, other, read_only):
    before = files_of(run)
    checkpoints = Checkpoints(run / "checkpoints", read_only=read_only)
    template, differences = OTHER_NETWORKS[other]
    for again in (template, lambda step: template):
        with pytest.raises(TemplateError) as error:
            checkpoints.restore(again)
        expected = f"checkpoint of step 20 in {run / 'checkpoints'} is of other networks: {differences}"
        assert str(error.value) == expected and isinstance(error.value, ValueError)
    assert checkpoints.steps() == [10, 20] and files_of(run) == before
    assert list(run.iterdir()) == [run / "checkpoints"] and capsys.readouterr().err == ""
    jax.tree.map(np.testing.assert_array_equal, checkpoints.restore(networks()), networks())


def test_a_template_may_be_a_function_of_the_step(tmp_path, capsys):
    """Networks that grow have another tree in each phase."""
    phases = {1: {"w": np.ones((2, 2))}, 2: {"w": np.ones((4, 4)), "more": {"w": np.zeros(3)}}}
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    for step, tree in phases.items():
        checkpoints.save(step, tree)
    checkpoints.wait()
    asked = []

    def template(step):
        asked.append(step)
        return phases[step]

    jax.tree.map(np.testing.assert_array_equal, checkpoints.restore(template), phases[2])
    assert asked == [2]
    shutil.rmtree(tmp_path / "checkpoints" / "2" / "state")
    jax.tree.map(np.testing.assert_array_equal, checkpoints.restore(template), phases[1])
    assert asked == [2, 2, 1] and "going back to step 1" in capsys.readouterr().err
    assert Checkpoints(tmp_path / "nothing").restore(template) is None and len(asked) == 3


def test_an_error_of_the_template_is_no_damage(run):
    before = files_of(run)

    def template(step):
        raise KeyError("no such phase")

    checkpoints = Checkpoints(run / "checkpoints")
    with pytest.raises(KeyError, match="no such phase"):
        checkpoints.restore(template)
    with pytest.raises(AttributeError):
        checkpoints.restore({"step": "not an array"})
    assert files_of(run) == before
