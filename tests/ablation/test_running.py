"""How an ablation is taken up again, without any process: what runs do is written here in their place."""

import csv
import json
import shutil

import pytest

from gan_jax.ablation import results, running, sweep
from gan_jax.ablation.plan import Plan

TINY = ("--network=mlp", "--hidden=8", "--image_size=8", "--batch_size=8", "--num_samples=100", "--log_every=5")

pytestmark = pytest.mark.usefixtures("compiled_in_haste", "without_pages")


@pytest.fixture
def without_pages(monkeypatch):
    monkeypatch.setattr(running.report, "save", lambda workdir: None)


@pytest.fixture
def workdir(tmp_path):
    return tmp_path / "ablation"


@pytest.fixture
def ablate(run_command, workdir):
    """ablate(*flags) runs an ablation; returns the exit code."""
    return lambda *given: run_command("ablate", *TINY, f"--workdir={workdir}", *given)


def rows_of(workdir) -> list[dict[str, str]]:
    with (workdir / "results.csv").open() as file:
        return list(csv.DictReader(file))


def write_result(run, images_per_second=1000.0):
    run.workdir.mkdir(parents=True)
    flags = {"batch_size": 8, "dataset": "nowhere", "data_dir": "nowhere"}
    config = {"experiment": "dcgan", "flags": flags, "data": {}}
    surroundings = {"devices": [], "machine": {}, "versions": {}, "command": []}
    (run.workdir / "config.json").write_text(json.dumps(config | surroundings))
    result = {"step": run.steps, "metrics": {}, "seconds": 1.0, "images_per_second": images_per_second}
    (run.workdir / "result.json").write_text(json.dumps(result))


def write_all(tasks, *_, **__):
    for (run,), _ in tasks:
        write_result(run)


def test_what_failed_is_said_and_tried_again(ablate, workdir, monkeypatch, capsys):
    tried = []

    def run_tasks(tasks, runs, *, jobs, after_each):
        for task in tasks:
            (run,) = task.runs
            tried.append((run.combination["game"], run.seed))
            if len(tried) == 2:
                run.failure.write_text("d_loss is nan at step 7\n")
            else:
                write_result(run)

    monkeypatch.setattr(running, "run_tasks", run_tasks)
    given = ("--sweep=game=hinge,minmax", "--seeds=2", "--steps=30")
    assert ablate(*given) == 2
    printed = capsys.readouterr()
    assert "1 of 4 runs failed" in printed.err
    assert "1 of 2; failed: d_loss is nan at step 7" in printed.out
    assert rows_of(workdir)[1]["state"] == "failed: d_loss is nan at step 7"
    assert ablate(*given) == 0
    assert tried == [("hinge", 0), ("hinge", 1), ("minmax", 0), ("minmax", 1), ("hinge", 1)]
    assert ablate(*given, "--seeds=3") == 0
    assert tried[5:] == [("hinge", 2), ("minmax", 2)]


def test_equal_seconds_are_as_many_rounds_as_a_short_run_s_rate_allows(ablate, workdir, monkeypatch):
    """100 rounds of 8 images a second for 5 seconds. What cannot be rated has failed."""
    steps = {}

    def run_tasks(tasks, runs, *, unit="runs", **_):
        for (run,), _ in tasks:
            steps[unit, run.combination["game"], run.seed] = run.steps
            if run.combination["game"] == "minmax":
                run.failure.write_text("d_loss is nan at step 7\n")
            else:
                write_result(run, 800.0)

    monkeypatch.setattr(running, "run_tasks", run_tasks)
    assert ablate("--sweep=game=hinge,minmax", "--budget=seconds", "--seconds=5", "--seeds=2") == 2
    rates = {("rates", "hinge", 0): running.RATED, ("rates", "minmax", 0): running.RATED}
    assert steps == rates | {("runs", "hinge", 0): 500, ("runs", "hinge", 1): 500}
    assert rows_of(workdir)[2]["state"] == "failed: d_loss is nan at step 7"


def test_one_process_at_a_time(ablate, workdir, monkeypatch):
    """Who comes second is refused, and what the first does goes on."""
    refused = []

    def run_tasks(tasks, *_, **__):
        with pytest.raises(RuntimeError, match="is in the hands of another process"), running.alone(workdir):
            pass
        refused.append(True)
        write_all(tasks)

    monkeypatch.setattr(running, "run_tasks", run_tasks)
    assert ablate("--sweep=game=hinge,minmax", "--seeds=1", "--steps=30") == 0 and refused
    with running.alone(workdir):  # it was let go
        pass


def test_killed_at_its_very_start_it_can_start_again(ablate, workdir, monkeypatch):
    """What a kill in the middle of the first write leaves, there and in a run."""
    workdir.mkdir()
    (workdir / ".ablation.json.part").touch()
    (workdir / ".lock").touch()
    monkeypatch.setattr(running, "run_tasks", write_all)
    assert ablate("--sweep=game=hinge,minmax", "--seeds=1", "--steps=30") == 0


def test_a_rate_that_was_cut_off_is_measured_anew(ablate, workdir, monkeypatch):
    """Of a start with nothing left to do the rate would be 0."""
    cut_off = workdir / "rates" / "game_hinge" / "checkpoints" / "100"

    def run_tasks(tasks, *_, **__):
        assert not cut_off.exists()
        write_all(tasks)

    monkeypatch.setattr(running, "run_tasks", run_tasks)
    given = ("--sweep=game=hinge", "--seeds=1", "--budget=seconds", "--seconds=1")
    assert ablate(*given) == 0
    for path in ("rates/game_hinge", "runs/game_hinge-seed0"):
        (workdir / path / "result.json").unlink()
    shutil.rmtree(workdir / "runs" / "game_hinge-seed0")
    cut_off.mkdir(parents=True)
    assert ablate(*given) == 0


