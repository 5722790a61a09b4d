"""Ablations: what is refused before anything runs, what a sweep leaves, and that it can be killed and gone on with.

How runs are planned and taken up again without any process: ablation/test_plan.py, ablation/test_running.py.
"""

import csv
import json
import os
import signal
import time

import numpy as np
import pytest
from PIL import Image

from gan_jax.ablation import results
from gan_jax.training import record

TINY = ("--network=mlp", "--hidden=8", "--image_size=8", "--batch_size=8", "--num_samples=100", "--log_every=5")
SHORT = (*TINY, "--seeds=2", "--steps=30", "--eval_every=15", "--checkpoint_every=10")
SWEEP = (*SHORT, "--sweep=game=hinge,wasserstein")
HALF = (*SHORT, "--sweep=game=hinge")  # whose runs are the first two of the whole

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture(scope="module")
def swept_directory(tmp_path_factory):
    return tmp_path_factory.mktemp("swept") / "ablation"


@pytest.fixture
def swept(swept_directory, run_command):
    """The directory of an ablation that was not interrupted, which the tests below share."""
    if not (swept_directory / "report.html").exists():
        assert run_command("ablate", *SWEEP, f"--workdir={swept_directory}") == 0
    return swept_directory


def rows_of(workdir) -> list[dict[str, str]]:
    """Of results.csv, without the times."""
    with (workdir / "results.csv").open() as file:
        return [{k: v for k, v in row.items() if k not in results.TIMES} for row in csv.DictReader(file)]


def assert_close(rows, expected) -> None:
    """One program for several seeds rounds otherwise than one for each."""
    for row, other in zip(rows, expected, strict=True):
        assert row.keys() == other.keys()
        for name in row.keys() - {"game", "state"}:
            np.testing.assert_allclose(float(row[name]), float(other[name]), rtol=2e-3, atol=1e-4, err_msg=name)


@pytest.mark.slow
def test_a_sweep_leaves_a_row_a_run_a_table_and_pictures(swept):
    rows = rows_of(swept)
    assert [(row["game"], row["seed"]) for row in rows] == [
        ("hinge", "0"), ("hinge", "1"), ("wasserstein", "0"), ("wasserstein", "1"),
    ]  # fmt: skip
    assert all(row["state"] == "done" and row["step"] == "30" for row in rows)
    for row in rows:
        run = swept / "runs" / f"game_{row['game']}-seed{row['seed']}"
        last = [json.loads(line) for line in (run / "evaluations.jsonl").read_text().splitlines()][-1]
        assert last["step"] == 30
        assert float(row["final frechet_distance[digits-cnn,100]"]) == last["frechet_distance[digits-cnn,100]"]
        assert float(row["last d_loss"]) == record.read(run)["d_loss"][-1]
    table = (swept / "table.md").read_text()
    finals = [float(row["final frechet_distance[digits-cnn,100]"]) for row in rows[:2]]
    (row,) = [line for line in table.splitlines() if line.startswith("| `hinge` |")]
    mean, deviation = map(float, row.split(" | ")[1].split(" ± "))
    np.testing.assert_allclose([mean, deviation], [np.mean(finals), np.std(finals, ddof=1)], rtol=0.06)
    assert "| real images |" in table and "**" not in table  # two seeds
    assert "final coverage[digits-cnn,100] ↑" in table
    for name in ("curves.png", "samples.png"):
        assert np.std(np.asarray(Image.open(swept / name).convert("L"))) > 0


@pytest.mark.slow
def test_finished_runs_are_not_run_again(swept, run_command, monkeypatch):
    monkeypatch.setattr("subprocess.Popen", None)
    before = (swept / "results.csv").read_bytes()
    assert run_command("ablate", *SWEEP, f"--workdir={swept}") == 0
    assert (swept / "results.csv").read_bytes() == before


@pytest.mark.slow
def test_killed_in_the_middle_it_goes_on_to_the_same_results(swept, start, tmp_path):
    """kill -9, when one run is done and another has a checkpoint; the runs end with what started them."""
    workdir = tmp_path / "ablation"
    command = ("ablate", *HALF, f"--workdir={workdir}")
    second = workdir / "runs" / "game_hinge-seed1"
    first_start = start(*command, module="gan_jax")
    while not (second / "checkpoints" / "10").exists():
        assert first_start.poll() is None, first_start.communicate()
        time.sleep(0.02)
    os.kill(first_start.pid, signal.SIGKILL)
    first_start.wait()
    assert (workdir / "runs" / "game_hinge-seed0" / "result.json").exists() and not (workdir / "report.html").exists()
    first_log = (workdir / "runs" / "game_hinge-seed0.log").read_text()

    again = start(*command, module="gan_jax")
    _, printed = again.communicate()
    assert again.returncode == 0, printed
    assert (workdir / "runs" / "game_hinge-seed0.log").read_text() == first_log
    assert rows_of(workdir) == rows_of(swept)[:2]


