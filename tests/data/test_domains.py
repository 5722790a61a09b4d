"""Batches of several domains, each in an order of its own."""

import itertools

import numpy as np
import pytest

from gan_jax.data import Domains, batches, indices
from gan_jax.data.classes import keep
from gan_jax.data.pipeline import consumed
from gan_jax.data.source import select

ROWS = indices(150, 0, 0, 8)


def labels(found, domain):
    """The examples that a domain of `numbered` examples gave, in order."""
    return np.concatenate([batch[domain]["label"].ravel() for batch in found])


def test_batches_are_nested(every_field, numbered, take):
    source = Domains({"b": select(every_field, ["video", "voxels"]), "a": numbered(7)})
    (batch,) = take(1, source, seed=0, batch_size=4, batches_per_step={"a": 1, "b": 2})
    assert list(batch) == ["b", "a"] and list(batch["b"]) == ["video", "voxels"]
    assert batch["b"]["video"].shape == (2, 4, 5, 4, 4, 3) and batch["b"]["video"].dtype == np.uint8
    assert batch["b"]["voxels"].shape == (2, 4, 3, 4, 5) and batch["b"]["voxels"].dtype == np.bool_
    assert batch["a"]["image"].shape == (1, 4, 1, 1, 1)
    np.testing.assert_array_equal(batch["b"]["video"].reshape(8, 5, 4, 4, 3), every_field.arrays["video"][ROWS])


def test_a_number_goes_for_every_domain(numbered, take, assert_equal):
    given = dict(source=Domains({"a": numbered(7), "b": numbered(30)}), seed=0, batch_size=4)
    each = dict(batches_per_step={"b": 2, "a": 2}, start_position={"a": 5, "b": 5})
    assert_equal(take(3, **given, batches_per_step=2, start_position=5), take(3, **given, **each))


def test_domains_of_other_lengths_go_as_if_alone(numbered, take, assert_equal):
    """As the unlabelled and the labelled images of a semi-supervised GAN always did: these orders may never change."""
    sources = {"unlabelled": numbered(101), "labelled": numbered(10)}
    given = dict(seed=1, batch_size=4, start_step=2)
    found = take(9, Domains(sources), batches_per_step={"unlabelled": 3, "labelled": 2}, **given)
    for (name, source), batches_per_step in zip(sources.items(), (3, 2), strict=True):
        alone = take(9, source, batches_per_step=batches_per_step, **given)
        assert_equal([batch[name] for batch in found], alone)


@pytest.mark.parametrize("lengths", [(1000, 1000, 1000), (1000, 1001, 999), (1000, 1099, 910), (3786, 3786, 3700)])
def test_domains_of_like_lengths_are_not_paired(numbered, take, lengths):
    """At no lag, and over some epochs: what agrees is by chance."""
    source = Domains({name: numbered(length) for name, length in zip("abc", lengths, strict=True)})
    found = take(40, source, seed=0, batch_size=50, batches_per_step=2)
    for one, other in itertools.combinations("abc", 2):
        ours, theirs = labels(found, one), labels(found, other)
        assert max(np.mean(ours == np.roll(theirs, lag)) for lag in range(-150, 151)) < 0.01
    for name, length in zip("abc", lengths, strict=True):
        np.testing.assert_array_equal(np.sort(labels(found, name)[:length]), np.arange(length))


def test_orders_are_functions_of_seed_and_number(numbered, take):
    """The first domain's by the seed alone, and every later one's of the same length by its number too."""
    source = Domains({"a": numbered(40), "other": numbered(11), "b": numbered(40)})
    for seed in (0, 7):
        found = take(6, source, seed=seed, batch_size=5, batches_per_step=4, start_step=3)
        for name, length, order in (("a", 40, 0), ("other", 11, 0), ("b", 40, 2)):
            np.testing.assert_array_equal(labels(found, name), indices(length, seed, 60, 120, order))


@pytest.mark.parametrize("workers", [0, 1])
def test_resume(numbered, take, assert_equal, workers):
    given = dict(source=Domains({"a": numbered(10), "b": numbered(10)}), seed=1, batch_size=3)
    given |= dict(batches_per_step={"a": 2, "b": 1})
    assert_equal(take(4, **given, start_step=5, workers=workers), take(9, **given)[5:])


def test_slices_of_processes_tile_the_batch(numbered, take):
    given = dict(source=Domains({"a": numbered(10), "b": numbered(10)}), seed=1, batch_size=8, batches_per_step=2)
    slices = [take(3, **given, process_index=index, process_count=2) for index in range(2)]
    for step, whole in enumerate(take(3, **given)):
        for domain in "ab":
            tiled = np.concatenate([part[step][domain]["image"] for part in slices], axis=1)
            np.testing.assert_array_equal(tiled, whole[domain]["image"])


def test_no_example_is_repeated_or_skipped_where_the_batch_size_changes(numbered, take):
    source = Domains({"a": numbered(13), "b": numbered(13)})
    stretches = [(3, {"a": 2, "b": 1}, 4), (2, {"a": 1, "b": 3}, 6), (4, {"a": 2, "b": 2}, 2)]
    found, start_step = [], 0
    for number, (steps, batches_per_step, batch_size) in enumerate(stretches):
        given = dict(batch_size=batch_size, batches_per_step=batches_per_step, start_step=start_step)
        found += take(steps, source, seed=2, start_position=consumed(stretches[:number]), **given)
        start_step += steps
    assert consumed(stretches) == {"a": 52, "b": 64}
    np.testing.assert_array_equal(labels(found, "a"), indices(13, 2, 0, 52))
    np.testing.assert_array_equal(labels(found, "b"), indices(13, 2, 0, 64, 1))


WRONG = {
    "batches_per_step={'a': 1}: must be a number, or one for each of a, b": {"batches_per_step": {"a": 1}},
    "batches_per_step={'a': 1, 'c': 1}: must be a number, or one for each of a, b": {
        "batches_per_step": {"a": 1, "c": 1}
    },
    "start_position={'b': 1}: must be a number, or one for each of a, b": {"start_position": {"b": 1}},
    "batches_per_step of b=0: must be at least 1": {"batches_per_step": {"a": 1, "b": 0}},
    "start_position of b=-1: must be at least 0": {"start_position": {"a": 1, "b": -1}},
    "number of examples of b=0: must be at least 1": {"length": 0},
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_arguments(numbered, message):
    given = {"seed": 0, "batch_size": 4, "batches_per_step": 1, "length": 5, **WRONG[message]}
    source = Domains({"a": numbered(5), "b": keep(numbered(5), np.arange(given.pop("length")))})
    with pytest.raises(ValueError) as error:
        batches(source, **given)
    assert str(error.value) == message


def test_error_of_a_domain_comes_out(numbered):
    class Broken:
        def __len__(self):
            return 3

        def __getitem__(self, indices):
            raise ValueError("image 1 is broken")

    iterator = batches(Domains({"a": numbered(5), "b": Broken()}), seed=0, batch_size=4, batches_per_step=1)
    with pytest.raises(RuntimeError, match="^step 0 cannot be read: ValueError: image 1 is broken$"):
        next(iterator)
