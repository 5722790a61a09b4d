"""The loop with a recipe that is no GAN: one number that walks. It must not notice."""

import itertools
import json
import os
import re
import signal
from pathlib import Path
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct

from gan_jax.recipes.contract import Recipe
from gan_jax.training import loop, parallel
from gan_jax.training.checkpoint import Checkpoints
from gan_jax.training.record import Record, read

KEY = jax.random.key(5)


class Walk(struct.PyTreeNode):
    step: jax.Array
    place: jax.Array


def start():
    return Walk(jnp.int32(0), jnp.float32(0))


def walk(state, batch, key):
    mean = jax.lax.pmean(batch["image"].astype(jnp.float32).mean(), parallel.AXIS)
    place = state.place + mean + jax.random.normal(jax.random.fold_in(key, state.step))
    return Walk(state.step + 1, place), {"walk_loss": place}


def batches(step):
    for t in itertools.count(step):
        yield {"image": np.arange(8, dtype=np.uint8).reshape(1, 8, 1, 1, 1) + np.uint8(t)}


def fit(workdir, steps, step=walk, state=None, every=MappingProxyType({}), **changes):
    recipe = Recipe(init=None, step=step, batches_per_step=1, every=every)
    checkpoints = Checkpoints(workdir / "checkpoints")
    settings = dict(
        steps=steps,
        checkpoints=checkpoints,
        record=lambda after: Record(workdir, after=after),
        checkpoint_every=4,
        log_every=3,
        progress=False,
    )
    try:
        return loop.fit(recipe, start() if state is None else state, batches, KEY, **(settings | changes))
    finally:
        checkpoints.close()


def test_every_step_is_recorded_and_the_last_is_saved(tmp_path):
    result = fit(tmp_path, 10)
    columns = read(tmp_path)
    assert columns["step"] == list(range(1, 11))
    assert columns["walk_loss"][-1] == result.metrics["walk_loss"] == float(result.state.place)
    assert Checkpoints(tmp_path / "checkpoints").steps() == [8, 10]
    assert result.seconds > 0 and result.steps_per_second > 0


def test_what_is_not_computed_in_every_step_is_recorded_where_it_is(tmp_path):
    """By its name, of a trial of many too; however the rounds fall into calls."""

    def step(state, batch, key):
        state, metrics = walk(state, batch, key)
        value = jnp.where(state.step % 4 == 1, 7.0, jnp.nan)
        return state, metrics | {"r1_penalty": value, "0/r1_penalty": value}

    fit(tmp_path, 10, step, every={"r1_penalty": 4}, steps_per_call=2)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line.get("r1_penalty") == 7.0] == [1, 5, 9]
    assert [line["step"] for line in lines if "0/r1_penalty" in line] == [1, 5, 9]


def test_the_batch_is_spread_over_the_devices_and_averaged(tmp_path):
    assert jax.local_device_count() == 4
    noise = sum(float(jax.random.normal(jax.random.fold_in(KEY, t))) for t in range(2))
    np.testing.assert_allclose(fit(tmp_path, 2).state.place, 3.5 + 4.5 + noise, rtol=1e-6)


def test_the_step_is_compiled_once(tmp_path, caplog):
    stroll = lambda state, batch, key: walk(state, batch, key)  # another function: not compiled by other tests
    with jax.log_compiles():
        fit(tmp_path, 5, stroll)
    of_batches = [line for line in caplog.messages if line.startswith("Compiling") and "uint8" in line]
    assert len(of_batches) == 1, caplog.messages


def test_each_device_holds_a_slice_of_every_batch_of_a_step():
    image = np.arange(2 * 8).reshape(2, 8, 1, 1, 1)
    sharded = parallel.shard_batch({"a": {"image": image}, "b": {"image": image[:1]}})
    assert sharded["a"]["image"].shape == (4, 2, 2, 1, 1, 1) and sharded["b"]["image"].shape == (4, 1, 2, 1, 1, 1)
    np.testing.assert_array_equal(sharded["a"]["image"][1, :, :, 0, 0, 0], [[2, 3], [10, 11]])


def test_a_compiled_step_takes_the_buffers_of_the_state_that_it_is_given():
    state, batch = parallel.replicate(start()), parallel.shard_batch(next(batches(0)))
    after, _ = parallel.compile_step(walk)(state, batch, KEY)
    assert state.place.is_deleted() and not after.place.is_deleted()
    assert int(after.step) == 1


def test_the_first_state_and_the_key_stay_the_caller_s(tmp_path):
    first = start()
    fit(tmp_path, 3, state=first)
    assert not first.place.is_deleted() and not KEY.is_deleted()
    assert (int(first.step), float(first.place)) == (0, 0.0)


def test_what_a_hook_keeps_of_a_state_as_numpy_is_not_written_over(tmp_path):
    kept = []
    hook = loop.Hook(1, lambda step, state: kept.append((np.asarray(state.step), np.asarray(state.place))))
    fit(tmp_path, 8, hooks=(hook,))
    assert [int(step) for step, _ in kept] == list(range(9))
    np.testing.assert_array_equal([place for _, place in kept[1:]], np.float32(read(tmp_path)["walk_loss"]))


