"""What is saved comes back as it was; what stays, and what is said of a save that fails."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax.recipes import contract
from gan_jax.recipes.players import Player
from gan_jax.training.checkpoint import Checkpoints, SaveError
from tests.training.example_states import State, saved, state


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
