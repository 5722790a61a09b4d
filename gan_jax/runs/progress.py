"""How long a run has trained, over all its starts, and how many images it has learnt from: progress.jsonl.

A line for each checkpoint: {"step", "seconds", "since", "images"}. `seconds` are those of the rounds after round `since`,
which is 0 but in a run that was begun before there were such lines. Rounds that were lost, since the run was killed after
its last checkpoint, are made again, and count once.
"""

import json
import time
from collections.abc import Sequence
from pathlib import Path

from gan_jax.config.options import flat
from gan_jax.recipes.contract import Phase, Recipe
from gan_jax.training.files import replace_file

LINES = "progress.jsonl"


class Progress:
    """Keeps the record of a run, from the round on from which it goes on now. Raises OSError if it cannot."""

    def __init__(self, workdir: Path, step: int):
        self._path, self._began = workdir / LINES, time.perf_counter()
        self._lines = [line for line in read(workdir) if line["step"] <= step]
        last = self._lines[-1] if self._lines else {"step": 0, "seconds": 0.0, "since": 0}
        self._before, self._since = (last["seconds"], last["since"]) if last["step"] == step else (0.0, step)

    def note(self, step: int, images: int) -> None:
        """Records that this round is over, in which as many images have been seen in all."""
        seconds = round(self._before + time.perf_counter() - self._began, 3)
        line = {"step": step, "seconds": seconds, "since": self._since, "images": images}
        self._lines = [each for each in self._lines if each["step"] < step] + [line]
        replace_file(self._path, "".join(json.dumps(each) + "\n" for each in self._lines).encode())


def read(workdir: Path) -> list[dict]:
    """The lines of a run, by step; [] if there are none."""
    path = workdir / LINES
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def batches_learnt(config: object, recipe: Recipe) -> int:
    """The batches of real examples that are learnt from in a round; in a GAN, that D sees."""
    batches = flat(config).get("n_critic") or recipe.batches_per_step
    return batches if isinstance(batches, int) else max(batches.values())


def images_seen(config: object, phases: Sequence[Phase], step: int) -> int:
    """The real examples that are learnt from in the first `step` rounds; in a GAN, that D sees."""
    seen, first = 0, 0
    for phase in phases:
        until = step if phase.until_step is None else min(step, phase.until_step)
        seen += max(0, until - first) * phase.batch_size * batches_learnt(config, phase.recipe)
        first = max(first, until)
    return seen


def duration(seconds: float) -> str:
    """In the words of people: "45 s", "2 min 7 s", "12 min", "3 h 20 min", "2 days 3 h"."""
    seconds = round(seconds)
    minutes, hours = round(seconds / 60), round(seconds / 3600)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 600:
        return f"{seconds // 60} min" + (f" {seconds % 60} s" if seconds % 60 else "")
    if minutes < 60:
        return f"{minutes} min"
    if hours < 24:
        return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")
    return f"{hours // 24} day{'s' * (hours >= 48)}" + (f" {hours % 24} h" if hours % 24 else "")
