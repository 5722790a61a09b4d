"""Training time over all starts, and images seen."""

import json

import pytest

from gan_jax.recipes.contract import Phase, Recipe
from gan_jax.runs import progress
from gan_jax.runs.progress import Progress, duration, images_seen, read


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    return now


def test_seconds_of_all_starts_are_added(tmp_path, clock):
    first = Progress(tmp_path, 0)
    clock[0] += 5
    first.note(10, 80)
    clock[0] += 1000  # until it is started again
    second = Progress(tmp_path, 10)
    clock[0] += 3
    second.note(20, 160)
    assert read(tmp_path) == [
        {"step": 10, "seconds": 5.0, "since": 0, "images": 80},
        {"step": 20, "seconds": 8.0, "since": 0, "images": 160},
    ]


def test_what_was_lost_counts_once(tmp_path, clock):
    """Killed after round 20 was noted, before it was saved: the run goes on from round 10."""
    first = Progress(tmp_path, 0)
    for step in (10, 20):
        clock[0] += 5
        first.note(step, 0)
    second = Progress(tmp_path, 10)
    clock[0] += 4
    second.note(20, 0)
    assert [(line["step"], line["seconds"]) for line in read(tmp_path)] == [(10, 5.0), (20, 9.0)]


def test_of_a_run_that_began_without_it_only_what_is_known_is_said(tmp_path, clock):
    going_on = Progress(tmp_path, 500)
    clock[0] += 2
    going_on.note(600, 0)
    (line,) = read(tmp_path)
    assert (line["seconds"], line["since"]) == (2.0, 500)
    json.loads((tmp_path / progress.LINES).read_text())


def test_images_are_those_that_d_sees(configured):
    """Five batches a round of WGAN; of phases, each with its own batches."""
    recipe = lambda batches: Recipe(init=None, step=None, batches_per_step=batches)
    wgan = configured("--n_critic=5", "--batch_size=8")
    assert images_seen(wgan, [Phase(recipe(6), None, 8)], 10) == 400
    classifier = configured("--batch_size=8", experiment="classifier")
    phases = [Phase(recipe(1), 10, 16), Phase(recipe({"a": 1, "b": 2}), None, 4)]
    assert images_seen(classifier, phases, 15) == 10 * 16 + 5 * 4 * 2


@pytest.mark.parametrize(
    "seconds, text",
    [
        (0.4, "0 s"), (59.4, "59 s"), (59.7, "1 min"), (127, "2 min 7 s"), (599.6, "10 min"), (3599, "1 h"),
        (12_000, "3 h 20 min"), (86_399, "1 day"), (183_600, "2 days 3 h"),
    ],
)  # fmt: skip
def test_durations_in_words(seconds, text):
    assert duration(seconds) == text
