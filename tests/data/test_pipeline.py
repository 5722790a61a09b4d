import itertools
import time

import numpy as np
import pytest

from gan_jax.data import ArraySource, batches, indices
from gan_jax.data.pipeline import consumed

# ---------------------------------------------------------------------------------------------------------- indices


@pytest.mark.parametrize("length", [1, 2, 7, 1000])
def test_each_epoch_is_a_permutation(length):
    epochs = indices(length, 3, 0, 5 * length).reshape(5, length)
    np.testing.assert_array_equal(np.sort(epochs, axis=1), np.tile(np.arange(length), (5, 1)))


def test_epochs_and_seeds_differ():
    orders = [indices(1000, seed, 1000 * epoch, 1000) for seed in (0, 1) for epoch in (0, 1)]
    for a, b in itertools.combinations(orders, 2):
        # Two random permutations agree in about one place.
        assert np.sum(a == b) < 10


def test_order_is_uniform():
    # Of 3 things there are 6 orders; each comes up 500 times of 3000, give or take 20.
    orders = indices(3, 0, 0, 9000).reshape(3000, 3)
    _, counts = np.unique(orders, axis=0, return_counts=True)
    assert len(counts) == 6 and counts.min() > 400 and counts.max() < 600


@pytest.mark.parametrize("start, count", [(0, 0), (0, 1), (6, 1), (5, 4), (7, 7), (3, 30), (40, 2)])
def test_any_stretch_is_a_part_of_the_whole(start, count):
    whole = indices(7, 5, 0, 50)
    stretch = indices(7, 5, start, count)
    assert stretch.dtype == np.int64
    np.testing.assert_array_equal(stretch, whole[start : start + count])


def test_order_is_the_same_for_ever():
    # A run that is resumed years later must go on in its order: these numbers may never change.
    assert indices(10, 0, 0, 20).tolist() == [6, 1, 0, 5, 3, 8, 7, 9, 2, 4, 7, 3, 5, 0, 1, 4, 6, 8, 9, 2]


def test_orders_of_a_seed_differ():
    orders = [indices(1000, 0, 1000 * epoch, 1000, order) for order in (0, 1, 2) for epoch in (0, 1)]
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), np.arange(1000))
    for a, b in itertools.combinations(orders, 2):
        assert np.sum(a == b) < 10
    np.testing.assert_array_equal(indices(1000, 0, 0, 2000), np.concatenate(orders[:2]))
    assert indices(10, 0, 0, 10, 1).tolist() == [2, 5, 0, 1, 4, 8, 7, 6, 3, 9]  # for ever


def test_far_positions():
    far = 10**20
    np.testing.assert_array_equal(indices(7, 0, far, 9), indices(7, 0, far - 3, 12)[3:])


def test_result_is_the_callers():
    indices(10, 0, 0, 10)[:] = 0
    assert len(set(indices(10, 0, 0, 10).tolist())) == 10


# ---------------------------------------------------------------------------------------------------------- batches


def test_batches_walk_through_the_sequence(numbered, take):
    found = take(6, numbered(10), seed=4, batch_size=2, batches_per_step=3)
    assert {batch["image"].shape for batch in found} == {(3, 2, 1, 1, 1)}
    assert {batch["label"].shape for batch in found} == {(3, 2)}
    assert found[0]["image"].dtype == np.uint8 and found[0]["label"].dtype == np.int32
    walked = np.concatenate([batch["label"].ravel() for batch in found])
    np.testing.assert_array_equal(walked, indices(10, 4, 0, 36))
    for batch in found:
        np.testing.assert_array_equal(batch["image"].reshape(3, 2), batch["label"])


def test_fewer_examples_than_a_step_takes(numbered, take):
    (batch,) = take(1, numbered(3), seed=0, batch_size=4, batches_per_step=2)
    assert np.bincount(batch["label"].ravel()).tolist() in ([3, 3, 2], [3, 2, 3], [2, 3, 3])


@pytest.mark.parametrize("workers", [0, 2])
def test_resume(numbered, take, assert_equal, workers):
    arguments = dict(source=numbered(10), seed=1, batch_size=3, batches_per_step=2)
    whole = take(9, **arguments)
    assert_equal(take(4, **arguments, start_step=5, workers=workers), whole[5:])


@pytest.mark.parametrize("process_count", [2, 4])
def test_slices_of_processes_tile_the_batch(numbered, take, process_count):
    arguments = dict(source=numbered(10), seed=1, batch_size=8, batches_per_step=2)
    slices = [
        take(3, **arguments, process_index=process_index, process_count=process_count)
        for process_index in range(process_count)
    ]
    for step, whole in enumerate(take(3, **arguments)):
        for name in ("image", "label"):
            tiled = np.concatenate([part[step][name] for part in slices], axis=1)
            np.testing.assert_array_equal(tiled, whole[name])


