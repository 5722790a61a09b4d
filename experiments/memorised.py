"""Nearest training images of a run's samples, for its page."""

from pathlib import Path
from types import SimpleNamespace

from experiments import evaluate, page
from gan_jax.loop import NonFinite

PICTURE = "nearest-newest.png"


def figure(workdir: Path, title: str) -> str:
    """The pairs as a figure: made now, unless `experiments.evaluate` has made them of this state; or a note of why they cannot be."""
    written = lambda name: (workdir / name).stat().st_mtime if (workdir / name).exists() else 0
    if written(PICTURE) < written("result.json"):  # of an earlier state, or none
        try:
            evaluate.evaluate(
                SimpleNamespace(
                    workdir=str(workdir),
                    metrics=["memorisation"],
                    num_samples=evaluate.COMPARED,
                    extractor=None,
                    inception_weights=None,
                    data_dir=None,
                    seed=0,
                )
            )
        except (ValueError, OSError, NonFinite) as error:
            return page.note(f"{title}: no nearest training images ({error})")
    return page.picture(
        workdir / PICTURE, f"{title}: what is most like a copy, each sample left of its nearest training image"
    )
