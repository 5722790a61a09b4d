"""The two domains that a run translates between."""

from pathlib import Path
from typing import TypeVar

from gan_jax.config.options import replace
from gan_jax.config.unpaired import DomainsConfig
from gan_jax.data import DataSpec, Domains, Source
from gan_jax.data.source import select
from gan_jax.runs import data
from gan_jax.runs.data import Data

Config = TypeVar("Config")
NAMES = ("a", "b")


def load_domains(config: object) -> Data:
    """Images of domains a and b, without labels; the test's have those that there are, and `found` has the train's with theirs.

    Where a domain has no test split, a fifth of its images is not learnt, and is the test. Raises ValueError or OSError if they
    cannot be read, or are not of one size.
    """
    trains, tests = (dict(zip(NAMES, sources)) for sources in zip(*splits(config.data)))
    (height, width, _), other = (source.spec["image"].shape for source in trains.values())
    if (height, width) != other[:2]:
        raise ValueError(
            f"domain a has images of {height}x{width}, domain b of {other[0]}x{other[1]}; --image_size makes them alike"
        )
    learnt = Domains({name: select(source, ("image",)) for name, source in trains.items()})
    return Data(DataSpec(learnt.spec, trains["a"].classes), learnt, test=lambda: Domains(tests), found=trains)


def complete(config: Config, data: Data) -> Config:
    """The configuration with how much an image counts that has nothing to be changed, where it did not say.

    Raises ValueError if it counts, and there are latents, which have nothing to say of it, or the domains' channels differ; or if
    there is a task, and images of domain a have no classes.
    """
    if config.task.task_loss and len(data.spec.classes) < 2:
        raise ValueError("task_loss: images of domain a have no classes to tell apart")
    a, b = (data.spec.example[name]["image"].shape[-1] for name in NAMES)
    own, augmented = config.learning.identity, config.augmented.augmented
    if own and a != b:
        raise ValueError(f"identity={own:g}: images of domain a have {a} channels, those of domain b {b}; it must be 0")
    if own and augmented:
        raise ValueError(f"identity={own:g}: counts nothing with --augmented")
    return replace(config, identity=0.5 if a == b and not augmented else 0.0) if own is None else config


def splits(config: DomainsConfig) -> list[tuple[Source, Source]]:
    """What is learnt and what is tested on, of a and of b. Raises as `load_domains`."""
    if config.dataset is None:
        names = (config.domain_a, config.domain_b)
        return [data.splits(replace(config, dataset=name)) for name in names]
    kind, _, rest = config.dataset.partition(":")
    if kind != "unaligned":
        raise ValueError(
            f"dataset={config.dataset}: must be unaligned:PATH or unaligned:PATH_A,PATH_B; or name domain_a and domain_b"
        )
    for name in ("domain_a", "domain_b"):
        if getattr(config, name) != getattr(DomainsConfig, name):
            raise ValueError(f"{name}={getattr(config, name)}: the domains are those of dataset={config.dataset}")
    paths = rest.split(",")
    if len(paths) == 1 and rest:
        return [_of_folder(config, Path(rest).expanduser(), side) for side in ("A", "B")]
    if len(paths) != 2 or not all(paths):
        raise ValueError(f"dataset={config.dataset}: needs one folder, or two with a comma between")
    return [data.splits(replace(config, dataset=f"folder:{path}")) for path in paths]


def _of_folder(config: DomainsConfig, root: Path, side: str) -> tuple[Source, Source]:
    """The splits of root/trainA and root/testA."""
    train, test = root / f"train{side}", root / f"test{side}"
    if not train.is_dir():
        raise FileNotFoundError(
            f"unaligned:{root}: has no folder train{side}; it has trainA, trainB, and maybe testA and testB"
        )
    own = replace(config, dataset=f"folder:{train}")
    return (data.load(own), data.load(replace(config, dataset=f"folder:{test}"))) if test.is_dir() else data.splits(own)
