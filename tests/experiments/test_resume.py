"""A run that is cut off, in whatever way, and restarted equals one that was not, bit for bit.

Each test compares with one straight run. GAN_JAX_KILLS=20 kills twenty times where it is three by default.
"""

import json
import os
import random
import re
import resource
import shutil
import signal
import time

import jax
import numpy as np
import pytest

from gan_jax.pictures import grids

KILLS = int(os.environ.get("GAN_JAX_KILLS", 3))
STEPS, HALF = 12 + 4 * KILLS, 12
# A checkpoint every other round: so kills fall into saves too.
EVERY = ("--log_every=3", "--sample_every=4", "--checkpoint_every=2")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Of the runs that the tests share: `straight` to STEPS, `half` to HALF."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def train(run_experiment, tiny):
    """train(workdir, *flags) trains to STEPS, or goes on to there."""
    return lambda workdir, *given: run_experiment(*tiny, *EVERY, f"--steps={STEPS}", f"--workdir={workdir}", *given)


@pytest.fixture
def straight(folder, train):
    if not (folder / "straight" / "result.json").exists():
        assert train(folder / "straight") == 0
    return folder / "straight"


@pytest.fixture
def half(folder, train, tmp_path):
    """A copy of a run that has come to HALF."""
    if not (folder / "half" / "result.json").exists():
        assert train(folder / "half", f"--steps={HALF}") == 0
    return shutil.copytree(folder / "half", tmp_path / "half")


def _steps(run):
    return sorted(int(path.name) for path in run.glob("checkpoints/*") if path.name.isdecimal())


