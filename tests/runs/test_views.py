"""What is seen of a run while it trains, when it is stopped, and in the end."""

import json
import signal
from types import SimpleNamespace

import pytest
from PIL import Image

from gan_jax.pictures import animations, curves, grids
from gan_jax.runs import progress, report, views
from gan_jax.runs.views import Views

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture
def train(run_experiment, tiny, tmp_path):
    """train(*flags) trains 20 rounds in tmp_path / "run"."""
    every = ("--log_every=1", "--sample_every=4", "--checkpoint_every=4", "--steps=20")
    return lambda *given: run_experiment(*tiny, *every, f"--workdir={tmp_path / 'run'}", *given)


@pytest.fixture
def stopped(train, tmp_path, monkeypatch):
    """A run that Ctrl-C has stopped after round 9."""
    save = grids.save

    def save_and_signal(picture, path):
        save(picture, path)
        if path.stem == "000008":
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr(grids, "save", save_and_signal)
        patched.setattr(views, "SHARE", float("inf"))  # at every checkpoint, whatever it takes
        assert train() == 130
    return tmp_path / "run"


def test_stopped_by_ctrl_c_it_can_be_seen_and_later_goes_on(capsys, stopped, train):
    printed = capsys.readouterr().out
    assert f"{stopped / 'report.html'}  what there is of it, on a page" in printed
    text = (stopped / "report.html").read_text()
    assert "unfinished, 9 of 20" in text and "<dd>72</dd>" in text  # images: 9 rounds of one batch of 8
    Image.open(stopped / "curves.png").load()
    assert Image.open(stopped / "samples.gif").n_frames == 3  # of rounds 0, 4 and 8
    assert [line["step"] for line in progress.read(stopped)] == [4, 8, 9]
    assert not (stopped / "result.json").exists()
    before = progress.read(stopped)[-1]["seconds"]

    assert train() == 0
    text = (stopped / "report.html").read_text()
    assert "unfinished" not in text and "<dd>20 of 20</dd>" in text
    last = progress.read(stopped)[-1]
    assert last["step"] == 20 and last["since"] == 0 and last["images"] == 160
    assert last["seconds"] > before + json.loads((stopped / "result.json").read_text())["seconds"] / 2
    assert train("--steps=24", "--checkpoint_every=100") == 0  # made longer, it is over again
    assert "unfinished" not in (stopped / "report.html").read_text()


def test_at_checkpoints_it_is_drawn_anew(train, tmp_path, monkeypatch):
    drawn, save = [], report.save
    monkeypatch.setattr(views, "SHARE", float("inf"))
    monkeypatch.setattr(Views, "_curves", lambda self: None)  # which take the longest

    def note(workdir, **told):
        text = save(workdir, **told).read_text()
        drawn.append(("unfinished, 8 of 20" in text, "unfinished" in text))

    monkeypatch.setattr(report, "save", note)
    assert train() == 0
    assert drawn == [(n == 1, n < 4) for n in range(5)]  # after 4, 8, 12, 16 and 20 rounds


def test_drawing_takes_a_small_share_of_the_time(tmp_path, monkeypatch):
    """It takes 2 s: within 40 s of the last time it is left out."""
    now, drawn = [0.0], []
    monkeypatch.setattr(views, "time", SimpleNamespace(perf_counter=lambda: now[0]))

    def curves(self):
        now[0] += 2
        drawn.append(now[0])

    monkeypatch.setattr(Views, "_curves", curves)
    shown = Views(tmp_path, 100, {}, lambda step: step, {})
    for step, time in ((0, 5.0), (10, 10.0), (20, 51.0), (30, 53.0), (40, 90.0), (100, 300.0)):
        now[0] = time
        shown.checkpoint(step, None)
    assert drawn == [12.0, 55.0]  # not before there is anything, and in the end by who measures


def test_an_error_in_drawing_is_one_warning_and_no_end(train, tmp_path, monkeypatch, capsys):
    """Of each thing one, however often it is drawn."""

    def fail(*_, **__):
        raise RuntimeError("no\nfonts")

    for where, name in ((curves, "curves"), (animations, "animate"), (report, "save"), (views, "Progress")):
        monkeypatch.setattr(where, name, fail)
    monkeypatch.setattr(views, "SHARE", float("inf"))
    assert train() == 0
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("warning: ")]
    things = ("record the time", "draw {}/curves.png", "draw {}/samples.gif", "write {}/report.html")
    assert said == [f"warning: cannot {thing.format(tmp_path / 'run')}: RuntimeError: no fonts" for thing in things]
    assert json.loads((tmp_path / "run" / "result.json").read_text())["step"] == 20


def test_a_run_that_diverged_can_be_seen(train, tmp_path, capsys):
    diverging = ("--game=wasserstein", "--optimizer=adam", "--clip=0", "--d_lr=1e8", "--g_lr=0", "--n_critic=1")
    assert train(*diverging, "--steps=100", "--checkpoint_every=1000") == 2
    assert "unfinished, " in (tmp_path / "run" / "report.html").read_text()
    Image.open(tmp_path / "run" / "curves.png").load()
