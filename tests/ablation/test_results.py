import json
import math

import pytest

from gan_jax.ablation import results
from gan_jax.ablation.results import better, table
from gan_jax.ablation.sweep import AblationRun

SCORE = "frechet_distance[digits-cnn,898]"


def runs_with(folder, finals, floor=0.25, **others):
    """A run for each final score, by game: None is waiting, a text has failed so."""
    runs = []
    for game, values in finals.items():
        for seed, value in enumerate(values):
            run = AblationRun({"game": game}, seed, 10, folder / f"{game}-seed{seed}")
            runs.append(run)
            if isinstance(value, str):
                run.failure.write_text(value + "\n")
            elif value is not None:
                run.workdir.mkdir()
                line = {"step": 10, SCORE: value}
                content = {"step": 10, "metrics": {"d_loss": 0.5}, "seconds": 2.5, "images_per_second": 100.0 + seed}
                content |= {"final": line, "best": line | {"step": 5}, "floor": {SCORE: floor}} | others
                (run.workdir / "result.json").write_text(json.dumps(content))
    return runs


def line_of(runs, game):
    return next(line for line in table(runs).splitlines() if f"`{game}`" in line).split(" | ")


def test_means_and_deviations(tmp_path):
    """Of 1, 2, 3: mean 2, deviation 1 with n - 1."""
    runs = runs_with(tmp_path, {"hinge": [1.0, 2.0, 3.0], "minmax": [2.5, 3.0, 3.5]})
    assert line_of(runs, "hinge")[1:3] == ["2.0 ± 1.0", "2.0 ± 1.0"]
    assert "| real images | 0.25 | 0.25 |" in table(runs)


@pytest.mark.parametrize(
    "finals, bold",
    [
        ({"hinge": [1.0, 2.0, 3.0], "minmax": [4.5, 5.0, 5.5]}, "hinge"),  # [1, 3] and [4.5, 5.5]
        ({"hinge": [1.0, 2.0, 3.0], "minmax": [3.0, 3.5, 4.0]}, None),  # both end at 3
        ({"hinge": [1.0, 2.0, 3.0], "minmax": [3.1, 3.6, 4.1]}, "hinge"),
        ({"hinge": [1.0], "minmax": [9.0]}, None),  # a single run has no interval
        ({"hinge": [1.0, 1.1], "minmax": [9.0, 9.1]}, None),  # two seeds say too little
        ({"hinge": [1.0, 1.1, 1.2], "minmax": [9.0, 9.1]}, None),
        (
            {"hinge": [1.0, 1.1, 1.2], "minmax": [9.0, 9.1, 9.2], "r3gan": ["nan"] * 3},
            "hinge",
        ),  # what failed is no rival
        ({"hinge": [1.0, 1.1, 1.2], "minmax": [9.0, 9.1, 9.2, None]}, None),
        ({"hinge": [1.0, 1.1, "nan"], "minmax": [9.0, 9.1, 9.2]}, None),  # the worst seed of what would be the best
        ({"hinge": [1.0, 1.1, 1.2], "minmax": [9.0, 9.1, math.nan]}, None),
        ({"hinge": [1.0, 1.1, 1.2]}, None),
    ],
)
def test_bold_is_what_is_better_than_all_others_by_more_than_the_deviations(finals, bold, tmp_path):
    runs = runs_with(tmp_path, finals)
    assert [game for game in finals if "**" in line_of(runs, game)[1]] == ([bold] if bold else [])


def test_higher_accuracies_are_better(tmp_path):
    good = runs_with(tmp_path, {"hinge": [1.0, 1.1, 1.2]}, test_accuracy=0.9)
    bad = runs_with(tmp_path, {"minmax": [9.0, 9.1, 9.2]}, test_accuracy=0.4)
    assert "**0.9 ± 0**" in table(good + bad) and "| test_accuracy ↑ |" in table(good + bad)


