"""A recipe that grows: a number that walks; from the second phase on it has three speeds too, and larger batches."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.recipes.contract import Phase, Recipe, State, phase_at
from gan_jax.training import loop
from gan_jax.training.checkpoint import Checkpoints
from gan_jax.training.record import Record, read

KEY = jax.random.key(5)
BORDER = 5


def start():
    return State(jnp.int32(0), {}, {"place": jnp.float32(0)})


def walk(state, batch, key):
    mean = jax.lax.pmean(batch["image"].astype(jnp.float32).mean(), loop.AXIS)
    place = state.memory["place"] + mean + jax.random.normal(jax.random.fold_in(key, state.step))
    return state.replace(step=state.step + 1, memory={**state.memory, "place": place}), {"walk_loss": place}


def run(state, batch, key):
    state, _ = walk(state, batch, key)
    speeds = 0.9 * state.memory["speeds"]
    place = state.memory["place"] + speeds.sum()
    return state.replace(memory={"place": place, "speeds": speeds}), {"walk_loss": place}


def grow(state, key):
    """Its speeds are drawn; its place stays."""
    return state.replace(memory={**state.memory, "speeds": jax.random.normal(key, (3,))})


def recipe(step):
    return Recipe(init=None, step=step, batches_per_step=1)


PHASES = [Phase(recipe(walk), BORDER, 8), Phase(recipe(run), None, 16, grow)]


def batches(step):
    """Of the phase that comes after `step` steps; it is asked anew where a phase begins."""
    size = PHASES[phase_at(PHASES, step + 1)].batch_size
    for t in itertools.count(step):
        yield {"image": np.arange(size, dtype=np.uint8).reshape(1, size, 1, 1, 1) + np.uint8(t)}


def fit(workdir, steps, **changes):
    workdir.mkdir(exist_ok=True)
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
        return loop.fit(PHASES, start(), batches, KEY, **(settings | changes))
    finally:
        checkpoints.close()


def require_equal(state, other):
    assert jax.tree.structure(state) == jax.tree.structure(other)
    jax.tree.map(np.testing.assert_array_equal, state, other)


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """The run of 12 steps in one go: (its directory, its result, what a hook saw of every step)."""
    workdir, seen = tmp_path_factory.mktemp("straight"), {}
    hook = loop.Hook(1, lambda step, state: seen.update({step: jax.tree.map(np.asarray, state)}))
    return workdir, fit(workdir, 12, hooks=(hook,)), seen


def test_a_state_is_of_the_phase_that_made_it():
    """At a border, of the one that ends there."""
    three = [Phase(recipe(walk), 2, 8), Phase(recipe(walk), 5, 8, grow), Phase(recipe(walk), None, 8, grow)]
    assert [phase_at(three, step) for step in range(8)] == [0, 0, 0, 1, 1, 1, 2, 2]


def test_each_phase_plays_its_rounds_on_batches_of_its_size(straight):
    """By hand: the mean of the batch of step t is that of its numbers, 3.5 or 7.5, and t."""
    _, result, seen = straight
    noise = lambda t: float(jax.random.normal(jax.random.fold_in(KEY, t)))
    at_border = sum(3.5 + t + noise(t) for t in range(BORDER))
    np.testing.assert_allclose(seen[BORDER].memory["place"], at_border, rtol=1e-5)
    assert "speeds" not in seen[BORDER].memory and "speeds" in seen[BORDER + 1].memory
    first = seen[BORDER + 1].memory["speeds"] / 0.9
    speeds = [first * 0.9 ** (k + 1) for k in range(12 - BORDER)]
    place = at_border + sum(7.5 + t + noise(t) for t in range(BORDER, 12)) + np.sum(speeds)
    np.testing.assert_allclose(result.state.memory["place"], place, rtol=1e-5)
    np.testing.assert_allclose(result.state.memory["speeds"], speeds[-1], rtol=1e-5)
    assert len(np.unique(first)) == 3
    assert result.steps == 12 and sorted(seen) == list(range(13))


@pytest.mark.parametrize("stops", [[3], [4], [BORDER], [6], [9], [2, BORDER, 7]])
def test_a_run_that_goes_on_equals_one_in_one_go(stops, straight, tmp_path):
    """Bit for bit: from within the first phase, from its end, and from within the second."""
    whole, result, seen = straight
    for steps in stops:
        stopped = fit(tmp_path / "run", steps)
        require_equal(stopped.state, seen[steps])
    require_equal(fit(tmp_path / "run", 12).state, result.state)
    assert (tmp_path / "run" / "metrics.jsonl").read_bytes() == (whole / "metrics.jsonl").read_bytes()


def test_a_finished_run_has_nothing_to_do(straight, tmp_path):
    """Also one that ends where a phase does: that has not begun the next."""
    for steps in (BORDER, 8):
        fit(tmp_path / str(steps), steps)
        again = fit(tmp_path / str(steps), steps)
        assert again.metrics == {} and again.steps == 0
        require_equal(again.state, straight[2][steps])


def test_calls_of_many_steps_do_not_cross_the_border(straight, tmp_path):
    result = fit(tmp_path / "run", 12, steps_per_call=4, log_every=12, checkpoint_every=12)
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6)
    jax.tree.map(close, result.state, straight[1].state)
    assert read(tmp_path / "run")["step"] == list(range(1, 13))


@pytest.mark.parametrize("step, grown", [(0, False), (1, False), (BORDER, False), (BORDER + 1, True), (100, True)])
def test_the_template_is_of_the_phase_of_its_step(step, grown):
    template = loop.template_at(PHASES, start(), KEY, step)
    expected = grow(start(), KEY) if grown else start()
    shapes = lambda tree: jax.tree.map(lambda x: (x.shape, x.dtype), tree)
    assert shapes(template) == shapes(expected)


def test_what_a_phase_draws_when_it_begins_is_of_the_key_and_the_step_and_no_step_draws_it():
    at = lambda step, key=KEY: loop.grown(PHASES[1], start().replace(step=jnp.int32(step)), key).memory["speeds"]
    np.testing.assert_array_equal(at(5), at(5))
    others = [at(6), at(5, jax.random.key(6)), jax.random.normal(jax.random.fold_in(KEY, 5), (3,))]
    assert all(np.abs(other - at(5)).min() > 1e-4 for other in others)


def test_the_first_state_stays_the_caller_s(tmp_path):
    first, checkpoints = start(), Checkpoints(tmp_path / "checkpoints")
    settings = dict(steps=7, checkpoints=checkpoints, record=lambda after: Record(tmp_path, after=after))
    loop.fit(PHASES, first, batches, KEY, checkpoint_every=10, progress=False, **settings)
    checkpoints.close()
    assert not first.memory["place"].is_deleted() and int(first.step) == 0
