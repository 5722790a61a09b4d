"""What seeds that train together share. (That they score as alone: test_ablate.py.)"""

from contextlib import closing

import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct

from experiments import together
from gan_jax.training.checkpoint import Checkpoints
from gan_jax.training.record import Record, read
from gan_jax.recipes.trials import one


class State(struct.PyTreeNode):
    step: jnp.ndarray
    place: jnp.ndarray


def state_of(step):
    """Of two seeds."""
    return State(jnp.int32(step), jnp.array([[1.0, step], [2.0, step]]))


@pytest.fixture
def two(tmp_path):
    """Both seeds' checkpoints."""
    with closing(Checkpoints(tmp_path / "0")) as first, closing(Checkpoints(tmp_path / "1")) as second:
        yield first, second


def test_each_seed_keeps_its_own_state_and_all_come_back(two):
    kept = together._Checkpoints(list(two))
    assert kept.restore(state_of(0)) is None
    kept.save(10, state_of(10))
    kept.wait()
    for k, checkpoints in enumerate(two):
        alone = checkpoints.restore(one(state_of(0), k))
        assert alone.step == 10 and alone.place.tolist() == [k + 1, 10]
    restored = kept.restore(state_of(0))
    assert restored.step == 10 and restored.step.shape == ()
    np.testing.assert_array_equal(restored.place, state_of(10).place)


def test_what_was_killed_between_two_saves_goes_on_from_what_both_have(two):
    kept = together._Checkpoints(list(two))
    kept.save(10, state_of(10))
    two[0].save(20, one(state_of(20), 0))
    kept.wait()
    assert kept.restore(state_of(0)).step == 10
    assert two[0].steps() == two[1].steps() == [10]
    kept.save(20, state_of(20))  # which could not be saved twice
    kept.wait()
    assert kept.restore(state_of(0)).step == 20


def test_what_has_nothing_in_common_begins_anew(two):
    two[0].save(10, one(state_of(10), 0))
    two[0].wait()
    assert together._Checkpoints(list(two)).restore(state_of(0)) is None
    assert two[0].steps() == []


def test_each_seed_records_its_own_metrics(tmp_path):
    records = [Record(tmp_path / name) for name in ("a", "b") if not (tmp_path / name).mkdir()]
    with closing(together._Record(records)) as record:
        record.write(1, {"0/d_loss": 0.5, "1/d_loss": 1.5, "0/g_loss": 2.5, "1/g_loss": 3.5})
    assert read(tmp_path / "a") == {"step": [1], "d_loss": [0.5], "g_loss": [2.5]}
    assert read(tmp_path / "b") == {"step": [1], "d_loss": [1.5], "g_loss": [3.5]}
