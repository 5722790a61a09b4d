"""few:N:NAME is N examples of each class of another dataset, drawn at random: what is learnt from little.

few:10:mnist are always the same ten of each digit, few:10,3:mnist ten others, those of seed 3. What is tested on is the other
dataset's split "test"; where it has none, all that was not drawn.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gan_jax.data.classes import keep
from gan_jax.data.labelled import stratified
from gan_jax.data.source import NoSplit, Source

KIND = "few"
FORM = re.compile(r"few:(\d+)(?:,(\d+))?:(.+)")


class Few(NamedTuple):
    """What a name says: how many of each class, by which seed, of which dataset."""

    count: int
    seed: int
    dataset: str


def parse(name: str) -> Few:
    """What few:N:NAME or few:N,SEED:NAME says. Raises ValueError if it is neither."""
    found = FORM.fullmatch(name)
    if not found or not int(found[1]):
        raise ValueError(f"{name}: must be few:N:NAME, as in few:10:mnist, or few:N,SEED:NAME")
    return Few(int(found[1]), int(found[2] or 0), found[3])


def named(count: int, seed: int, dataset: str) -> str:
    """The name of so many examples a class."""
    return f"{KIND}:{count},{seed}:{dataset}"


def base_of(dataset: str) -> str | None:
    """The dataset of few:N:NAME, NAME; None for other names."""
    found = FORM.fullmatch(dataset)
    return found and found[3]


def load(name: str, split: str, of: Callable[[str, str], Source]) -> Source:
    """The split of few:N:NAME. Args: of: (a dataset's name, a split) -> its source.

    Raises ValueError if it has no classes, or one has fewer examples; and as `of`.
    """
    count, seed, dataset = parse(name)
    train = of(dataset, "train")
    if not train.classes:
        raise ValueError(f"{name}: {dataset} has no classes to draw examples of")
    try:
        chosen = stratified(train.labels, train.classes, count * len(train.classes), seed)
    except ValueError as error:
        raise ValueError(f"{name}: {str(error).partition(': ')[2]}") from error
    if split == "train":
        return keep(train, chosen)
    try:
        return of(dataset, split)
    except NoSplit:
        return keep(train, np.setdiff1d(np.arange(len(train)), chosen))
