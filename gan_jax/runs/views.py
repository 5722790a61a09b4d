"""What is seen of a run while it trains: curves, animation and page, drawn anew at checkpoints, when it stops, in the end."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import jax
from tqdm import tqdm

from gan_jax.config.options import flat
from gan_jax.pictures import animations, curves
from gan_jax.recipes.contract import State
from gan_jax.runs import growth, healthy, monitor, progress, report
from gan_jax.runs.progress import Progress
from gan_jax.training import loop, record

SHARE = 1 / 20  # of the time since it was last drawn that drawing may take


def of(run) -> "Views":
    """The views of a run (`training.Run`)."""
    seen = lambda step: progress.images_seen(run.config, run.phases, step)
    borders = [phase.until_step for phase in run.phases if phase.until_step is not None]
    floor = run.plan.floor if run.plan else {}
    return Views(run.workdir, run.config.run.steps, flat(run.config), seen, floor, borders)


_warned: set[str] = set()  # in this process: each warning is said once


def guarded(what: str, act: Callable[[], object]) -> object:
    """What is done, or None after a warning: nothing that is only looked at is worth a training."""
    try:
        return act()
    except Exception as error:
        line = f"warning: cannot {what}: {type(error).__name__}: {' '.join(str(error).split())}"
        if line not in _warned:
            _warned.add(line)
            tqdm.write(line)
        return None


class Views:
    """The views of a run, which are kept up to date. An error in them is one warning, and never the end of a training.

    Args:
      steps: the rounds of the run in all; flags: its options' values.
      images_seen: rounds -> the images learnt from in so many.
      floor: what real images score, by the names of the scores in evaluations.jsonl.
      borders: the last rounds of all phases of a network that grows, but the last one's.
    """

    def __init__(
        self,
        workdir: Path,
        steps: int,
        flags: Mapping[str, object],
        images_seen: Callable[[int], int],
        floor: Mapping[str, float],
        borders: Sequence[int] = (),
    ):
        self._workdir, self._steps, self._flags, self._floor = workdir, steps, flags, floor
        self._images_seen, self._borders, self._progress = images_seen, borders, None
        self._drawn, self._took = time.perf_counter(), 0.0

    def start(self, step: int) -> None:
        """From which round the run goes on."""
        self._progress = guarded("record the time", lambda: Progress(self._workdir, step))

    def checkpoint(self, step: int, state: State) -> None:
        """At a checkpoint: notes the time and draws, unless the last time took too much of the time since."""
        if step > 0:
            self._note(step)
        if 0 < step < self._steps and time.perf_counter() - self._drawn >= self._took / SHARE:
            self.draw()

    @contextmanager
    def when_it_stops(self) -> Iterator[None]:
        """Draws too when a signal, or a number that is not finite, has ended the training; in the first process."""
        try:
            yield
        except (loop.Interrupted, loop.NonFinite) as stop:
            if jax.process_index() == 0:
                if isinstance(stop, loop.Interrupted):
                    self._note(stop.step)
                self.draw()
                print(f"{self._workdir / 'report.html'}  what there is of it, on a page", flush=True)
            raise

    def draw(self) -> None:
        """Draws all anew, from what is in the directory."""
        began, workdir = time.perf_counter(), self._workdir
        guarded(f"draw {workdir / 'curves.png'}", self._curves)
        guarded(f"draw {workdir / 'evaluations.png'}", lambda: monitor.draw(workdir, self._floor))
        guarded(f"draw {workdir / 'samples.gif'}", self._animation)
        guarded(f"draw {workdir / growth.NAME}", lambda: growth.save(workdir, self._borders))
        if (workdir / "config.json").exists():
            guarded(f"write {workdir / 'report.html'}", lambda: report.save(workdir, floor=self._floor))
        self._drawn = time.perf_counter()
        self._took = self._drawn - began

    def _note(self, step: int) -> None:
        if self._progress:
            guarded("record the time", lambda: self._progress.note(step, self._images_seen(step)))

    def _curves(self) -> None:
        metrics = record.read(self._workdir)
        told = dict(levels=healthy.levels(self._flags), notes=healthy.notes(self._flags)) if "d_loss" in metrics else {}
        marks = [border for border in self._borders if metrics and border < metrics["step"][-1]]
        curves.curves(metrics, self._workdir / "curves.png", marks=marks, **told)

    def _animation(self) -> None:
        frames, path = sorted((self._workdir / "samples").glob("*.png")), self._workdir / "samples.gif"
        if frames and (not path.exists() or path.stat().st_mtime_ns <= max(each.stat().st_mtime_ns for each in frames)):
            animations.animate(frames, path)
