import json
from dataclasses import replace

import pytest

from gan_jax.commands import mixtures
from gan_jax.runs.experiment import find
from gan_jax.training import loop

TINY = (
    "--hidden=8",
    "--d_hidden=8",
    "--batch_size=16",
    "--trials=2",
    "--steps=2",
    "--games=hinge,minmax",
    "--mixtures=ring8",
)

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture
def train_with(monkeypatch):
    """train_with(act) has `act` train the runs, instead of mixture2d."""

    def train_with(act):
        monkeypatch.setattr(mixtures, "find", lambda name: replace(find(name), train=act))

    return train_with


def write_result(run):
    """As training does, but for the training."""
    measured = {"mean": 4.5, "std": 0.5, "trials": [4, 5]}
    result = {"step": 2, "modes": measured, "high_quality": measured, "reverse_kl": measured}
    (run.workdir / "result.json").write_text(json.dumps(result))


@pytest.mark.parametrize("train", [write_result, pytest.param(None, marks=pytest.mark.slow, id="trained")])
def test_the_table_is_filled_and_gone_on_with(train, run_command, train_with, tmp_path, capsys):
    out = tmp_path / "table"
    trained, train = [], train or find("mixture2d").train
    train_with(lambda run: (trained.append(run.workdir.name), train(run)))
    assert run_command("mixtures", *TINY, f"--workdir={out}") == 0
    printed = capsys.readouterr().out
    table = (out / "table.md").read_text()
    assert table in printed
    assert [line.split("|")[1].strip() for line in table.splitlines()] == ["game", "---", "`hinge`", "`minmax`"]
    result = json.loads((out / "ring8-hinge" / "result.json").read_text())
    assert f"| {result['modes']['mean']:.1f} ± {result['modes']['std']:.1f} |" in table
    assert trained == ["ring8-hinge", "ring8-minmax"]

    # Runs of another configuration are not taken for these.
    assert run_command("mixtures", *TINY, "--seed=7", f"--workdir={out}") == 2
    assert "--seed=0 there, 7 asked for" in capsys.readouterr().err

    # What is there is not done again; what is not, is.
    (out / "ring8-minmax" / "result.json").unlink()
    (out / "table.md").unlink()
    assert run_command("mixtures", *TINY, f"--workdir={out}") == 0
    assert trained == ["ring8-hinge", "ring8-minmax", "ring8-minmax"]
    assert (out / "table.md").read_text() == table


def test_a_run_that_fails_says_so_and_the_others_go_on(run_command, train_with, tmp_path):
    def fail(run):
        if run.config.gan.game == "hinge":
            raise loop.NonFinite("d_loss is nan at step 7")

    train_with(fail)
    assert run_command("mixtures", *TINY, f"--workdir={tmp_path}") == 0
    assert "| `hinge` | d_loss is nan at step 7 |" in (tmp_path / "table.md").read_text()


@pytest.mark.parametrize(
    "given, said",
    [
        ("--games=nope", "unknown game 'nope'"),
        ("--mixtures=nope", "unknown mixture"),
        ("--hidden=0", "hidden=0"),
        ("--game=hinge", "--games"),
        ("--mixture=grid25", "--mixtures"),
        ("--num_processes=2", "by one process"),
        ("--nope=1", "unknown flag --nope"),
    ],
)
def test_errors_come_before_anything_runs(given, said, run_command, tmp_path, capsys):
    assert run_command("mixtures", *TINY, given, f"--workdir={tmp_path / 'table'}") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert not (tmp_path / "table").exists()


def test_help_has_the_table_s_flags_and_the_runs(run_command, capsys):
    assert run_command("mixtures", "--help") == 0
    printed = capsys.readouterr().out
    assert "--games=" in printed and "--workdir=runs/mixtures" in printed and "--trials=10" in printed
