"""Which few examples keep their labels, where the others are used without."""

from collections.abc import Callable, Sequence

import numpy as np


def first(labels: np.ndarray, classes: Sequence[str], count: int, seed: int) -> np.ndarray:
    """The first `count` examples. The seed changes nothing."""
    return np.arange(count)


def stratified(labels: np.ndarray, classes: Sequence[str], count: int, seed: int) -> np.ndarray:
    """Equally many of each class, at random; where `count` is no multiple of K, one more of some that have more.

    Raises ValueError if a class has fewer examples than its share.
    """
    random, num_classes = np.random.RandomState(seed), len(classes)
    have, share = np.bincount(labels, minlength=num_classes), count // num_classes
    shares = np.full(num_classes, share)
    able = random.permutation(np.flatnonzero(have > share))
    shares[able[: count % num_classes]] += 1
    if shares.sum() < count or (have < shares).any():
        raise ValueError(
            f"num_labeled={count}: class {classes[have.argmin()]} has {have.min()} examples, and a share would be "
            f"{-(-count // num_classes)}"
        )
    members = [random.permutation(np.flatnonzero(labels == label))[: shares[label]] for label in range(num_classes)]
    return np.sort(np.concatenate(members))


CHOICES: dict[str, Callable[..., np.ndarray]] = {"first": first, "stratified": stratified}


def choose(labels: np.ndarray, classes: Sequence[str], count: int, choice: str, seed: int) -> np.ndarray:
    """The indices of the examples that keep their labels, int64 [count], ascending.

    Args: labels: int32 [N] in 0..K-1; classes: the K names; choice: a name in CHOICES.
    Raises ValueError if there are fewer examples, of all or of a class, or a class has none that is labelled.
    """
    if count > len(labels):
        raise ValueError(f"num_labeled={count}: there are {len(labels)} examples")
    chosen = CHOICES[choice](labels, classes, count, seed)
    found = np.bincount(labels[chosen], minlength=len(classes))
    if not found.all():
        better = "; take more" if choice == "stratified" else "; take more, or label_choice=stratified"
        name = classes[found.argmin()]
        raise ValueError(f"num_labeled={count}: class {name} has no labelled example, so it cannot be learnt{better}")
    return chosen
