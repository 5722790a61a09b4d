"""Runs in processes: here small programs that write what runs do."""

import json
import signal
import sys
import threading
import time

import pytest

from gan_jax.ablation import results
from gan_jax.ablation.processes import Stopped, Task, _rounds, run_tasks
from gan_jax.ablation.sweep import AblationRun

STEPS = 3
WRITE = """
import json, pathlib, sys
for folder in map(pathlib.Path, sys.argv[1:]):
    folder.mkdir()
    (folder / "result.json").write_text(json.dumps({"step": 3}))
"""


def runs_in(folder, count=3):
    return [AblationRun({"game": "hinge"}, seed, STEPS, folder / f"hinge-seed{seed}") for seed in range(count)]


def python(program):
    return lambda runs: [sys.executable, "-c", program, *(str(run.workdir) for run in runs)]


def test_one_that_fails_is_recorded_and_the_others_go_on(tmp_path):
    fails = "import sys; print('some words'); sys.exit('error: d_loss is nan at step 7')"
    killed = "import os; os.kill(os.getpid(), 9)"
    runs = runs_in(tmp_path)
    seen = []
    run_tasks(
        [Task([run], python(program)) for run, program in zip(runs, (fails, killed, WRITE), strict=True)],
        runs,
        jobs=1,
        after_each=lambda: seen.append([results.state(run) for run in runs]),
    )
    assert seen[-1] == ["failed: d_loss is nan at step 7", "failed: killed by SIGKILL", "done"]
    assert seen[0] == ["failed: d_loss is nan at step 7", "waiting", "waiting"]


def test_of_several_in_a_process_that_fails_each_is_tried_alone(tmp_path):
    runs = runs_in(tmp_path, 2)
    only_alone = f"import sys\nif len(sys.argv) > 2: sys.exit('error: only alone')\n{WRITE}"
    run_tasks([Task(runs, python(only_alone))], runs, jobs=1)
    assert [results.state(run) for run in runs] == ["done", "done"]


def test_as_many_at_a_time_as_asked_for(tmp_path):
    """Each waits until the other is there, so one after another they would wait for ever."""
    both = f"""
import pathlib, sys, time
here = pathlib.Path(sys.argv[1])
(here.parent / (here.name + ".here")).touch()
while len(list(here.parent.glob("*.here"))) < 2: time.sleep(0.01)
{WRITE}"""
    runs = runs_in(tmp_path, 2)
    run_tasks([Task([run], python(both)) for run in runs], runs, jobs=2)
    assert all(map(results.finished, runs))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_them_save_and_stops(number, tmp_path):
    saves = """
import pathlib, signal, sys, threading, time
from gan_jax.ablation.worker import _end_with_the_starter
threading.Thread(target=_end_with_the_starter, daemon=True).start()
def save(*_):
    time.sleep(0.3)  # saving takes a while
    pathlib.Path(sys.argv[1] + ".saved").touch()
    sys.exit()
signal.signal(signal.SIGTERM, save)
pathlib.Path(sys.argv[1] + ".ready").touch()
time.sleep(600)
"""
    runs = runs_in(tmp_path, 2)

    def send():
        while not (tmp_path / "hinge-seed0.ready").exists():
            time.sleep(0.01)
        signal.pthread_kill(threading.main_thread().ident, number)

    threading.Thread(target=send, daemon=True).start()
    with pytest.raises(Stopped, match=f"stopped by {signal.Signals(number).name}"):
        run_tasks([Task([run], python(saves)) for run in runs], runs, jobs=1)
    assert (tmp_path / "hinge-seed0.saved").exists()
    assert not (tmp_path / "hinge-seed1.ready").exists()
    assert [results.state(run) for run in runs] == ["waiting", "waiting"]


def test_the_rounds_of_a_line_that_is_not_whole_are_not_counted(tmp_path):
    (run,) = runs_in(tmp_path, 1)
    assert _rounds(run) == 0
    run.workdir.mkdir()
    lines = [json.dumps({"step": step, "d_loss": 0.5}) + "\n" for step in (1, 2)]
    (run.workdir / "metrics.jsonl").write_text("".join(lines) + '{"step": 3, "d_l')
    assert _rounds(run) == 2
