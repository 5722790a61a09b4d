"""Ablations: what is refused before anything runs, what a sweep leaves, and that it can be killed and gone on with."""

import csv
import json
import os
import shutil
import signal
import time

import numpy as np
import pytest
from absl import flags, logging
from PIL import Image

from experiments import ablate, ablation_results, common
from gan_jax import record

TINY = ("--network=mlp", "--hidden=8", "--image_size=8", "--batch_size=8", "--num_samples=100", "--log_every=5")
SHORT = (*TINY, "--seeds=2", "--steps=30", "--eval_every=15", "--checkpoint_every=10")
SWEEP = (*SHORT, "--sweep=game=hinge,wasserstein")
HALF = (*SHORT, "--sweep=game=hinge")  # whose cells are the first two of the whole

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture
def ablation():
    """ablation(*flags) runs one, its cells in processes of their own; returns the exit code."""
    verbosity = logging.get_verbosity()

    def ablation(*given: str) -> int:
        try:
            common.parse_flags(["ablate", *given])
            return common.run(ablate.prepare, common.config_from_flags())
        except SystemExit as stop:
            return stop.code
        finally:
            flags.FLAGS.unparse_flags()

    yield ablation
    logging.set_verbosity(verbosity)


@pytest.fixture(scope="module")
def swept_directory(tmp_path_factory):
    return tmp_path_factory.mktemp("swept") / "ablation"


@pytest.fixture
def swept(swept_directory, ablation):
    """The directory of an ablation that was not interrupted, which the tests below share."""
    if not (swept_directory / "report.html").exists():
        assert ablation(*SWEEP, f"--workdir={swept_directory}") == 0
    return swept_directory


def rows_of(workdir) -> list[dict[str, str]]:
    """Of results.csv, without the times."""
    with (workdir / "results.csv").open() as file:
        return [{k: v for k, v in row.items() if k not in ablation_results.TIMES} for row in csv.DictReader(file)]


def test_a_sweep_leaves_a_row_a_cell_a_table_and_pictures(swept):
    rows = rows_of(swept)
    assert [(row["game"], row["seed"]) for row in rows] == [
        ("hinge", "0"), ("hinge", "1"), ("wasserstein", "0"), ("wasserstein", "1"),
    ]  # fmt: skip
    assert all(row["state"] == "done" and row["step"] == "30" for row in rows)
    for row in rows:
        cell = swept / "cells" / f"game_{row['game']}-seed{row['seed']}"
        last = [json.loads(line) for line in (cell / "evaluations.jsonl").read_text().splitlines()][-1]
        assert last["step"] == 30
        assert float(row["final frechet_distance[digits-cnn,100]"]) == last["frechet_distance[digits-cnn,100]"]
        assert float(row["last d_loss"]) == record.read(cell)["d_loss"][-1]
    table = (swept / "table.md").read_text()
    finals = [float(row["final frechet_distance[digits-cnn,100]"]) for row in rows[:2]]
    assert f"| `hinge` | {np.mean(finals):.3g} ± {np.std(finals, ddof=1):.3g} |" in table.replace("**", "")
    assert "| real images |" in table
    for name in ("curves.png", "samples.png"):
        assert np.std(np.asarray(Image.open(swept / name).convert("L"))) > 0


def test_finished_cells_are_not_run_again(swept, ablation, monkeypatch, capsys):
    monkeypatch.setattr("subprocess.Popen", None)
    before = (swept / "results.csv").read_bytes()
    assert ablation(*SWEEP, f"--workdir={swept}") == 0
    assert (swept / "results.csv").read_bytes() == before


def test_killed_in_the_middle_it_goes_on_to_the_same_results(swept, start, tmp_path):
    """kill -9, when one cell is done and another has a checkpoint; the cells end with what started them."""
    workdir = tmp_path / "ablation"
    given = (*HALF, f"--workdir={workdir}")
    second = workdir / "cells" / "game_hinge-seed1"
    begun = start(*given, module="experiments.ablate")
    while not (second / "checkpoints" / "10").exists():
        assert begun.poll() is None, begun.communicate()
        time.sleep(0.02)
    os.kill(begun.pid, signal.SIGKILL)
    begun.wait()
    assert (workdir / "cells" / "game_hinge-seed0" / "result.json").exists() and not (workdir / "report.html").exists()
    first_log = (workdir / "cells" / "game_hinge-seed0.log").read_text()

    again = start(*given, module="experiments.ablate")
    _, told = again.communicate()
    assert again.returncode == 0, told
    assert (workdir / "cells" / "game_hinge-seed0.log").read_text() == first_log
    assert rows_of(workdir) == rows_of(swept)[:2]


def test_seeds_that_train_together_score_as_alone(swept, ablation, tmp_path):
    workdir = tmp_path / "ablation"
    assert ablation(*HALF, "--vmap_seeds", f"--workdir={workdir}") == 0
    assert (workdir / "cells" / "game_hinge-seed0.log").exists()
    assert not (workdir / "cells" / "game_hinge-seed1.log").exists()  # one process for both
    for together, alone in zip(rows_of(workdir), rows_of(swept)[:2], strict=True):
        assert together.keys() == alone.keys()
        for name in together.keys() - {"game", "state"}:
            np.testing.assert_allclose(float(together[name]), float(alone[name]), rtol=2e-3, atol=1e-4, err_msg=name)


