"""The record of a run: every step's metrics in metrics.jsonl, and the same and pictures as TensorBoard events beside it."""

import json
import math
import time
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary
from tensorboardX.record_writer import RecordWriter

from gan_jax.training.files import replace_file


class Record:
    """Writes metrics, and into TensorBoard's events what samples/STEP.png shows; `after` is the step that is gone on from.

    metrics.jsonl has one line per step: {"step": 1, "d_loss": 1.386, ...}. Lines of steps beyond `after`, which a
    killed run may have left, are dropped: the resumed run writes them again. Nothing in it is a time, so that equal
    runs have equal records.

    Raises OSError, naming the file, if it cannot be written or is damaged.
    """

    def __init__(self, workdir: str | Path, *, after: int = 0):
        self._path, self._samples = Path(workdir) / "metrics.jsonl", Path(workdir) / "samples"
        self._step, self._pictured = after, after if after else -1  # the picture of step 0 is there before the record
        kept = [line for step, line in _lines(self._path) if step["step"] <= after]
        with self._errors():
            replace_file(self._path, "".join(kept).encode())
            self._file = self._path.open("a")
            self._events = _open_events(Path(workdir) / "tensorboard", after)

    def write(self, step: int, metrics: dict[str, float]) -> None:
        """Appends one step's metrics."""
        values = [Summary.Value(tag=name, simple_value=value) for name, value in metrics.items()]
        event = Event(wall_time=time.time(), step=step, summary=Summary(value=values))
        with self._errors():
            self._file.write(json.dumps({"step": step, **metrics}) + "\n")
            self._events.write(event.SerializeToString())
        self._step = step

    def flush(self) -> None:
        """Hands all that was written to the system, so that it outlives this process; with the pictures drawn meanwhile."""
        with self._errors():
            self._write_pictures()
            self._file.flush()
            self._events.flush()

    def close(self) -> None:
        """Flushes and closes both."""
        with self._errors():
            self._write_pictures()
            self._events.close()
            self._file.close()

    def _write_pictures(self) -> None:
        """Those of steps that were not written yet; a run that was killed may have left some of steps to come."""
        steps = {int(path.stem): path for path in self._samples.glob("*.png") if path.stem.isdecimal()}
        for step in sorted(step for step in steps if self._pictured < step <= self._step):
            self._events.write(_picture(step, steps[step]).SerializeToString())
            self._pictured = step

    @contextmanager
    def _errors(self):
        try:
            yield
        except OSError as error:
            raise OSError(f"cannot write the record {self._path}: {error.strerror}") from error


def read(workdir: str | Path) -> dict[str, list[float]]:
    """The columns of a run's metrics.jsonl: {"step": [1, 2, ...], "d_loss": [...], ...}.

    NaN where a step has no such metric, as in another phase of a network that grows.
    """
    lines = [step for step, _ in _lines(Path(workdir) / "metrics.jsonl")]
    names = dict.fromkeys(name for line in lines for name in line)
    return {name: [line.get(name, math.nan) for line in lines] for name in names}


def _open_events(folder: Path, after: int) -> RecordWriter:
    """A new file of TensorBoard events; what older files say of steps beyond `after` is to be forgotten."""
    folder.mkdir(exist_ok=True)
    # tensorboardX's own SummaryWriter writes from a thread, and an error there would not reach the caller.
    events = RecordWriter(str(folder / f"events.out.tfevents.{time.time_ns()}"))
    events.write(Event(wall_time=time.time(), file_version="brain.Event:2").SerializeToString())
    if after:
        restart = SessionLog(status=SessionLog.START)
        events.write(Event(wall_time=time.time(), step=after + 1, session_log=restart).SerializeToString())
    return events


def _picture(step: int, path: Path) -> Event:
    """A PNG file as an event."""
    with Image.open(path) as opened:
        (width, height), channels = opened.size, len(opened.getbands())
    image = Summary.Image(height=height, width=width, colorspace=channels, encoded_image_string=path.read_bytes())
    return Event(wall_time=time.time(), step=step, summary=Summary(value=[Summary.Value(tag="samples", image=image)]))


def _lines(path: Path) -> list[tuple[dict, str]]:
    """The file's lines, parsed and as they are, without a last one that was cut off; [] if there is no file."""
    if not path.exists():
        return []
    whole = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
    try:
        return [(json.loads(line), line) for line in whole]
    except json.JSONDecodeError as error:
        raise OSError(f"{path} is damaged: {error}") from error
