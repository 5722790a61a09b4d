import json

import pytest

from experiments import mixture_table
from gan_jax import loop

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


def test_the_table_is_filled_and_gone_on_with(play, tmp_path, capsys, monkeypatch):
    out = tmp_path / "table"
    trained = []
    train = mixture_table.mixture2d.train
    monkeypatch.setattr(mixture_table.mixture2d, "train", lambda *given: (trained.append(given[3].name), train(*given)))
    assert play(*TINY, f"--workdir={out}", experiment="mixture_table") == 0
    told = capsys.readouterr().out
    table = (out / "table.md").read_text()
    assert table in told
    assert [line.split("|")[1].strip() for line in table.splitlines()] == ["game", "---", "`hinge`", "`minmax`"]
    result = json.loads((out / "ring8-hinge" / "result.json").read_text())
    assert f"| {result['modes']['mean']:.1f} ± {result['modes']['std']:.1f} |" in table
    assert trained == ["ring8-hinge", "ring8-minmax"]

    # Cells of another configuration are not taken for these.
    assert play(*TINY, "--seed=7", f"--workdir={out}", experiment="mixture_table") == 2
    assert "--seed=0 there, 7 asked for" in capsys.readouterr().err

    # What is there is not done again; what is not, is.
    (out / "ring8-minmax" / "result.json").unlink()
    (out / "table.md").unlink()
    assert play(*TINY, f"--workdir={out}", experiment="mixture_table") == 0
    assert trained == ["ring8-hinge", "ring8-minmax", "ring8-minmax"]
    assert (out / "table.md").read_text() == table


def test_a_cell_that_fails_says_so_and_the_others_go_on(play, tmp_path, monkeypatch):
    def fail(setup, mixture, config, workdir):
        if config.game == "hinge":
            raise loop.NonFinite("d_loss is nan at step 7")

    monkeypatch.setattr(mixture_table.mixture2d, "train", fail)
    assert play(*TINY, f"--workdir={tmp_path}", experiment="mixture_table") == 0
    assert "| `hinge` | d_loss is nan at step 7 |" in (tmp_path / "table.md").read_text()


@pytest.mark.parametrize(
    "given, told",
    [
        ("--games=nope", "unknown game 'nope'"),
        ("--mixtures=nope", "unknown mixture"),
        ("--hidden=0", "hidden=0"),
        ("--game=hinge", "--games"),
    ],
)
def test_errors_come_before_anything_runs(given, told, play, tmp_path, capsys):
    assert play(*TINY, given, f"--workdir={tmp_path / 'table'}", experiment="mixture_table") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
    assert not (tmp_path / "table").exists()