REFUSED = {
    "--experiment=nope": "unknown experiment 'nope'; choose from dcgan, cgan, sgan",
    "--sweep=gane=hinge": "dcgan has no flag --gane",
    "--sweep=conditioning=embed,concat": "dcgan has no flag --conditioning",
    "--conditioning=embed": "dcgan has no flag --conditioning",
    "--sweep=n_critic=1,nope": "--n_critic=nope",
    "--sweep=n_critic=1,0": "--n_critic=0",
    "--sweep=optimizer=adam,nope": "unknown optimizer 'nope'",
    "--sweep=optimizer": "must be a flag and its values",
    "--sweep=optimizer=": "must be different values",
    "--sweep=optimizer=adam,adam": "must be different values",
    "--sweep=seed=1,2": "seeds are --seeds=3",
    "--sweep=steps=1,2": "--steps does not change what is computed",
    "--sweep=game=minmax": "--game is swept twice",
    "--game=hinge": "--game is swept, so it cannot be given too",
    "--sweep=d_lr=-1,1": "--d_lr=-1",
    "--sweep=penalty=r1,none|nope": "unknown penalty 'nope'",
    "--sweep=dataset=digits,folder:nowhere": "nowhere",
    "--eval_metrics=nope": "unknown metric 'nope'",
    "--budget=nope": "unknown budget 'nope'",
    "--budget=images": "--steps is given, but the budget is in images",
    "--seconds=3": "--seconds is given, but the budget is in steps",
    "--seeds=0": "--seeds=0",
    "--budget=seconds": "--steps is given, but the budget is in seconds",
    "--batch_size=6": "batch_size 6 is not divisible by the 4 devices",
}


@pytest.mark.parametrize("given", REFUSED)
def test_what_is_wrong_is_told_in_one_line_before_anything_runs(given, ablation, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("subprocess.Popen", None)
    workdir = tmp_path / "ablation"
    assert ablation(*TINY, "--sweep=game=hinge,minmax", "--steps=2", given, f"--workdir={workdir}") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and REFUSED[given] in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "given, told",
    [
        ((), "--sweep=FLAG=VALUE,VALUE,... is needed"),
        (("--sweep=game=hinge,minmax", "--budget=seconds"), "budget=seconds needs --seconds=N"),
        (("--sweep=game=hinge,minmax", "--budget=seconds", "--seconds=nan"), "budget=seconds needs --seconds=N"),
        (("--sweep=game=hinge,minmax", "--budget=seconds", "--seconds=3", "--jobs=2"), "slow each other down"),
        (("--experiment=sgan", "--vmap_seeds", "--sweep=num_labeled=40,50"), "sgan trains more than one recipe"),
    ],
)
def test_what_is_missing_or_does_not_go_together(given, told, ablation, tmp_path, capsys):
    assert ablation(*TINY, *given, f"--workdir={tmp_path / 'ablation'}") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
    assert list(tmp_path.iterdir()) == []


def test_a_directory_of_another_ablation_is_refused(swept, ablation, tmp_path, capsys):
    before = {path: path.read_bytes() for path in swept.rglob("*") if path.is_file()}
    for given in (("--steps=40",), ("--sweep=d_lr=1e-3,1e-4",), ("--seed=7",), ("--width=8",)):
        assert ablation(*SWEEP, *given, f"--workdir={swept}") == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "holds another ablation" in line
    assert {path: path.read_bytes() for path in swept.rglob("*") if path.is_file()} == before

    (tmp_path / "mine.txt").touch()
    assert ablation(*SWEEP, f"--workdir={tmp_path}") == 2
    assert "holds other things than an ablation" in capsys.readouterr().err


def test_equal_images_are_fewer_rounds_for_more_critic_steps(ablation, monkeypatch, tmp_path):
    """wasserstein makes five D-steps a round, hinge one."""
    asked = {}
    monkeypatch.setattr(
        ablate,
        "run",
        lambda plan, cells, *_: asked.update({tuple(cell.combination.values()): cell.steps for cell in cells}),
    )
    given = ("--sweep=game=hinge,wasserstein", "--budget=images", "--images=4000", f"--workdir={tmp_path / 'ablation'}")
    assert ablation(*TINY, *given) == 0
    assert asked == {("hinge",): 500, ("wasserstein",): 100}


def write_result(cell, images_per_second=1000.0):
    cell.workdir.mkdir(parents=True)
    flags = {"batch_size": 8, "dataset": "nowhere", "data_dir": "nowhere"}
    config = {"experiment": "dcgan", "flags": flags, "image_shape": [8, 8, 1], "class_names": []}
    surroundings = {"devices": [], "machine": {}, "versions": {}, "command": []}
    (cell.workdir / "config.json").write_text(json.dumps(config | surroundings))
    result = {"step": cell.steps, "metrics": {}, "seconds": 1.0, "images_per_second": images_per_second}
    (cell.workdir / "result.json").write_text(json.dumps(result))