def _arrays(run):
    """The largest file of the newest checkpoint."""
    newest = run / "checkpoints" / str(_steps(run)[-1])
    return max((path for path in newest.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)


def test_the_straight_run_learns(straight):
    """Else the comparisons below would say little."""
    lines = [json.loads(line) for line in (straight / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, STEPS + 1))
    assert len({line["d_loss"] for line in lines}) == STEPS
    assert _steps(straight) == [STEPS - 2, STEPS]


def test_two_halves_make_a_whole(half, straight, train, assert_same, capsys):
    assert train(half) == 0
    assert f"going on with {half} from step {HALF}" in capsys.readouterr().out
    assert_same(half, straight)
    assert json.loads((half / "result.json").read_text())["step"] == STEPS


def test_a_run_goes_on_as_it_is_whatever_the_defaults_are(half, straight, run_experiment, assert_same, capsys):
    """Its directory is enough; what is given has to agree with it."""
    assert run_experiment(f"--workdir={half}", "--hidden=9", f"--steps={STEPS}") == 2
    assert "--hidden=[8] there, [9] asked for); choose" in capsys.readouterr().err
    assert run_experiment(f"--workdir={half}", *EVERY, f"--steps={STEPS}") == 0
    assert_same(half, straight)


def test_a_run_whose_rates_have_fallen_is_not_made_longer(train, run_experiment, saved, tmp_path, capsys):
    """--steps decides over how many rounds they fall, when a run begins."""
    assert train(tmp_path / "run", "--lr_decay=cosine", "--steps=6") == 0
    before = saved(tmp_path / "run")
    assert run_experiment(f"--workdir={tmp_path / 'run'}", "--steps=9") == 2
    line = capsys.readouterr().err
    assert "steps=9: rates have fallen to 0 after decay_rounds=6; a longer run is another one" in line
    assert run_experiment(f"--workdir={tmp_path / 'run'}", "--steps=4") == 0
    jax.tree.map(np.testing.assert_array_equal, before, saved(tmp_path / "run"))


def test_a_finished_run_has_nothing_to_do(straight, train, assert_same, tmp_path, capsys):
    run = shutil.copytree(straight, tmp_path / "run")
    assert train(run) == 0
    assert f"nothing to do: the run is at step {STEPS}" in capsys.readouterr().out
    assert_same(run, straight)
    assert (run / "result.json").read_bytes() == (straight / "result.json").read_bytes()


def test_ctrl_c_saves_and_stops(straight, train, assert_same, monkeypatch, tmp_path, capsys):
    run, save = tmp_path / "run", grids.save

    def save_and_signal(picture, path):
        save(picture, path)
        if path.stem == "000008":
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(grids, "save", save_and_signal)
    assert train(run, "--checkpoint_every=100") == 130
    assert "stopped by SIGINT after step 9, which is saved" in capsys.readouterr().err
    assert _steps(run) == [9]
    assert train(run) == 0
    assert_same(run, straight)


@pytest.mark.slow
def test_a_process_that_is_terminated(straight, train, start, wait_for, tiny, assert_same, tmp_path):
    run = tmp_path / "run"
    process = start(*tiny, *EVERY, f"--steps={STEPS}", "--log_every=1", "--checkpoint_every=1", f"--workdir={run}")
    wait_for(lambda: _size(run / "metrics.jsonl"), process)
    process.terminate()
    _, err = process.communicate(timeout=300)
    assert process.returncode == 143
    last = err.splitlines()[-1]
    step = int(re.fullmatch("stopped by SIGTERM after step (.+), which is saved; the same command.*", last)[1])
    assert _steps(run)[-1] == step < STEPS
    assert train(run) == 0
    assert_same(run, straight)


@pytest.mark.slow
def test_kill_9(straight, train, start, wait_for, tiny, assert_same, tmp_path):
    """Killed a moment after something new was saved, so that the run comes to its end; or at any time at all."""
    run, chance, killed = tmp_path / "run", random.Random(KILLS), 0
    flags = (*tiny, *EVERY, "--checkpoint_every=1", f"--steps={STEPS}", f"--workdir={run}")
    for i in range(KILLS):
        before = _steps(run)
        process = start(*flags)
        if i % 3 == 1:
            time.sleep(chance.uniform(0, 6))
        else:
            wait_for(lambda: _steps(run) != before, process)
            time.sleep(chance.uniform(0, 0.3))
        process.kill()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        print("killed with", *sorted(path.name for path in run.glob("checkpoints/*")))  # shows what was being written
    assert killed
    assert train(run) == 0
    assert_same(run, straight)


def _flip(run):
    """Flips one bit in the middle of the arrays of the newest checkpoint."""
    path = _arrays(run)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _truncate(run):
    os.truncate(_arrays(run), _arrays(run).stat().st_size // 2)


def _delete(run):
    _arrays(run).unlink()


def _empty(run):
    """What is left of a checkpoint when its deletion was cut off."""
    newest = run / "checkpoints" / str(_steps(run)[-1])
    shutil.rmtree(newest)
    newest.mkdir()


@pytest.mark.parametrize("damage", [_flip, _truncate, _delete, _empty])
def test_a_damaged_checkpoint_is_set_aside(damage, half, straight, train, assert_same, capsys):
    damage(half)
    assert train(half) == 0
    said = capsys.readouterr()
    assert f"checkpoint of step {HALF} is damaged" in said.err
    assert f"moved to {half / 'damaged' / str(HALF)}; going back to step {HALF - 2}" in said.err
    assert f"going on with {half} from step {HALF}\n" not in said.out
    assert_same(half, straight)
    assert (half / "damaged" / str(HALF)).is_dir()


def test_without_any_whole_checkpoint_it_stops_and_what_was_learnt_of_it_stays(
    half, straight, train, assert_same, capsys
):
    metrics, whole = (half / "metrics.jsonl").read_bytes(), _steps(half)[0]
    (half / "kept").mkdir()
    shutil.copytree(half / "checkpoints" / str(whole), half / "kept" / str(whole))
    for step in _steps(half):
        shutil.rmtree(half / "checkpoints" / str(step) / "state")
    for _ in range(2):
        assert train(half) == 2
        line = capsys.readouterr().err.splitlines()[-1]
        assert line.startswith(f"error: {half} has no checkpoint that can be used, but the metrics of {HALF} rounds")
        assert (half / "metrics.jsonl").read_bytes() == metrics
    (half / "kept" / str(whole)).rename(half / "checkpoints" / str(whole))
    assert train(half) == 0
    assert_same(half, straight)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux's prlimit")
def test_a_full_disk(half, straight, train, start, saved, tiny, assert_same):
    """Stood in for by a limit on the size of files, which only the arrays of a checkpoint exceed."""
    process = start(*tiny, *EVERY, "--sample_every=1000", f"--steps={STEPS}", f"--workdir={half}")
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (16 * 2**10, -1))  # Python ignores the signal
    _, err = process.communicate(timeout=300)
    assert process.returncode == 2
    (line,) = [line for line in err.splitlines() if line.startswith("error")]
    assert "Traceback" not in err, err
    assert line.startswith(f"error: cannot save a checkpoint in {half / 'checkpoints'}: File too large")
    # Its arrays may by chance lie in files small enough for one save more.
    last_good = int(re.search(r"; the last good checkpoint is of step (\d+)$", line)[1])
    assert HALF <= last_good < STEPS and int(saved(half).step) == last_good
    assert train(half) == 0
    for path in (straight / "samples").iterdir():
        if HALF < int(path.stem) <= last_good:  # of rounds that it saved and was told not to draw
            shutil.copy(path, half / "samples")
    assert_same(half, straight)


def test_divergence_stops_the_run_and_keeps_what_was_good(train, saved, tmp_path, capsys):
    run = tmp_path / "run"
    diverging = ("--game=wasserstein", "--optimizer=adam", "--clip=0", "--d_lr=1e8", "--g_lr=0", "--n_critic=1")
    assert train(run, *diverging, "--steps=100") == 2
    line = capsys.readouterr().err.splitlines()[-1]
    metric, step = re.fullmatch(r"error: (\w+) is (?:inf|-inf|nan) at step (\d+)", line).groups()
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert metric in lines[-1] and lines[-1]["step"] == int(step) - 1
    assert _steps(run) and _steps(run)[-1] < int(step)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(saved(run)))


def _size(path):
    return path.stat().st_size if path.exists() else 0