@pytest.mark.slow
def test_seeds_that_train_in_one_program_score_as_alone(swept, run_command, tmp_path):
    workdir = tmp_path / "ablation"
    assert run_command("ablate", *HALF, "--vmap_trials", f"--workdir={workdir}") == 0
    assert (workdir / "runs" / "game_hinge-seed0.log").exists()
    assert not (workdir / "runs" / "game_hinge-seed1.log").exists()  # one process for both
    assert_close(rows_of(workdir), rows_of(swept)[:2])


@pytest.mark.slow
def test_seeds_that_train_in_one_program_go_on_after_a_kill(swept, start, tmp_path):
    command = ("ablate", *HALF, "--vmap_trials", f"--workdir={tmp_path / 'ablation'}")
    runs = [tmp_path / "ablation" / "runs" / f"game_hinge-seed{seed}" for seed in (0, 1)]
    first_start = start(*command, module="gan_jax")
    while not all((run / "checkpoints" / "10").exists() for run in runs):
        assert first_start.poll() is None, first_start.communicate()
        time.sleep(0.02)
    os.kill(first_start.pid, signal.SIGKILL)
    first_start.wait()
    assert not any((run / "result.json").exists() for run in runs)

    again = start(*command, module="gan_jax")
    _, printed = again.communicate()
    assert again.returncode == 0, printed
    assert_close(rows_of(tmp_path / "ablation"), rows_of(swept)[:2])
    for run in runs:
        assert record.read(run)["step"] == list(range(1, 31))


@pytest.mark.slow
@pytest.mark.parametrize(
    "experiment, given, measure",
    [
        ("mixture2d", ("--hidden=8", "--d_hidden=8", "--trials=2", "--sweep=game=hinge,minmax"), "modes"),
        ("classifier", ("--channels=4", "--sweep=label_smoothing=0,0.1"), "test_accuracy"),
    ],
)
def test_any_experiment_can_be_swept(experiment, given, measure, run_command, tmp_path):
    """Also one that is not evaluated in training, or draws nothing."""
    given = (f"--experiment={experiment}", *given, "--seeds=1", "--steps=4", "--batch_size=8", f"--workdir={tmp_path}")
    assert run_command("ablate", *given) == 0
    assert [row["state"] for row in rows_of(tmp_path)] == ["done", "done"]
    assert all(float(row[measure]) >= 0 for row in rows_of(tmp_path))
    assert (tmp_path / "samples.png").exists() == (experiment == "mixture2d")
    text = (tmp_path / "report.html").read_text()
    assert "2 of 2 runs done" in text and f"<th>{measure} ↑</th>" in text


REFUSED = {
    "--experiment=nope": "unknown experiment 'nope'; choose from began, biggan, cgan, classifier, cyclegan, dcgan, ",
    "--experiment=no.such_lab": "there is no module no.such_lab",
    "--sweep=gane=hinge": "dcgan has no flag --gane",
    "--sweep=conditioning=embed,concat": "dcgan has no flag --conditioning",
    "--conditioning=embed": "dcgan: unknown flag --conditioning",
    "--job=2": "dcgan: unknown flag --job; did you mean --jobs?",
    "--sweep=n_critic=1,nope": "--n_critic=nope",
    "--sweep=n_critic=1,0": "n_critic=0: n_critic=0: must be at least 1",
    "--sweep=optimizer=adam,nope": "unknown optimizer 'nope'",
    "--sweep=optimizer": "must be a flag and its values",
    "--sweep=optimizer=": "must be different values",
    "--sweep=optimizer=adam,adam": "must be different values",
    "--sweep=seed=1,2": "seeds are --seeds=3",
    "--sweep=steps=1,2": "--steps does not change what is computed",
    "--sweep=game=minmax": "--game is swept twice",
    "--game=hinge": "--game is swept, so it cannot be given too",
    "--sweep=d_lr=-1,1": "d_lr=-1: d_lr=-1.0: must be at least 0",
    "--sweep=penalty=r1,none|nope": "unknown penalty 'nope'",
    "--sweep=dataset=digits,folder:nowhere": "nowhere",
    "--eval_metrics=nope": "unknown eval_metrics 'nope'",
    "--budget=nope": "unknown budget 'nope'",
    "--budget=images": "--steps is given, but the budget is in images",
    "--seconds=3": "--seconds is given, but the budget is in steps",
    "--seeds=0": "seeds=0: must be at least 1",
    "--budget=seconds": "--steps is given, but the budget is in seconds",
    "--batch_size=6": "batch_size 6 is not divisible by the 4 devices",
    "--num_processes=2": "an ablation is run by one process, which starts the others",
    "word": "unexpected argument 'word'",
    "--sweep": "Missing value for flag --sweep",
}