def test_another_ablation_s_directory_is_refused_and_stays(ablate, workdir, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(running, "run_tasks", write_all)
    given = ("--sweep=game=hinge,minmax", "--seeds=1", "--steps=30")
    assert ablate(*given) == 0
    before = {path: path.read_bytes() for path in workdir.rglob("*") if path.is_file()}
    for other in ("--steps=40", "--sweep=d_lr=1e-3,1e-4", "--seed=7", "--width=8"):
        capsys.readouterr()
        assert ablate(*given, other) == 2
        assert f"{workdir} holds another ablation" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in workdir.rglob("*") if path.is_file()} == before
    (tmp_path / "mine.txt").touch()
    assert ablate(*given, f"--workdir={tmp_path}") == 2
    assert "holds other things than an ablation" in capsys.readouterr().err


def test_an_ablation_of_version_0_1_goes_on_where_its_runs_are(ablate, workdir, monkeypatch):
    """They were called cells."""
    tried = []
    monkeypatch.setattr(
        running, "run_tasks", lambda tasks, *_, **__: (tried.extend(task.runs[0] for task in tasks), write_all(tasks))
    )
    given = ("--sweep=game=hinge,minmax", "--steps=30")
    assert ablate(*given, "--seeds=1") == 0
    (workdir / "runs").rename(workdir / "cells")
    (workdir / "runs.json").rename(workdir / "cells.json")
    assert ablate(*given, "--seeds=1") == 0
    assert len(tried) == 2
    assert ablate(*given, "--seeds=2") == 0
    assert [run.workdir for run in tried[2:]] == [
        workdir / "cells" / f"game_{game}-seed1" for game in ("hinge", "minmax")
    ]
    assert not (workdir / "runs").exists() and not (workdir / "runs.json").exists()
    assert [row["state"] for row in rows_of(workdir)] == 4 * ["done"]


def run_of(folder, seed=0, steps=30):
    return sweep.AblationRun({"game": "hinge"}, seed, steps, folder / f"game_hinge-seed{seed}")


def test_a_run_has_the_flags_that_were_given_and_its_own(tmp_path):
    plan = Plan("dcgan", {"game": ["hinge"]}, {"width": "--width=8"}, 0, "steps", 30)
    first, second = run_of(tmp_path), run_of(tmp_path, seed=1)
    _, *command = running._command(plan)([first])
    folder = f"--workdir={tmp_path}/game_hinge-seed"
    own = ["--game=hinge", "--seed=0", "--steps=30"]
    evaluated = ["--eval_every=6", "--eval_metrics=frechet_distance,density_coverage"]
    assert command == ["-m", "gan_jax.ablation.worker", "dcgan", "0", "--width=8", *own, f"{folder}0", *evaluated]
    both = running._command(plan)([first, second])
    assert both[4:] == ["0,1", "--width=8", *own, f"{folder}{{seed}}", *evaluated]
    given = plan._replace(flags={"eval_every": "--eval_every=9"})
    assert [each for each in running._command(given)([first]) if "eval_every" in each] == ["--eval_every=9"]


def test_what_is_scored_beside_the_distance(tmp_path):
    """Coverage, unless something was asked for, or the run was begun by a version that scored the distance alone."""
    plan, run = Plan("dcgan", {"game": ["hinge"]}, {}, 0, "steps", 30), run_of(tmp_path)
    scored = lambda plan: [each for each in running._command(plan)([run]) if "eval_metrics" in each]
    assert scored(plan) == ["--eval_metrics=frechet_distance,density_coverage"]
    given = "--eval_metrics=precision_recall"
    assert scored(plan._replace(flags={"eval_metrics": given})) == [given]
    run.workdir.mkdir()
    for name, added in (("frechet_distance[x,9]", 0), ("coverage[x,9]", 1)):
        (run.workdir / "evaluations.jsonl").write_text(json.dumps({"step": 6, name: 0.5}) + "\n")
        assert len(scored(plan)) == added


def test_a_run_that_is_not_evaluated_in_training_is_not_told_to(tmp_path):
    plan = Plan("mixture2d", {"game": ["hinge"]}, {}, 0, "steps", 30)
    command = running._command(plan, eval_every=0, log_every=10)([run_of(tmp_path)])
    assert "--log_every=10" in command and not any("eval_every" in each for each in command)


def test_seeds_go_on_in_one_program_from_where_all_of_them_stand(tmp_path):
    plan = Plan("dcgan", {"game": ["hinge"]}, {}, 0, "steps", 30)
    runs = [run_of(tmp_path, seed) for seed in range(4)]
    for run in runs[:2]:
        (run.workdir / "checkpoints" / "10").mkdir(parents=True)
    (runs[3].workdir).mkdir()
    (runs[3].workdir / "result.json").write_text(json.dumps({"step": 30}))
    assert [task.runs for task in running._tasks(plan, runs, vmap_trials=True)] == [runs[:2], runs[2:3]]
    assert [task.runs for task in running._tasks(plan, runs, vmap_trials=False)] == [[run] for run in runs[:3]]
    assert [results.state(run) for run in runs] == 3 * ["waiting"] + ["done"]