WRONG = {
    "seed=-1: must be at least 0": {"seed": -1},
    "batch_size=0: must be at least 1": {"batch_size": 0},
    "batches_per_step=0: must be at least 1": {"batches_per_step": 0},
    "start_step=-1: must be at least 0": {"start_step": -1},
    "start_position=-1: must be at least 0": {"start_position": -1},
    "batches_per_step={'a': 1}: must be a number": {"batches_per_step": {"a": 1}},
    "start_position={'a': 1}: must be a number": {"start_position": {"a": 1}},
    "workers=-1: must be at least 0": {"workers": -1},
    "process_index=2: must be from 0 to process_count - 1 = 1": {"process_index": 2, "process_count": 2},
    "batch_size=4: must be a multiple of process_count=3": {"process_count": 3},
    "number of examples=0: must be at least 1": {"source": ArraySource({"label": np.zeros(0, np.int32)})},
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_arguments(numbered, message):
    with pytest.raises(ValueError) as error:
        batches(**{"source": numbered(4), "seed": 0, "batch_size": 4, "batches_per_step": 1, **WRONG[message]})
    assert str(error.value) == message


def test_every_field_is_carried(every_field, take):
    (batch,) = take(1, every_field, seed=0, batch_size=4, batches_per_step=2, start_step=3)
    chosen = indices(150, 0, 24, 8)
    assert list(batch) == list(every_field.spec)
    for name, field in every_field.spec.items():
        assert batch[name].shape == (2, 4, *field.shape) and batch[name].dtype == field.dtype
        np.testing.assert_array_equal(batch[name].reshape(8, *field.shape), every_field.arrays[name][chosen])


# ------------------------------------------------------------------------------------------------------- positions

STRETCHES = [(3, 2, 4), (2, 1, 12), (4, 3, 2)]  # steps, batches_per_step, batch_size


@pytest.mark.parametrize("process_count", [1, 2])
def test_no_example_is_repeated_or_skipped_where_the_batch_size_changes(numbered, take, process_count):
    walked, start_step = [], 0
    for number, (steps, batches_per_step, batch_size) in enumerate(STRETCHES):
        given = dict(seed=5, batch_size=batch_size, batches_per_step=batches_per_step, start_step=start_step)
        given |= dict(start_position=consumed(STRETCHES[:number]), process_count=process_count)
        slices = [take(steps, numbered(17), **given, process_index=index) for index in range(process_count)]
        for parts in zip(*slices, strict=True):
            walked.append(np.concatenate([part["label"] for part in parts], axis=1).ravel())
        start_step += steps
    total = 3 * 8 + 2 * 12 + 4 * 6
    assert consumed(STRETCHES) == total
    np.testing.assert_array_equal(np.concatenate(walked), indices(17, 5, 0, total))


@pytest.mark.parametrize("workers", [0, 1])
def test_resume_within_a_later_stretch(numbered, take, assert_equal, workers):
    given = dict(source=numbered(17), seed=5, batch_size=4, batches_per_step=2)
    whole = take(5, **given, start_step=10, start_position=3)
    again = take(2, **given, start_step=13, start_position=3 + consumed([(3, 2, 4)]), workers=workers)
    assert_equal(again, whole[3:])


def test_without_a_position_all_steps_before_were_alike(numbered, take, assert_equal):
    given = dict(source=numbered(17), seed=5, batch_size=4, batches_per_step=2, start_step=7)
    assert_equal(take(3, **given), take(3, **given, start_position=consumed([(7, 2, 4)])))


def test_consumed():
    assert consumed([]) == 0
    assert consumed([(10, 2, 4), (5, 1, 3)]) == 95
    assert consumed([(10, {"a": 2, "b": 1}, 4), (5, {"b": 3, "a": 1}, 3)]) == {"a": 95, "b": 85}


def test_in_memory_batch_is_quick():
    source = ArraySource({"image": np.zeros((60000, 28, 28, 1), np.uint8), "label": np.zeros(60000, np.int32)}, ("0",))
    iterator = batches(source, seed=0, batch_size=256, batches_per_step=1)

    def seconds():
        start = time.perf_counter()
        next(iterator)
        return time.perf_counter() - start

    seconds()  # permutes
    assert min(seconds() for _ in range(50)) < 1e-3
