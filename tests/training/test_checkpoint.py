import shutil
import tracemalloc
import zlib

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import struct

from gan_jax.recipes import contract
from gan_jax.recipes.players import Player
from gan_jax.training.checkpoint import Checkpoints, SaveError, TemplateError, checksum


class State(struct.PyTreeNode):
    step: jax.Array
    params: dict
    opt_state: optax.OptState


def state(step):
    params = {"w": jnp.full((300, 40), step, jnp.float32), "empty": {}}
    return State(jnp.int32(step), params, optax.adam(1e-3).init(params))


def saved(directory, steps, keep=2):
    checkpoints = Checkpoints(directory, keep)
    for step in steps:
        checkpoints.save(step, state(step))
    checkpoints.wait()
    return checkpoints


def arrays_of(directory, step):
    """The largest file of a checkpoint: its arrays."""
    files = [path for path in (directory / str(step) / "state").rglob("*") if path.is_file()]
    return max(files, key=lambda path: path.stat().st_size)


def test_a_state_comes_back_as_it_was(tmp_path):
    restored = saved(tmp_path, [3]).restore(state(0))
    assert type(restored) is State and type(restored.opt_state[0]) is type(state(0).opt_state[0])
    jax.tree.map(np.testing.assert_array_equal, restored, state(3))
    assert jax.tree.structure(restored) == jax.tree.structure(state(3))


def test_all_that_states_hold_comes_back(tmp_path):
    """Empty dicts and tuples, None, tuples of named tuples, a part of an optimizer that is masked, and bfloat16."""
    params = {"w": jnp.ones((2, 3), jnp.bfloat16), "b": jnp.arange(3.0)}
    masked = optax.masked(optax.sgd(0.1, momentum=0.9), {"w": True, "b": False})
    optimizer = optax.apply_if_finite(optax.chain(optax.clip(1.0), optax.adam(1e-3), masked), 5)
    player = Player(params, {"batch_stats": {}}, optimizer.init(params), ema=None)
    memory = {
        "pool": np.zeros((4, 2, 2, 1), np.uint8),
        "used": np.array(True),
        "names": (),
        "list": [np.float32(2), None],
    }
    whole = contract.State(jnp.int32(7), {"generator": player}, memory)
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(7, whole)
    checkpoints.wait()
    for template in (whole, jax.eval_shape(lambda: whole)):
        restored = checkpoints.restore(template)
        assert jax.tree.structure(restored) == jax.tree.structure(whole)
        jax.tree.map(np.testing.assert_array_equal, restored, whole)
        assert [leaf.dtype for leaf in jax.tree.leaves(restored)] == [leaf.dtype for leaf in jax.tree.leaves(whole)]


def test_only_the_latest_are_kept(tmp_path):
    checkpoints = saved(tmp_path, [1, 2, 5])
    assert checkpoints.steps() == [2, 5]
    assert int(checkpoints.restore(state(0)).step) == 5


def test_nothing_saved_is_none(tmp_path):
    assert Checkpoints(tmp_path).restore(state(0)) is None


def test_what_is_saved_does_not_change_with_the_array(tmp_path):
    """Saves go on in the background, while the buffers may be used again."""
    array = np.ones(100_000, np.float32)
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(1, {"w": array})
    array[:] = 7
    checkpoints.wait()
    assert (checkpoints.restore({"w": array})["w"] == 1).all()


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


DAMAGES = {
    "a bit flipped": flip,
    "cut off": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "emptied": lambda path: path.write_bytes(b""),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_set_aside_for_the_one_before(tmp_path, capsys, damage):
    directory = tmp_path / "checkpoints"
    saved(directory, [1, 2]).close()
    DAMAGES[damage](arrays_of(directory, 2))
    checkpoints = Checkpoints(directory)
    jax.tree.map(np.testing.assert_array_equal, checkpoints.restore(state(0)), state(1))
    assert "checkpoint of step 2 is damaged" in (said := capsys.readouterr().err)
    assert "going back to step 1" in said and said.count("\n") == 1
    assert (tmp_path / "damaged" / "2").is_dir()
    checkpoints.save(2, state(2))  # the step can be saved again
    checkpoints.wait()
    assert int(checkpoints.restore(state(0)).step) == 2


def empty(folder):
    shutil.rmtree(folder)
    folder.mkdir()


def replace(path, old, new):
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))


