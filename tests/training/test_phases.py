"""A recipe that grows: a player of one weight, which has three more from the second phase on, on larger batches."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax.recipes.contract import Phase, Recipe, State, phase_at
from gan_jax.recipes.players import Player, descend, with_player
from gan_jax.training import loop, parallel
from gan_jax.training.checkpoint import Checkpoints
from gan_jax.training.record import Record, read

KEY = jax.random.key(5)
BORDER = 5
OPTIMIZER = optax.sgd(0.1, momentum=0.9)


def start():
    params = {"old": jnp.float32(0)}
    return State(jnp.int32(0), {"walker": Player(params, {}, OPTIMIZER.init(params))})


def step(state, batch, key):
    """The sum of all weights goes after the batch's mean and a number that is drawn."""
    target = batch["image"].astype(jnp.float32).mean() + jax.random.normal(jax.random.fold_in(key, state.step))

    def loss(params):
        value = (sum(weights.sum() for weights in params.values()) - target) ** 2
        return value, ({}, {"walk_loss": value})

    state, metrics = descend(state, "walker", loss, OPTIMIZER, parallel.AXIS)
    return state.replace(step=state.step + 1), metrics


def grow(state, key):
    """Three weights more, drawn; what the optimizer remembers of the first one stays."""
    walker = state.players["walker"]
    params = {**walker.params, "new": jax.random.normal(key, (3,))}
    momentum, rest = OPTIMIZER.init(params)
    momentum = momentum._replace(trace={**momentum.trace, **walker.opt_state[0].trace})
    return with_player(state, "walker", walker.replace(params=params, opt_state=(momentum, rest)))


RECIPE = Recipe(init=None, step=step, batches_per_step=1)
PHASES = [Phase(RECIPE, BORDER, 8), Phase(RECIPE, None, 16, grow)]


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
    three = [Phase(RECIPE, 2, 8), Phase(RECIPE, 5, 8, grow), Phase(RECIPE, None, 8, grow)]
    assert [phase_at(three, step) for step in range(8)] == [0, 0, 0, 1, 1, 1, 2, 2]


def test_each_phase_makes_its_steps_on_batches_of_its_size(straight):
    """By hand: pixels are 0 to 7, or to 15, and t more; momentum is 0.9, the rate 0.1."""
    _, result, seen = straight
    grown = loop.grown(PHASES[1], jax.tree.map(jnp.asarray, seen[BORDER]), KEY).players["walker"].params["new"]
    weights, momentum = np.zeros(1), np.zeros(1)
    for t in range(12):
        if t == BORDER:
            weights, momentum = np.append(weights, grown), np.append(momentum, np.zeros(3))
        noise = float(jax.random.normal(jax.random.fold_in(KEY, t)))
        target = (3.5 if t < BORDER else 7.5) + t + noise
        momentum = 2 * (weights.sum() - target) + 0.9 * momentum
        weights = weights - 0.1 * momentum
        params = seen[t + 1].players["walker"].params
        assert ("new" in params) == (t >= BORDER)
        np.testing.assert_allclose(np.append(params["old"], params.get("new", [])), weights, rtol=1e-4, atol=1e-5)
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
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5)
    jax.tree.map(close, result.state, straight[1].state)
    assert read(tmp_path / "run")["step"] == list(range(1, 13))


@pytest.mark.parametrize("step, grown", [(0, False), (1, False), (BORDER, False), (BORDER + 1, True), (100, True)])
def test_the_template_is_of_the_phase_of_its_step(step, grown):
    template = loop.template_at(PHASES, start(), KEY, step)
    expected = grow(start(), KEY) if grown else start()
    assert jax.tree.structure(template) == jax.tree.structure(expected)
    same = lambda a, b: (a.shape, a.dtype) == (b.shape, b.dtype)
    assert jax.tree.all(jax.tree.map(same, template, expected))


def test_what_a_phase_draws_when_it_begins_is_of_the_key_and_the_step_and_no_step_draws_it():
    def at(step, key=KEY):
        return loop.grown(PHASES[1], start().replace(step=jnp.int32(step)), key).players["walker"].params["new"]

    np.testing.assert_array_equal(at(5), at(5))
    others = [at(6), at(5, jax.random.key(6)), jax.random.normal(jax.random.fold_in(KEY, 5), (3,))]
    assert all(np.abs(other - at(5)).min() > 1e-4 for other in others)


def test_the_first_state_stays_the_caller_s(tmp_path):
    first, checkpoints = start(), Checkpoints(tmp_path / "checkpoints")
    settings = dict(steps=7, checkpoints=checkpoints, record=lambda after: Record(tmp_path, after=after))
    loop.fit(PHASES, first, batches, KEY, checkpoint_every=10, progress=False, **settings)
    checkpoints.close()
    assert not any(leaf.is_deleted() for leaf in jax.tree.leaves(first))
    assert int(first.step) == first.players["walker"].params["old"] == 0
