"""The images that a run learnt, wherever they lie now; and other images of the same kind."""

from typing import NamedTuple

from gan_jax.config.options import replace
from gan_jax.config.parts import DataConfig
from gan_jax.data import Source
from gan_jax.data.classes import apart, in_order_of
from gan_jax.data.fingerprint import fingerprint
from gan_jax.evaluation.features import Extractor
from gan_jax.evaluation.scores import Images
from gan_jax.runs import data, directory, monitor, same_data
from gan_jax.runs.data import Data
from gan_jax.runs.experiment import find
from gan_jax.runs.restore import TrainedRun

SPLITS = ("train", "test")


class Place(NamedTuple):
    """Where the data lie now, None for where they were; and whether they may be others than the run learnt."""

    data_dir: str | None = None
    dataset: str | None = None
    allow_changed_data: bool = False


WHERE_IT_WAS = Place()


class RealImages(NamedTuple):
    """What a run learnt, and what its samples are compared with.

    Fields:
      source, test: the training images and, where there are any, the test images.
      compared: (what samples are compared with, others, or None for half of the same); of these two.
      real, other: what is known of both.
    """

    source: Source
    test: Source | None
    compared: tuple[Source, Source | None]
    real: Images
    other: Images


def data_config(run: TrainedRun, place: Place) -> DataConfig:
    """What names the run's data now. Raises ValueError for a dataset that cannot be the run's."""
    own = run.config.data
    given = {"data_dir": place.data_dir, "dataset": place.dataset}
    now = replace(own, **{name: value for name, value in given.items() if value is not None})
    same_data.require_same_place(run.workdir, own.dataset, now.dataset)
    return now


def again(run: TrainedRun, place: Place) -> Data:
    """What the run learnt, as its experiment loads it. Raises ValueError or OSError if it cannot be read, or has changed."""
    own = data_config(run, place)
    found = find(run.experiment).load(replace(run.config, data_dir=own.data_dir, dataset=own.dataset))
    there = same_data.of_run(directory.read_config(run.workdir))
    same_data.require_same(run.workdir, there, fingerprint(found.source), place.allow_changed_data)
    return found


def read(
    run: TrainedRun,
    config: DataConfig,
    count: int,
    extractor: Extractor | None,
    allow_changed: bool,
    split: str = SPLITS[0],
) -> RealImages:
    """`count` of the images that the run learnt, and others; labels by the run's own numbers.

    Args: split: which of them, a name in SPLITS, samples are compared with.

    Raises ValueError if they, or their classes, have changed, or if there is no such split.
    """
    source = data.load(config)
    if sorted(source.classes) != sorted(run.spec.classes):
        differing = apart(run=run.spec.classes, data=source.classes)
        raise ValueError(f"{config.dataset} no longer has the classes that {run.workdir} learnt: {differing}")
    learnt, now = same_data.of_run(directory.read_config(run.workdir)), fingerprint(source)
    if learnt and learnt.digest != now.digest:  # their numbers may differ, by what was held out
        same_data.require_same(run.workdir, learnt, now, allow_changed)
    source, test = (each and in_order_of(each, run.spec.classes) for each in (source, data.load_test(config, source)))
    if split == "test" and test is None:
        raise ValueError(f"split=test: {config.dataset} has no test images")
    compared = (source, test) if split == "train" else (test, source)
    return RealImages(source, test, compared, *monitor.real_pair(*compared, count, extractor))
