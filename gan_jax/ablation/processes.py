"""Cells in processes of their own, some at a time, with a bar over all rounds."""

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from experiments import ablation_results
from experiments.sweep import Cell
from gan_jax import loop
from gan_jax.training.files import replace_file

LOOK = 0.5  # seconds between looks at the processes
TAIL = 4096  # bytes in which a line of metrics ends


class Stopped(loop.Interrupted):
    """A signal came; the cells that ran were told to save, and have ended."""

    def __init__(self, signal_number: int):
        Exception.__init__(self, f"stopped by {signal.Signals(signal_number).name}; what ran was told to save")
        self.signal = signal_number


class Task(NamedTuple):
    """Cells that one process runs. command: cells -> its command line."""

    cells: list[Cell]
    command: Callable[[list[Cell]], list[str]]


def play(
    tasks: list[Task],
    cells: list[Cell],
    *,
    jobs: int,
    after_each: Callable[[], object] = lambda: None,
    told: str = "cells",
) -> None:
    """Runs all tasks, `jobs` at a time. One that fails leaves its error beside its directory; the others go on.

    If a task of several cells fails, they are run one by one: only one of them may be what failed.

    Args:
      cells: all there are, for the bar.
      after_each: called when a task is over.

    Raises Stopped for SIGTERM and Ctrl-C, when the processes have ended. If this process is killed, they end too.
    """
    waiting, running = deque(tasks), {}
    total = sum(cell.steps for cell in cells)
    # The rounds of earlier starts say nothing of the time that is left.
    with (
        loop.caught_signals() as caught,
        tqdm(total=total, initial=sum(map(_rounds, cells)), unit="round", smoothing=0, dynamic_ncols=True) as bar,
    ):
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    task = waiting.popleft()
                    running[_start(task, jobs)] = task
                time.sleep(LOOK)
                if caught:
                    raise Stopped(caught[0])
                for process in [process for process in running if process.poll() is not None]:
                    task = running.pop(process)
                    waiting.extend(_over(task, process.returncode))
                    after_each()
                _show(bar, cells, running.values(), told)
            if caught:
                raise Stopped(caught[0])
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait()  # its input stays open, so that it saves


def _start(task: Task, jobs: int) -> subprocess.Popen:
    # Otherwise each would take most of an accelerator's memory at once.
    shared = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"} if jobs > 1 else {}
    first = task.cells[0]
    with first.log.open("ab") as log:
        # A session of its own: Ctrl-C is for this process, which tells the others to save. The pipe closes when it ends.
        return subprocess.Popen(
            task.command(task.cells),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=shared | os.environ,
        )


def _over(task: Task, code: int) -> list[Task]:
    """What is to be done after a task has ended: nothing if it went well; records what went wrong."""
    left = [cell for cell in task.cells if not ablation_results.finished(cell)]
    if len(task.cells) > 1:
        return [Task([cell], task.command) for cell in left]
    for cell in left:
        error = _error(cell.log, code)
        fail(cell, error)
        tqdm.write(f"{cell.workdir.name} failed: {error}")
    return []


def fail(cell: Cell, error: str) -> None:
    """Records what ended a cell."""
    replace_file(cell.failure, f"{error}\n".encode())


def _error(log: Path, code: int) -> str:
    """In one line; of code 0 too, which is none if there is no result."""
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].removeprefix("error: ") if lines else f"exit code {code}"


def _show(bar: tqdm, cells: list[Cell], running, told: str) -> None:
    over = len(ablation_results.done(cells))
    bar.set_postfix_str(
        f"{over}/{len(cells)} {told}; " + ", ".join(task.cells[0].workdir.name for task in running), refresh=False
    )
    bar.update(sum(map(_rounds, cells)) - bar.n)


def _rounds(cell: Cell) -> int:
    """How many rounds a cell is known to have played; all, if it has failed."""
    if cell.failure.exists():
        return cell.steps
    path = cell.workdir / "metrics.jsonl"
    if not path.exists():
        return 0
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        lines = file.read().split(b"\n")[:-1]  # the last may not be whole
    if not lines:
        return 0
    step = lines[-1].partition(b'"step": ')[2].partition(b",")[0]
    return min(int(step), cell.steps) if step.isdigit() else 0
