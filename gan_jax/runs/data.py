"""The data of a run: what its flags name, in memory if it fits; and its batches, whose positions a step alone decides."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

import jax
import numpy as np
from tqdm import tqdm

from gan_jax.config.options import flat, replace
from gan_jax.config.parts import DataConfig
from gan_jax.data import ArraySource, DataSpec, Domains, Source, describe, in_memory, look, nbytes, pipeline, sources
from gan_jax.data.classes import apart, keep
from gan_jax.data.pixels import parse_size
from gan_jax.data.source import NoSplit
from gan_jax.recipes.contract import Batch, Phase, phase_at

HELD_OUT = 5  # a fifth of the examples, where there is no test split


class Data(NamedTuple):
    """What a run learns from.

    Fields:
      spec: of an example, and what its labels are called.
      source: what batches are made of; None where they are made otherwise.
      real: the images that samples are compared with; None where there are none.
      test: () -> other real images, None if there are none. Raises ValueError or OSError.
      found: what else an experiment's `load` found out, for its `train`.
    """

    spec: DataSpec
    source: Source | Domains | None
    real: Source | None = None
    test: Callable[[], Source | None] = lambda: None
    found: Mapping[str, object] = MappingProxyType({})


def load_images(config: object, *, count_classes: Callable[[Source], bool] | bool = False) -> Data:
    """The images that config.data names. Raises ValueError or OSError if they cannot be read.

    count_classes: whether the spec says how many examples each class has; then ValueError if there are no labels.
    """
    source = load(config.data)
    counted = count_classes(source) if callable(count_classes) else count_classes
    spec = describe(source, count_classes=counted)
    return Data(spec, source, source, cache(lambda: load_test(config.data, source)))


def load_conditional(config: object) -> Data:
    """As `load_images`: with the counts of classes if the option `conditional` asks for them and there are several."""
    return load_images(config, count_classes=lambda source: flat(config)["conditional"] and len(source.classes) > 1)


def load(config: DataConfig, split: str = "train") -> Source:
    """A split of the dataset, in memory if it fits. Says what is strange about it. Raises ValueError or OSError."""
    source = find(config, split)
    source = in_memory(source) if nbytes(source) <= config.in_memory_gib * 2**30 else source
    for line in look.warnings(source) if split == "train" else ():
        tqdm.write(f"warning: {config.dataset}: {line}")
    return source


def find(config: DataConfig, split: str = "train") -> Source:
    """A split of the dataset, where it lies. Raises ValueError or OSError."""
    return sources.load(
        config.dataset,
        data_dir=config.data_dir,
        split=split,
        image_size=None if config.image_size is None else parse_size(config.image_size),
        classes=config.classes,
        crop=config.crop,
        white_level=config.white_level,
        max_pixels=config.max_pixels,
        skip_broken=config.skip_broken,
        num_labels=getattr(config, "num_labels", None),
        frames=getattr(config, "frames", None),
    )


def all_classes(config: DataConfig) -> tuple[str, ...]:
    """The classes of the dataset, not only those that are kept. Raises ValueError or OSError."""
    return find(replace(config, classes=None)).classes


def load_test(config: DataConfig, source: Source) -> Source | None:
    """The dataset's split "test"; None if it has none.

    Raises ValueError or OSError if it cannot be read, or is not like `source`, the split "train".
    """
    try:
        test = load(config, "test")
    except NoSplit:
        return None
    if test.spec != source.spec:
        shapes = [DataSpec(each.spec).seen_shape for each in (source, test)]
        raise ValueError(
            f"{config.dataset}: its split train has images {shapes[0]}, its split test {shapes[1]}; they must be alike"
        )
    if test.classes != source.classes:
        differing = apart(train=source.classes, test=test.classes)
        raise ValueError(f"{config.dataset}: its splits train and test must have the same classes: {differing}")
    return test


def splits(config: DataConfig) -> tuple[Source, Source]:
    """What is trained on and what is tested on; without a test split, a fifth of the examples is held out.

    Raises ValueError or OSError if they cannot be read.
    """
    source = load(config)
    return held_out(source, load_test(config, source))


def held_out(source: Source, test: Source | None) -> tuple[Source, Source]:
    """What is trained on and what is tested on, of a dataset's splits; without a test split a fifth is held out."""
    if test is not None:
        return source, test
    order = np.random.RandomState(0).permutation(len(source))
    train_rows, test_rows = np.split(order, [len(source) - max(1, len(source) // HELD_OUT)])
    return keep(source, train_rows), keep(source, test_rows)


def batches_of(source: Source | Domains, phases: Sequence[Phase], config: object) -> Callable[[int], Iterator[Batch]]:
    """This process's share of the batches from a step on, as `loop.fit` takes them; to the end of that step's phase."""

    def batches(step: int) -> Iterator[Batch]:
        phase = phases[phase_at(phases, step + 1)]
        in_arrays = all(isinstance(getattr(each, "source", each), ArraySource) for each in _all(source))
        return pipeline.batches(
            source,
            seed=config.run.seed,
            batch_size=phase.batch_size,
            batches_per_step=phase.recipe.batches_per_step,
            start_step=step,
            start_position=position(phases, step),
            process_index=jax.process_index(),
            process_count=jax.process_count(),
            workers=0 if in_arrays else config.data.data_workers,
        )

    return batches


def position(phases: Sequence[Phase], step: int) -> int | dict[str, int]:
    """How many examples, of each domain, the first `step` steps take: batches may change their size from phase to phase."""
    stretches, first = [], 0
    for phase in phases:
        until = step if phase.until_step is None else min(step, phase.until_step)
        stretches.append((max(0, until - first), phase.recipe.batches_per_step, phase.batch_size))
        first = max(first, until)
    return pipeline.consumed(stretches)


def require_shares(batch_size: int) -> None:
    """Raises ValueError unless the devices can share the batch."""
    if batch_size % jax.device_count():
        raise ValueError(f"batch_size {batch_size} is not divisible by the {jax.device_count()} devices")


def _all(source: Source | Domains) -> list[Source]:
    return list(source.sources.values()) if isinstance(source, Domains) else [source]