DAMAGES_OF_A_FOLDER = {
    "emptied": empty,
    "without arrays": lambda folder: shutil.rmtree(folder / "state"),
    "arrays emptied": lambda folder: empty(folder / "state"),
    "without metadata": lambda folder: (folder / "state" / "_METADATA").unlink(),
    "metadata cut off": lambda folder: DAMAGES["cut off"](folder / "state" / "_METADATA"),
    "another kind in the metadata": lambda folder: replace(folder / "state" / "_METADATA", b'"Dict"', b'"Dicu"'),
    "another name in the metadata": lambda folder: replace(folder / "state" / "_METADATA", b'"mu"', b'"mv"'),
    "without a manifest": lambda folder: (folder / "state" / "manifest.ocdbt").unlink(),
    "manifest flipped": lambda folder: flip(folder / "state" / "manifest.ocdbt"),
    "without a checksum": lambda folder: shutil.rmtree(folder / "integrity"),
    "checksum emptied": lambda folder: (folder / "integrity" / "metadata").write_bytes(b""),
}


@pytest.mark.parametrize("damage", DAMAGES_OF_A_FOLDER)
def test_a_damaged_folder_is_set_aside_and_a_reader_leaves_it(tmp_path, capsys, damage):
    directory = tmp_path / "checkpoints"
    saved(directory, [1, 2]).close()
    DAMAGES_OF_A_FOLDER[damage](directory / "2")
    reader = Checkpoints(directory, read_only=True)
    jax.tree.map(np.testing.assert_array_equal, reader.restore(state(0)), state(1))
    assert "checkpoint of step 2 cannot be read" in capsys.readouterr().err
    assert (directory / "2").is_dir() and not (tmp_path / "damaged").exists()
    jax.tree.map(np.testing.assert_array_equal, Checkpoints(directory).restore(state(0)), state(1))
    assert "checkpoint of step 2 is damaged" in capsys.readouterr().err
    assert not (directory / "2").exists() and (tmp_path / "damaged" / "2").is_dir()


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


def test_too_little_memory_is_no_damage(run, monkeypatch):
    before = files_of(run)

    def full(*_, **__):
        raise MemoryError

    checkpoints = Checkpoints(run / "checkpoints")
    monkeypatch.setattr(checkpoints._manager, "restore", full)
    with pytest.raises(MemoryError):
        checkpoints.restore(networks())
    assert files_of(run) == before


ARRAYS = {
    "float32": np.linspace(0, 1, 35, dtype=np.float32).reshape(5, 7),
    "transposed": np.arange(35).reshape(5, 7).T,
    "strided": np.arange(35)[::3],
    "bfloat16": np.asarray(jnp.linspace(0, 1, 35, dtype=jnp.bfloat16).reshape(5, 7)),
    "bfloat16 scalar": np.asarray(jnp.bfloat16(0.5)),
    "scalar": np.array(3, np.int32),
    "number": 0.5,
    "bool": np.array([True, False]),
    "empty": np.zeros((0, 3), np.float32),
    "empty bfloat16": np.asarray(jnp.zeros((2, 0), jnp.bfloat16)),
    "of jax": jnp.arange(5.0),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_a_checksum_is_that_of_the_bytes(name):
    expected = zlib.crc32(np.asarray(ARRAYS[name]).tobytes())
    assert checksum(ARRAYS[name]) == checksum({"a": ARRAYS[name], "none": None}) == expected


def test_a_checksum_goes_by_the_order_of_the_leaves():
    everything = b"".join(np.asarray(array).tobytes() for array in ARRAYS.values())
    assert checksum(list(ARRAYS.values())) == zlib.crc32(everything)
    assert checksum({"b": np.int32(1), "a": np.int32(2)}) == checksum([np.int32(2), np.int32(1)])


def test_a_checksum_copies_nothing():
    array = np.ones(4_000_000, np.uint8).view(jnp.bfloat16)
    tracemalloc.start()
    checksum([array])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < array.nbytes / 10


def test_other_values_than_were_saved_are_damage(tmp_path, capsys, monkeypatch):
    """A change that the file format itself does not notice is noticed by the checksum."""
    saved(tmp_path / "checkpoints", [1]).close()
    monkeypatch.setattr("gan_jax.training.checkpoint.checksum", lambda tree: 123)
    assert Checkpoints(tmp_path / "checkpoints").restore(state(0)) is None
    assert "checksum" in (said := capsys.readouterr().err) and "starting anew" in said


def test_the_rest_of_a_save_that_was_cut_off_is_cleared_away(tmp_path):
    saved(tmp_path, [1]).close()
    rest = tmp_path / "2.orbax-checkpoint-tmp-123"
    rest.mkdir()
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.steps() == [1]
    checkpoints.save(2, state(2))
    checkpoints.wait()
    assert checkpoints.steps() == [1, 2] and not rest.exists()


def test_a_save_that_fails_names_the_last_good_one(tmp_path, monkeypatch):
    checkpoints = saved(tmp_path, [4])

    def full(*_, **__):
        raise ValueError("RESOURCE_EXHAUSTED: writing x [OS error 28: ENOSPC No space left on device]")

    monkeypatch.setattr(checkpoints._manager, "save", full)
    with pytest.raises(SaveError, match="No space left on device; the last good checkpoint is of step 4"):
        checkpoints.save(5, state(5))
