"""Checkpoints as they were written when a state had a field for each player."""

import zlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint as ocp
import pytest
from flax import struct

from gan_jax.recipes.contract import State
from gan_jax.recipes.players import Player
from gan_jax.training import legacy
from gan_jax.training.checkpoint import Checkpoints, TemplateError

# Its state's fields are not in the order of their names.
OPTIMIZER = optax.apply_if_finite(optax.chain(optax.clip(1.0), optax.adam(1e-3)), 5)


class OldPlayer(struct.PyTreeNode):
    params: Any
    variables: Any
    opt_state: Any
    average: Any = None


class OldGan(struct.PyTreeNode):
    step: Any
    generator: OldPlayer
    discriminator: OldPlayer


class OldClassifier(struct.PyTreeNode):
    step: Any
    classifier: OldPlayer


def save_as_before(directory, step, state):
    """One checkpoint, its checksum over the fields as they were declared."""
    arrays, crc = jax.tree.map(np.array, state), 0
    for leaf in jax.tree.leaves(arrays):
        crc = zlib.crc32(np.ascontiguousarray(leaf).tobytes(), crc)
    directory.mkdir(parents=True, exist_ok=True)
    options = ocp.CheckpointManagerOptions(
        create=False,
        preservation_policy=ocp.checkpoint_managers.LatestN(2),
        multiprocessing_options=ocp.options.MultiprocessingOptions(
            primary_host=0, active_processes={0}, barrier_sync_key_prefix="first_process"
        ),
    )
    with ocp.CheckpointManager(directory, options=options) as manager:
        args = ocp.args.Composite(state=ocp.args.StandardSave(arrays), integrity=ocp.args.JsonSave({"crc32": crc}))
        manager.save(step, args=args)


def parts(seed, width, *, batch_stats, ema):
    """A player's params, variables, opt_state and average, all of other values."""
    numbers = np.random.default_rng(seed)
    params = {"Dense_0": {"kernel": jnp.ones((3, width)), "bias": jnp.ones(width, jnp.bfloat16)}, "Dense_1": {}}
    variables = {"batch_stats": {"BatchNorm_0": {"mean": jnp.ones(width)}}} if batch_stats else {}
    average = {"params": params, **variables} if ema else None
    tree = (params, variables, OPTIMIZER.init(params), average)
    return jax.tree.map(lambda x: (9 * numbers.random(x.shape)).astype(x.dtype), tree)


def old_and_new(kind, step):
    """A state as it was, and as it is."""
    g, d = parts(2 * step, 4, batch_stats=True, ema=True), parts(2 * step + 1, 5, batch_stats=False, ema=kind == "sgan")
    step = np.int32(step)
    if kind == "classifier":
        return OldClassifier(step, OldPlayer(*g)), State(step, {"classifier": Player(*g)})
    if kind == "trials":
        g, d = (jax.tree.map(lambda x: np.stack([x, x**2, x**3]).astype(x.dtype), player) for player in (g, d))
    players = {"discriminator": Player(*d), "generator": Player(*g)}
    return OldGan(step, OldPlayer(*g), OldPlayer(*d)), State(step, players)


def assert_equal(state, expected):
    assert jax.tree.structure(state) == jax.tree.structure(expected)
    assert [leaf.dtype for leaf in jax.tree.leaves(state)] == [leaf.dtype for leaf in jax.tree.leaves(expected)]
    jax.tree.map(np.testing.assert_array_equal, state, expected)


@pytest.mark.parametrize("kind", ["gan", "sgan", "classifier", "trials"])
def test_an_old_state_is_read_as_a_new_one(tmp_path, capsys, kind):
    old, new = old_and_new(kind, 20)
    save_as_before(tmp_path / "checkpoints", 20, old)
    shapes = jax.eval_shape(lambda: new)
    for template in (new, shapes, lambda step: shapes):
        restored = Checkpoints(tmp_path / "checkpoints", read_only=True).restore(template)
        assert type(restored) is State and restored.memory == {}
        assert_equal(restored, new)
    assert capsys.readouterr().err == ""


def test_a_run_goes_on_from_an_old_state_with_new_ones(tmp_path):
    directory = tmp_path / "checkpoints"
    old, new = old_and_new("gan", 20)
    save_as_before(directory, 20, old)
    checkpoints = Checkpoints(directory)
    later = checkpoints.restore(new).replace(step=np.int32(30))
    checkpoints.save(30, later)
    checkpoints.wait()
    assert checkpoints.steps() == [20, 30]
    assert_equal(checkpoints.restore(new), later)
    checkpoints.delete(30)
    assert_equal(Checkpoints(directory).restore(new), new)


def test_a_damaged_old_state_is_set_aside(tmp_path, capsys):
    """The checksum is that of the old order, so other values under it are noticed."""
    directory = tmp_path / "checkpoints"
    states = {step: old_and_new("gan", step) for step in (10, 20)}
    for step, (old, _) in states.items():
        save_as_before(directory, step, old)
    (directory / "20" / "integrity" / "metadata").write_text('{"crc32": 1}')
    assert_equal(Checkpoints(directory).restore(states[10][1]), states[10][1])
    said = capsys.readouterr().err
    assert "step 20 is damaged (the arrays do not match their checksum)" in said and "going back to step 10" in said
    assert (tmp_path / "damaged" / "20").is_dir()


def test_an_old_state_of_other_networks_is_an_error_in_new_words(tmp_path):
    directory = tmp_path / "checkpoints"
    old, new = old_and_new("gan", 20)
    save_as_before(directory, 20, old)
    generator = new.players["generator"]
    templates = {
        "players/generator/ema is only there": {**new.players, "generator": generator.replace(ema=None)},
        "players/generator is only there; players/encoder is only here": {
            "discriminator": new.players["discriminator"],
            "encoder": generator,
        },
        "players/classifier is only here": {**new.players, "classifier": generator},
    }
    checkpoints = Checkpoints(directory)
    for differences, players in templates.items():
        with pytest.raises(TemplateError) as error:
            checkpoints.restore(State(new.step, players))
        assert str(error.value) == f"checkpoint of step 20 in {directory} is of other networks: {differences}"
    with pytest.raises(TemplateError, match="memory is only here"):
        checkpoints.restore(new.replace(memory={"pool": np.zeros(3)}))
    assert list(tmp_path.iterdir()) == [directory] and checkpoints.steps() == [20]


def test_only_old_states_are_taken_for_them():
    old = {("step",), ("generator", "params", "w"), ("discriminator", "params", "w")}
    new = {("step",), ("players", "generator", "params", "w"), ("players", "discriminator", "params", "w")}
    assert legacy.is_legacy(old, new)
    assert not legacy.is_legacy(new, new)
    assert not legacy.is_legacy(old, old)
    assert not legacy.is_legacy({("step",), ("w",)}, new)
    assert {legacy.renamed(path) for path in old} == new
    average = ("generator", "average", "params", "average")
    assert legacy.renamed(average) == ("players", "generator", "ema", "params", "average")
    assert legacy.renamed(("generator",)) == ("players", "generator")
