"""The training images that are nearest to a run's samples, looked for and shown."""

from pathlib import Path

from gan_jax.config.parts import ScoringConfig
from gan_jax.data import DataSpec
from gan_jax.pictures import grids, page
from gan_jax.runs import directory, report, score
from gan_jax.runs.restore import restore
from gan_jax.training.loop import NonFinite


def nearest(workdir: Path, title: str) -> str:
    """The nearest training images of a run's samples as a figure; a note of why there are none; "" if it draws nothing.

    They are looked for now, unless it has been done for this state. Args: title: whose samples they are.
    """
    image = DataSpec.from_json(directory.read_config(workdir)["data"]).example.get("image")
    if image is not None and len(image.shape) != 3:
        return ""  # it draws points
    try:
        run = restore(workdir)
        if run.recipe.sampler is None:
            return ""
        if _written(workdir / report.NEAREST) < max(
            _written(workdir / "result.json"), _written(workdir / "checkpoints" / str(run.step))
        ):  # it is of an earlier state, or there is none
            _, pictures = score.score(run, ScoringConfig(num_samples=score.COMPARED), [score.MEMORISATION])
            grids.save(pictures["nearest-newest"], workdir / report.NEAREST)
    except (ValueError, OSError, NonFinite) as error:
        return page.note(f"{title}: no nearest training images ({error})")
    return report.nearest(workdir, title)


def _written(path: Path) -> float:
    return path.stat().st_mtime if path.exists() else 0.0