@pytest.mark.parametrize(
    "mean, deviation, text",
    [
        (21.738, 20.31, "22 ± 20"),
        (1.98765, 0.0807, "1.988 ± 0.081"),
        (3.04, 0.2201, "3.04 ± 0.22"),
        (12345.6, 1234.5, "12300 ± 1200"),
        (0.5, 0.0996, "0.50 ± 0.10"),  # rounded, the deviation has a digit less after the point
        (0.91234, 0.0, "0.912 ± 0"),
        (0.91234, math.nan, "0.912"),  # of one seed
    ],
)
def test_figures_are_rounded_to_their_deviation(mean, deviation, text):
    assert results._format(mean, deviation) == text


def test_coverage_stands_beside_the_distance_and_density_in_the_rows_alone(tmp_path):
    scored = {"step": 10, SCORE: 1.0, "density[digits-cnn,898]": 0.9, "coverage[digits-cnn,898]": 0.8}
    runs = runs_with(tmp_path, {"hinge": [1.0]}, final=scored, best=scored)
    head = table(runs).splitlines()[0].strip("| ").split(" | ")
    shown = [f"{when} {name}" for when in ("final", "best") for name in (f"{SCORE} ↓", "coverage[digits-cnn,898] ↑")]
    assert head == ["game", *shown, "images/s", "runs"]
    assert results.row(runs[0])["final density[digits-cnn,898]"] == 0.9


def test_what_was_scored_against_other_images_is_not_compared(tmp_path):
    text = table(runs_with(tmp_path, {"hinge": [1.0, 1.1]}) + runs_with(tmp_path, {"minmax": [9.0, 9.1]}, floor=0.5))
    assert "**" not in text and "real images |" not in text
    assert "scored against different real images" in text


def test_what_failed_or_has_not_run_is_said(tmp_path):
    runs = runs_with(
        tmp_path, {"hinge": [1.0, None], "minmax": [2.0, "d_loss is nan at step 7"], "r3gan": [None, None]}
    )
    assert line_of(runs, "hinge")[-1] == "1 of 2; waiting |"
    assert line_of(runs, "minmax")[-1] == "1 of 2; failed: d_loss is nan at step 7 |"
    assert line_of(runs, "r3gan")[1:] == ["-", "-", "-", "0 of 2; waiting |"]


def test_a_row_has_the_flags_the_state_the_scores_and_the_times(tmp_path):
    done, failed = runs_with(tmp_path, {"hinge": [1.0, "killed by SIGKILL"]})
    assert results.row(done) == {
        "game": "hinge", "seed": 0, "state": "done", "step": 10, f"final {SCORE}": 1.0, f"best {SCORE}": 1.0,
        "best step": 5, "last d_loss": 0.5, "seconds": 2.5, "images_per_second": 100.0,
    }  # fmt: skip
    assert results.row(failed) == {"game": "hinge", "seed": 1, "state": "failed: killed by SIGKILL"}


def test_a_run_that_is_shorter_than_asked_for_is_not_finished(tmp_path):
    (run,) = runs_with(tmp_path, {"hinge": [1.0]})
    assert results.finished(run) and not results.finished(run._replace(steps=11))


def test_which_way_is_better():
    assert better("final frechet_distance[mnist-cnn,10k]") == better("best FID[10k]") == "lower"
    assert better("final precision[mnist-cnn,10k]") == better("test_accuracy") == "higher"
    assert better("final sliced_wasserstein_28[2k]") == "lower"
    assert better("best step") is None


def test_an_interval_that_is_not_there_is_nan():
    assert all(map(math.isnan, results._interval([])))


def test_of_runs_of_many_trials_the_means_are_compared(tmp_path):
    measured = lambda mean: {"mean": mean, "std": 1.0, "trials": [mean - 1, mean + 1]}
    good = runs_with(tmp_path, {"hinge": [1.0, 1.1, 1.2]}, modes=measured(7.5), reverse_kl=measured(0.1))
    bad = runs_with(tmp_path, {"minmax": [9.0, 9.1, 9.2]}, modes=measured(3.0), reverse_kl=measured(0.9))
    assert line_of(good + bad, "hinge")[3:5] == ["**7.5 ± 0**", "**0.1 ± 0**"]
    assert results.row(good[0])["modes"] == 7.5
