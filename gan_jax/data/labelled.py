"""Which few examples keep their labels, where the others are used without."""

from collections.abc import Callable

import numpy as np


def first(labels: np.ndarray, num_classes: int, count: int, seed: int) -> np.ndarray:
    """The first `count` examples. The seed changes nothing."""
    return np.arange(count)


def stratified(labels: np.ndarray, num_classes: int, count: int, seed: int) -> np.ndarray:
    """Equally many of each class, at random; where `count` is no multiple of K, one more of some classes."""
    random = np.random.RandomState(seed)
    more = random.permutation(num_classes) < count % num_classes
    chosen = []
    for label in range(num_classes):
        members, share = random.permutation(np.flatnonzero(labels == label)), count // num_classes + more[label]
        if len(members) < share:
            raise ValueError(f"num_labeled={count}: class {label} has {len(members)} examples, fewer than its share {share}")
        chosen.append(members[:share])
    return np.sort(np.concatenate(chosen))


CHOICES: dict[str, Callable[..., np.ndarray]] = {"first": first, "stratified": stratified}


def choose(labels: np.ndarray, num_classes: int, count: int, choice: str, seed: int) -> np.ndarray:
    """The indices of the examples that keep their labels, int64 [count], ascending.

    Args: labels: int32 [N] in 0..K-1; choice: a name in CHOICES.
    Raises ValueError if there are fewer examples, or a class has none that is labelled.
    """
    if count > len(labels):
        raise ValueError(f"num_labeled={count}: there are {len(labels)} examples")
    chosen = CHOICES[choice](labels, num_classes, count, seed)
    found = np.bincount(labels[chosen], minlength=num_classes)
    if not found.all():
        raise ValueError(
            f"num_labeled={count}: class {found.argmin()} has no labelled example, so it cannot be learnt; "
            "take more, or label_choice=stratified"
        )
    return chosen
