"""What seeds that train in one program share. (That they score as alone: commands/test_ablate.py.)"""

from contextlib import closing
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct

from gan_jax.recipes.contract import Phase
from gan_jax.recipes.trials import one
from gan_jax.runs import data, training, trials
from gan_jax.runs.experiment import find
from gan_jax.training.checkpoint import Checkpoints
from gan_jax.training.record import Record, read


class State(struct.PyTreeNode):
    step: jnp.ndarray
    place: jnp.ndarray


def state_of(step):
    """Of two seeds."""
    return State(jnp.int32(step), jnp.array([[1.0, step], [2.0, step]]))


def template(step):
    """As `loop.fit` gives it: shapes alone."""
    return jax.eval_shape(lambda: state_of(step))


@pytest.fixture
def two(tmp_path):
    """Both seeds' checkpoints."""
    with closing(Checkpoints(tmp_path / "0")) as first, closing(Checkpoints(tmp_path / "1")) as second:
        yield first, second


def test_each_seed_keeps_its_own_state_and_all_come_back(two):
    kept = trials._Checkpoints(list(two))
    assert kept.restore(template) is None
    kept.save(10, state_of(10))
    kept.wait()
    for k, checkpoints in enumerate(two):
        alone = checkpoints.restore(one(state_of(0), k))
        assert alone.step == 10 and alone.place.tolist() == [k + 1, 10]
    restored = kept.restore(template)
    assert restored.step == 10 and restored.step.shape == ()
    np.testing.assert_array_equal(restored.place, state_of(10).place)


def test_what_was_killed_between_two_saves_goes_on_from_what_both_have(two):
    kept = trials._Checkpoints(list(two))
    kept.save(10, state_of(10))
    two[0].save(20, one(state_of(20), 0))
    kept.wait()
    assert kept.restore(template).step == 10
    assert two[0].steps() == two[1].steps() == [10]
    kept.save(20, state_of(20))  # which could not be saved twice
    kept.wait()
    assert kept.restore(template).step == 20


def test_what_has_nothing_in_common_begins_anew(two):
    two[0].save(10, one(state_of(10), 0))
    two[0].wait()
    assert trials._Checkpoints(list(two)).restore(template) is None
    assert two[0].steps() == []


def test_what_one_seed_had_saved_is_not_removed_where_another_has_none_that_is_whole(two):
    def lost():
        raise ValueError("the metrics of 10 rounds would be lost")

    two[0].save(10, one(state_of(10), 0))
    two[0].wait()
    with pytest.raises(ValueError, match="would be lost"):
        trials._Checkpoints(list(two), before_anew=lost).restore(template)
    assert two[0].steps() == [10]


def test_each_seed_records_its_own_metrics(tmp_path):
    records = [Record(tmp_path / name) for name in ("a", "b") if not (tmp_path / name).mkdir()]
    with closing(trials._Record(records)) as record:
        record.write(1, {"0/d_loss": 0.5, "1/d_loss": 1.5, "0/g_loss": 2.5, "1/g_loss": 3.5})
    assert read(tmp_path / "a") == {"step": [1], "d_loss": [0.5], "g_loss": [2.5]}
    assert read(tmp_path / "b") == {"step": [1], "d_loss": [1.5], "g_loss": [3.5]}


def test_what_trains_otherwise_or_grows_is_refused_before_anything_is_written(configured, tmp_path):
    config = configured("--classes=0", f"--workdir={tmp_path}/run-seed{{seed}}", "--batch_size=8")
    grows = replace(find("dcgan"), make=lambda config, spec: [Phase(None, 5, 8), Phase(None, None, 8)])
    with pytest.raises(ValueError, match="vmap_trials: the networks of dcgan grow, so its seeds train one by one"):
        trials.prepare(grows, [0, 1], config)
    with pytest.raises(ValueError, match="vmap_trials: sgan has its own way of training"):
        trials.prepare(find("sgan"), [0, 1], config)
    assert list(tmp_path.iterdir()) == []


def test_seeds_read_the_same_images_once(configured, tiny, tmp_path, monkeypatch):
    loaded = []
    load = data.load
    monkeypatch.setattr(data, "load", lambda config: (loaded.append(config.dataset), load(config))[1])
    config = configured(*tiny, f"--workdir={tmp_path}/run-seed{{seed}}")
    trials.prepare(find("dcgan"), [3, 4], config)
    assert loaded == ["digits"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run-seed3", "run-seed4"]
    shared = trials.sharing_data(find("dcgan"))
    others = configured(*tiny, "--image_size=9")
    assert training.check(shared, others)[1].spec.image_shape == (9, 9, 1)  # other data is not taken for the same
    assert training.check(shared, config)[1].spec.image_shape == (8, 8, 1)


def test_what_loads_in_a_way_of_its_own_loads_for_each_configuration():
    assert trials.sharing_data(find("sgan")) is find("sgan")
    assert trials.sharing_data(find("cgan")) is not find("cgan")