@pytest.mark.parametrize("given", REFUSED)
def test_what_is_wrong_is_said_in_one_line_before_anything_runs(given, run_command, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("subprocess.Popen", None)
    workdir = f"--workdir={tmp_path / 'ablation'}"
    assert run_command("ablate", *TINY, "--sweep=game=hinge,minmax", "--steps=2", workdir, given) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and REFUSED[given] in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "given, said",
    [
        (TINY, "--sweep=FLAG=VALUE,VALUE,... is needed"),
        ((*TINY, "--sweep=game=hinge,minmax", "--budget=seconds"), "budget=seconds needs --seconds=N"),
        ((*TINY, "--sweep=game=hinge,minmax", "--budget=seconds", "--seconds=nan"), "seconds=nan: must be finite"),
        ((*TINY, "--sweep=game=hinge,minmax", "--budget=seconds", "--seconds=3", "--jobs=2"), "slow each other down"),
        ((*TINY, SWEEP[-1], "--seed_list=0,7,0"), "seed_list=0,7,0: must be different seeds"),
        (
            (*TINY, SWEEP[-1], "--seed_list=0,7", "--seeds=2"),
            "seed_list=0,7: these are all seeds, so leave out --seeds",
        ),
        ((*TINY, SWEEP[-1], "--seed_list=0,7", "--seed=3"), "seed_list=0,7: these are all seeds, so leave out --seed"),
        ((*TINY, SWEEP[-1], "--seed_list=a"), "seed_list=a: must be whole numbers"),
        ((*TINY, SWEEP[-1], "--seed_list=-1,2"), "seed_list=-1: must be at least 0"),
        (("--experiment=sgan", "--vmap_trials", "--sweep=num_labeled=40,50"), "sgan has its own way of training"),
        (("--experiment=classifier", "--sweep=channels=4,8"), "budget=steps needs --steps=N, for each run"),
    ],
)
def test_what_is_missing_or_does_not_go_together(given, said, run_command, tmp_path, capsys):
    assert run_command("ablate", *given, f"--workdir={tmp_path / 'ablation'}") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_directory_of_another_ablation_is_refused(swept, run_command, tmp_path, capsys):
    before = {path: path.read_bytes() for path in swept.rglob("*") if path.is_file()}
    for given in (("--steps=40",), ("--sweep=d_lr=1e-3,1e-4",), ("--seed=7",), ("--width=8",)):
        assert run_command("ablate", *SWEEP, *given, f"--workdir={swept}") == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "holds another ablation" in line
    assert {path: path.read_bytes() for path in swept.rglob("*") if path.is_file()} == before

    (tmp_path / "mine.txt").touch()
    assert run_command("ablate", *SWEEP, f"--workdir={tmp_path}") == 2
    assert "holds other things than an ablation" in capsys.readouterr().err


@pytest.mark.parametrize(
    "given, some",
    [((), ("--sweep", "--vmap_trials", "--game=")), (("--experiment=cgan",), ("--seeds=3", "--conditioning=embed"))],
)
def test_help_has_the_flags_of_the_ablation_and_of_the_experiment(given, some, run_command, capsys):
    assert run_command("ablate", *given, "--help") == 0
    printed = capsys.readouterr().out
    assert all(flag in printed for flag in some) and ("--conditioning" in printed) == bool(given)


def test_an_experiment_of_one_s_own_whose_flags_an_ablation_has_too(run_command, tmp_path, monkeypatch, capsys):
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "__init__.py").write_text("")
    (tmp_path / "lab" / "my_gan.py").write_text(
        "from dataclasses import dataclass\n"
        "from experiments import dcgan\n"
        "from gan_jax.config.options import option\n"
        "from gan_jax.runs.launch import experiment\n"
        "@dataclass(frozen=True)\n"
        "class Config(dcgan.Config):\n"
        "    images: int = option(5, 'Something else.')\n"
        "main = experiment('lab.my_gan', Config, dcgan.make)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert run_command("ablate", "--experiment=lab.my_gan", "--sweep=game=hinge,minmax") == 2
    assert "lab.my_gan has --images, which an ablation has too" in capsys.readouterr().err
