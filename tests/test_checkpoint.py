import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import struct

from gan_jax.checkpoint import Checkpoints, SaveError


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


def test_other_values_than_were_saved_are_damage(tmp_path, capsys, monkeypatch):
    """A change that the file format itself does not notice is noticed by the checksum."""
    saved(tmp_path / "checkpoints", [1]).close()
    monkeypatch.setattr("gan_jax.checkpoint.checksum", lambda tree: 123)
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
