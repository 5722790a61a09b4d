"""The record of a run: every step's metrics in metrics.jsonl, and the same as TensorBoard events beside it."""

import json
import os
from pathlib import Path

import tensorboardX


class Record:
    """Writes metrics; `after` is the step from which the run goes on.

    metrics.jsonl has one line per step: {"step": 1, "d_loss": 1.386, ...}. Lines of steps beyond `after`, which a
    killed run may have left, are dropped: the resumed run writes them again. Only steps 1 to `after` are kept.

    Nothing in it is a time, so that equal runs have equal records.
    """

    def __init__(self, workdir: str | Path, *, after: int = 0):
        self._path = Path(workdir) / "metrics.jsonl"
        kept = [line for line in _whole_lines(self._path) if json.loads(line)["step"] <= after]
        replace_file(self._path, "".join(kept).encode())
        self._file = self._path.open("a")
        self._events = tensorboardX.SummaryWriter(str(Path(workdir) / "tensorboard"), purge_step=after + 1)

    def write(self, step: int, metrics: dict[str, float]) -> None:
        """Appends one step's metrics."""
        self._file.write(json.dumps({"step": step, **metrics}) + "\n")
        for name, value in metrics.items():
            self._events.add_scalar(name, value, step)

    def flush(self) -> None:
        """Hands all that was written to the system, so that it outlives this process."""
        self._file.flush()
        self._events.flush()

    def close(self) -> None:
        """Flushes and closes both."""
        self._file.close()
        self._events.close()


def read(workdir: str | Path) -> dict[str, list[float]]:
    """The columns of a run's metrics.jsonl: {"step": [1, 2, ...], "d_loss": [...], ...}."""
    lines = [json.loads(line) for line in _whole_lines(Path(workdir) / "metrics.jsonl")]
    return {name: [line[name] for line in lines] for name in lines[0]} if lines else {}


def replace_file(path: str | Path, content: bytes) -> None:
    """Writes a file at once or not at all: beside it first, then renamed over it."""
    path = Path(path)
    beside = path.with_name(f".{path.name}.part")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _whole_lines(path: Path) -> list[str]:
    """The file's lines without a last one that was cut off; [] if there is no file."""
    if not path.exists():
        return []
    return [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