@pytest.mark.parametrize("count", [2, 3, 100])
def test_many_steps_in_a_call_are_the_same_steps(count, tmp_path):
    """Checkpoints at every fourth, hooks at every fifth, and looks at every third cut the calls."""
    runs, called = {}, {}
    for each in (1, count):
        workdir, called[each] = tmp_path / str(each), []
        workdir.mkdir()
        hook = loop.Hook(5, lambda step, state: called[each].append((step, float(state.place))))
        runs[each] = fit(workdir, 14, hooks=(hook,), steps_per_call=each)
        assert Checkpoints(workdir / "checkpoints").steps() == [12, 14]
    np.testing.assert_allclose(runs[count].state.place, runs[1].state.place, rtol=1e-6)
    np.testing.assert_allclose(called[count], called[1], rtol=1e-6)
    one, many = (read(tmp_path / str(each)) for each in (1, count))
    assert many["step"] == one["step"] == list(range(1, 15))
    np.testing.assert_allclose(many["walk_loss"], one["walk_loss"], rtol=1e-6)


def test_a_call_makes_as_many_steps_as_are_asked_for(tmp_path):
    sizes = []

    def noted(state, batch, key):
        sizes.append(None)  # when it is traced
        return walk(state, batch, key)

    fit(tmp_path, 24, noted, steps_per_call=6, log_every=12, checkpoint_every=12)
    assert len(sizes) == 1  # one program, of six steps


def test_a_run_in_two_goes_equals_one_in_one(tmp_path):
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    whole.mkdir(), halves.mkdir()
    straight = fit(whole, 10)
    fit(halves, 5)
    resumed = fit(halves, 10)
    assert resumed.state == straight.state
    assert (halves / "metrics.jsonl").read_bytes() == (whole / "metrics.jsonl").read_bytes()


def test_a_finished_run_has_nothing_to_do(tmp_path):
    fit(tmp_path, 5)
    before = (tmp_path / "metrics.jsonl").read_bytes()
    result = fit(tmp_path, 5)
    assert result.metrics == {} and int(result.state.step) == 5
    assert (tmp_path / "metrics.jsonl").read_bytes() == before


def test_hooks_are_called_at_the_start_when_due_and_at_the_end(tmp_path):
    called = []
    hook = loop.Hook(4, lambda step, state: called.append((step, int(state.step), float(state.place))))
    result = fit(tmp_path, 10, hooks=(hook,))
    assert [call[:2] for call in called] == [(0, 0), (4, 4), (8, 8), (10, 10)]
    assert called[-1][2] == float(result.state.place)


def stumble(state, batch, key):
    state, metrics = walk(state, batch, key)
    return state, {"walk_loss": jnp.where(state.step == 7, jnp.nan, metrics["walk_loss"])}


def test_a_non_finite_metric_stops_and_is_named(tmp_path):
    with pytest.raises(loop.NonFinite, match="walk_loss is nan at step 7"):
        fit(tmp_path, 10, step=stumble)
    assert read(tmp_path)["step"] == [1, 2, 3, 4, 5, 6]
    assert Checkpoints(tmp_path / "checkpoints").steps() == [4]


def overflow(state, batch, key):
    state, _ = walk(state, batch, key)
    return state.replace(place=jnp.where(state.step >= 8, jnp.inf, state.place)), {"walk_loss": 0.0 * key.size}


def test_a_non_finite_state_is_never_saved(tmp_path):
    with pytest.raises(loop.NonFinite, match=r"the state's .place is not finite at step 8"):
        fit(tmp_path, 10, step=overflow)
    assert Checkpoints(tmp_path / "checkpoints").steps() == [4]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_stops_and_the_run_goes_on_as_if_nothing_had_been(tmp_path, number):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    whole.mkdir(), stopped.mkdir()
    straight = fit(whole, 10)
    before = signal.getsignal(number)
    hook = loop.Hook(6, lambda step, state: step == 6 and os.kill(os.getpid(), number))
    with pytest.raises(loop.Interrupted, match=f"stopped by {signal.Signals(number).name} after step 7") as stop:
        fit(stopped, 10, hooks=(hook,))
    assert stop.value.signal == number and signal.getsignal(number) == before
    assert Checkpoints(stopped / "checkpoints").steps()[-1] == 7
    assert fit(stopped, 10).state == straight.state
    assert (stopped / "metrics.jsonl").read_bytes() == (whole / "metrics.jsonl").read_bytes()


def test_the_bar_shows_losses_and_images_per_second(tmp_path, capsys):
    result = fit(tmp_path, 12, progress=True)
    shown = capsys.readouterr().err
    assert f"walk_loss={result.metrics['walk_loss']:.3f}" in shown
    assert re.search(r"images/s=[1-9]", shown)


def test_the_loop_does_not_know_what_it_trains():
    assert "generator" not in Path(loop.__file__).read_text().lower()
