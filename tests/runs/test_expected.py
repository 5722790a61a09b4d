"""How long a run is said to take."""

from datetime import datetime

import jax
import pytest

from gan_jax.runs import expected
from gan_jax.runs.expected import ExpectedEnd


@pytest.fixture
def told():
    """told(steps, first, *looks) is what is said, of looks (step, rounds a second), on a Friday at noon; last: of the phase."""

    def told(steps, first, *looks, last=None):
        said = []
        end = ExpectedEnd(steps, said.append, now=lambda: datetime(2026, 5, 1, 12, 0))
        end.before(first, steps if last is None else last, 0.0)
        for step, rate in looks:
            end(step, rate)
        return said

    return told


def test_the_end_is_told_once_after_20_rounds(told):
    """7,000 rounds at 50 a second are 140 s, of which the 6,980 that are left take 139.6."""
    assert told(7000, 0, (10, 50.0), (20, 50.0), (30, 10.0)) == ["7,000 rounds in about 2 min 20 s; ends at 12:02"]


@pytest.mark.parametrize(
    "steps, first, looks, said",
    [
        (1000, 500, [(510, 1.0), (520, 1.0)], "the last 500 of 1,000 rounds in about 8 min 20 s; ends at 12:08"),
        (100_000, 0, [(20, 1.0)], "100,000 rounds in about 1 day 4 h; ends at Saturday 2 May, 15:46"),
        (
            1000,
            0,
            [(200, 0.0), (400, 10.0)],
            "1,000 rounds in about 1 min 40 s; ends at 12:01",
        ),  # no rate in the first call
    ],
)
def test_of_other_runs(steps, first, looks, said, told):
    assert told(steps, first, *looks) == [said]


def test_there_is_nothing_to_tell_at_the_end(told):
    assert told(20, 0, (10, 1.0), (20, 1.0)) == [] == told(1000, 980, (990, 1.0), (1000, 1.0))


@pytest.fixture
def before():
    """before(steps, first, operations) is what is said before the first round on a machine of 100 GFLOP a second."""

    def before(steps, first, operations, last=None):
        said = []
        end = ExpectedEnd(steps, said.append, speed=lambda: 1e11)
        end.before(first, steps if last is None else last, operations)
        return said

    return before


def test_arithmetic_tells_before_the_first_round(before):
    """Four virtual devices with 2.5 GFLOP each: 10 GFLOP, 0.1 s a round."""
    assert jax.local_device_count() == 4
    what = "by 10 GFLOP a round and what this machine can do"
    assert before(3000, 0, 2.5e9) == [f"3,000 rounds: roughly 5 min, {what}"]
    assert before(3000, 2400, 2.5e9) == [f"the last 600 of 3,000 rounds: roughly 1 min, {what}"]


def test_of_a_network_that_grows_each_phase_is_told(told, before):
    what = "by 10 GFLOP a round and what this machine can do"
    assert before(3000, 600, 2.5e9, last=1200) == [f"rounds 601 to 1,200 of 3,000: roughly 1 min, {what}"]
    assert told(3000, 600, (620, 10.0), last=1200) == ["rounds 601 to 1,200 of 3,000 in about 1 min; ends at 12:00"]
    assert told(3000, 600, (1199, 0.0), (1200, 10.0), last=1200) == []


def test_nothing_is_told_before_of_what_is_short_or_not_counted_or_on_an_accelerator(before, monkeypatch):
    assert before(3000, 2900, 2.5e9) == [] == before(3000, 0, 0.0)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert before(3000, 0, 2.5e9) == []


def test_the_speed_is_that_of_a_machine():
    assert 1e8 < expected.measured_speed() < 1e15
