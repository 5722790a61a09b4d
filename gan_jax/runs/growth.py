"""growth.png: samples of a network that grows, of each of its phases, side by side."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from gan_jax.pictures import grids, panels

NAME = "growth.png"
SIDE = 384  # of the samples of a phase, at most


def save(workdir: Path, borders: Sequence[int]) -> None:
    """Writes the picture from those in samples/: of each phase the last one, until the run's end.

    Args: borders: the last rounds of all phases but the last. Nothing is written before the first.
    """
    there = {int(path.stem): path for path in (workdir / "samples").glob("*.png")}
    last, chosen = max(there, default=0), []
    for first, end in zip([0, *borders], [*borders, last]):
        chosen += [max(of_phase)] if (of_phase := [step for step in there if first < step <= end]) else []
    if len(chosen) > 1:
        pictures = [Image.open(there[step]) for step in chosen]
        grids.save(
            panels.wall([pictures], [""], [f"after round {step:,}" for step in chosen], side=SIDE), workdir / NAME
        )
