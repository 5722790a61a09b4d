"""A run goes on with its classes in the order in which it learnt them, whatever order the data has now.

Version 0.2 numbered the classes 1, 10, 2 of a folder in this order; they are 1, 2, 10 since.
"""

from pathlib import Path

from gan_jax.data import Domains, Source
from gan_jax.data.classes import in_order_of
from gan_jax.runs import directory
from gan_jax.runs.data import Data


def as_learnt(data: Data, workdir: str | Path) -> Data:
    """The data with its labels numbered as the run of a directory has them; as it is where there is no run.

    Also as it is where the run's classes are others, which opening the run refuses; and in several domains, for which
    examples were chosen by their numbers.
    """
    if not (Path(workdir) / "config.json").exists() or data.source is None or isinstance(data.source, Domains):
        return data
    classes = tuple(directory.read_config(workdir)["data"]["classes"])
    if data.spec.classes == classes or sorted(data.spec.classes) != sorted(classes):
        return data
    counts = dict(zip(data.spec.classes, data.spec.class_counts))
    spec = data.spec._replace(classes=classes, class_counts=tuple(counts[name] for name in classes if name in counts))

    def renumbered(source: Source | None) -> Source | None:
        return None if source is None else in_order_of(source, classes)

    source = renumbered(data.source)
    real = source if data.real is data.source else renumbered(data.real)
    return data._replace(spec=spec, source=source, real=real, test=lambda: renumbered(data.test()))