@pytest.fixture
def without_pages(monkeypatch):
    monkeypatch.setattr(ablate.ablation_report, "save", lambda workdir: None)


def test_what_failed_is_told_and_tried_again(ablation, without_pages, monkeypatch, tmp_path, capsys):
    tried = []

    def play(tasks, cells, *, jobs, after_each):
        for task in tasks:
            (cell,) = task.cells
            tried.append((cell.combination["game"], cell.seed))
            if len(tried) == 2:
                cell.failure.write_text("d_loss is nan at step 7\n")
            else:
                write_result(cell)

    monkeypatch.setattr(ablate, "play", play)
    given = (*TINY, "--sweep=game=hinge,minmax", "--seeds=2", "--steps=30", f"--workdir={tmp_path / 'ablation'}")
    assert ablation(*given) == 2
    told = capsys.readouterr()
    assert "1 of 4 cells failed" in told.err
    assert "1 of 2; failed: d_loss is nan at step 7" in told.out
    assert rows_of(tmp_path / "ablation")[1]["state"] == "failed: d_loss is nan at step 7"
    assert ablation(*given) == 0
    assert tried == [("hinge", 0), ("hinge", 1), ("minmax", 0), ("minmax", 1), ("hinge", 1)]
    assert ablation(*given, "--seeds=3") == 0
    assert tried[5:] == [("hinge", 2), ("minmax", 2)]


def test_equal_seconds_are_as_many_rounds_as_a_short_run_s_rate_allows(ablation, without_pages, monkeypatch, tmp_path):
    """100 rounds of 8 images a second for 5 seconds. What cannot be rated has failed."""
    asked = {}

    def play(tasks, cells, *, told="cells", **_):
        for (cell,), _ in tasks:
            asked[told, cell.combination["game"], cell.seed] = cell.steps
            if cell.combination["game"] == "minmax":
                cell.failure.write_text("d_loss is nan at step 7\n")
            else:
                write_result(cell, 800.0)

    monkeypatch.setattr(ablate, "play", play)
    given = (
        "--sweep=game=hinge,minmax",
        "--budget=seconds",
        "--seconds=5",
        "--seeds=2",
        f"--workdir={tmp_path / 'ablation'}",
    )
    assert ablation(*TINY, *given) == 2
    rates = {("rates", "hinge", 0): ablate.RATED, ("rates", "minmax", 0): ablate.RATED}
    assert asked == rates | {("cells", "hinge", 0): 500, ("cells", "hinge", 1): 500}
    assert rows_of(tmp_path / "ablation")[2]["state"] == "failed: d_loss is nan at step 7"


def test_one_process_at_a_time(ablation, without_pages, monkeypatch, tmp_path):
    """Who comes second is refused, and what the first does goes on."""
    refused = []

    def play(tasks, *_, **__):
        with (
            pytest.raises(RuntimeError, match="is in the hands of another process"),
            ablate._alone(tmp_path / "ablation"),
        ):
            pass
        refused.append(True)
        for (cell,), _ in tasks:
            write_result(cell)

    monkeypatch.setattr(ablate, "play", play)
    given = (*TINY, "--sweep=game=hinge,minmax", "--seeds=1", "--steps=30", f"--workdir={tmp_path / 'ablation'}")
    assert ablation(*given) == 0 and refused
    with ablate._alone(tmp_path / "ablation"):  # it was let go
        pass


def test_killed_at_its_very_start_it_can_begin_again(ablation, without_pages, monkeypatch, tmp_path):
    """What a kill in the middle of the first write leaves, there and in a cell."""
    workdir = tmp_path / "ablation"
    workdir.mkdir()
    (workdir / ".ablation.json.part").touch()
    (workdir / ".lock").touch()
    monkeypatch.setattr(ablate, "play", lambda tasks, *_, **__: [write_result(cell) for (cell,), _ in tasks])
    assert ablation(*TINY, "--sweep=game=hinge,minmax", "--seeds=1", "--steps=30", f"--workdir={workdir}") == 0


def test_a_rate_that_was_cut_off_is_measured_anew(ablation, without_pages, monkeypatch, tmp_path):
    """Of a start with nothing left to do the rate would be 0."""
    cut_off = tmp_path / "ablation" / "rates" / "game_hinge" / "checkpoints" / "100"

    def play(tasks, *_, **__):
        assert not cut_off.exists()
        for (cell,), _ in tasks:
            write_result(cell)

    monkeypatch.setattr(ablate, "play", play)
    given = (
        *TINY,
        "--sweep=game=hinge",
        "--seeds=1",
        "--budget=seconds",
        "--seconds=1",
        f"--workdir={tmp_path / 'ablation'}",
    )
    assert ablation(*given) == 0
    for path in ("rates/game_hinge", "cells/game_hinge-seed0"):
        (tmp_path / "ablation" / path / "result.json").unlink()
    shutil.rmtree(tmp_path / "ablation" / "cells" / "game_hinge-seed0")
    cut_off.mkdir(parents=True)
    assert ablation(*given) == 0
