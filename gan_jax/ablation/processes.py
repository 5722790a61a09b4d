"""Runs in processes of their own, some at a time, with a bar over all rounds."""

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from gan_jax.ablation import results
from gan_jax.ablation.sweep import AblationRun
from gan_jax.training import loop
from gan_jax.training.files import replace_file

LOOK = 0.5  # seconds between looks at the processes
TAIL = 4096  # bytes in which a line of metrics ends


class Stopped(loop.Interrupted):
    """A signal came; the runs that were going on had the time to save, and have ended."""

    def __init__(self, signal_number: int):
        Exception.__init__(self, f"stopped by {signal.Signals(signal_number).name}, and its runs with it")
        self.signal = signal_number


class Task(NamedTuple):
    """Runs that one process makes. command: runs -> its command line."""

    runs: list[AblationRun]
    command: Callable[[list[AblationRun]], list[str]]


def run_tasks(
    tasks: Iterable[Task],
    runs: Sequence[AblationRun],
    *,
    jobs: int,
    after_each: Callable[[], object] = lambda: None,
    unit: str = "runs",
) -> None:
    """Does all tasks, `jobs` at a time. A run that fails leaves its error beside its directory; the others go on.

    If a task of several runs fails, they are made one by one: only one of them may be what failed.

    Args:
      runs: all there are, for the bar.
      after_each: called when a task is over.
      unit: what the bar calls the runs.

    Raises Stopped for SIGTERM and Ctrl-C, when the processes have ended. If this process is killed, they end too.
    """
    waiting, running = deque(tasks), {}
    total = sum(run.steps for run in runs)
    # The rounds of earlier starts say nothing of the time that is left.
    with (
        loop.caught_signals() as caught,
        tqdm(total=total, initial=sum(map(_rounds, runs)), unit="round", smoothing=0, dynamic_ncols=True) as bar,
    ):
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    task = waiting.popleft()
                    running[_start(task, jobs)] = task
                time.sleep(LOOK)
                if caught:
                    raise Stopped(caught[0])
                for process in [each for each in running if each.poll() is not None]:
                    waiting.extend(_over(running.pop(process), process.returncode))
                    after_each()
                _show(bar, runs, running.values(), unit)
            if caught:
                raise Stopped(caught[0])
        finally:
            _end(running)


def record_failure(run: AblationRun, error: str) -> None:
    """Records what ended a run."""
    replace_file(run.failure, f"{error}\n".encode())


def _start(task: Task, jobs: int) -> subprocess.Popen:
    # Otherwise each would take most of an accelerator's memory at once.
    shared = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"} if jobs > 1 else {}
    with task.runs[0].log.open("ab") as log:
        # A session of its own: Ctrl-C is for this process, which has the others save. The pipe closes when it ends.
        return subprocess.Popen(
            task.command(task.runs),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=shared | os.environ,
        )


def _end(processes: Iterable[subprocess.Popen]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait()  # its input stays open, so that it saves


def _over(task: Task, code: int) -> list[Task]:
    """What is to be done after a task has ended: nothing if it went well; records what went wrong."""
    left = [run for run in task.runs if not results.finished(run)]
    if len(task.runs) > 1:
        return [Task([run], task.command) for run in left]
    for run in left:
        error = _error(run.log, code)
        record_failure(run, error)
        tqdm.write(f"{run.workdir.name} failed: {error}")
    return []


def _error(log: Path, code: int) -> str:
    """In one line; of code 0 too, which is none if there is no result."""
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].removeprefix("error: ") if lines else f"exit code {code}"


def _show(bar: tqdm, runs: Sequence[AblationRun], running: Iterable[Task], unit: str) -> None:
    names = ", ".join(task.runs[0].workdir.name for task in running)
    bar.set_postfix_str(f"{len(results.done(runs))}/{len(runs)} {unit}; {names}", refresh=False)
    bar.update(sum(map(_rounds, runs)) - bar.n)


def _rounds(run: AblationRun) -> int:
    """How many rounds a run is known to have made; all, if it has failed."""
    if run.failure.exists():
        return run.steps
    path = run.workdir / "metrics.jsonl"
    if not path.exists():
        return 0
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        lines = file.read().split(b"\n")[:-1]  # the last may not be whole
    if not lines:
        return 0
    step = lines[-1].partition(b'"step": ')[2].partition(b",")[0]
    return min(int(step), run.steps) if step.isdigit() else 0
