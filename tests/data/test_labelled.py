import numpy as np
import pytest

from gan_jax.data.labelled import CHOICES, choose

# Of 4 classes, unequally many each: 5, 10, 15 and 20 examples, mixed.
LABELS = np.random.RandomState(0).permutation(np.repeat(np.arange(4), [5, 10, 15, 20])).astype(np.int32)


def counts(chosen):
    return np.bincount(LABELS[chosen], minlength=4)


def test_every_choice_has_a_case():
    assert set(CHOICES) == {"first", "stratified"}


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("count", [16, 18])
def test_contract(choice, count):
    """As many different indices as were asked for, ascending."""
    chosen = choose(LABELS, "abcd", count, choice, seed=0)
    assert chosen.dtype == np.int64 and chosen.shape == (count,)
    assert (np.diff(chosen) > 0).all() and chosen[0] >= 0 and chosen[-1] < len(LABELS)
    np.testing.assert_array_equal(choose(LABELS, "abcd", count, choice, seed=0), chosen)


def test_first():
    for seed in (0, 1):
        np.testing.assert_array_equal(choose(LABELS, "abcd", 20, "first", seed), np.arange(20))
    np.testing.assert_array_equal(choose(LABELS, "abcd", 50, "first", 0), np.arange(50))


def test_stratified_takes_equally_many_of_each_class():
    for count in (4, 8, 20):
        assert counts(choose(LABELS, "abcd", count, "stratified", 0)).tolist() == [count // 4] * 4


def test_stratified_takes_one_more_of_some_classes():
    """Of which is random too, so that none is preferred."""
    extra = np.zeros(4, int)
    for seed in range(30):
        found = counts(choose(LABELS, "abcd", 14, "stratified", seed))
        assert sorted(found) == [3, 3, 4, 4]
        extra += found - 3
    assert extra.min() > 5


def test_stratified_goes_by_the_seed():
    chosen = {tuple(choose(LABELS, "abcd", 8, "stratified", seed)) for seed in range(10)}
    assert len(chosen) == 10
    ever = np.unique(np.concatenate([choose(LABELS, "abcd", 8, "stratified", seed) for seed in range(100)]))
    np.testing.assert_array_equal(ever, np.arange(len(LABELS)))  # not the first of each class


@pytest.mark.parametrize("choice", CHOICES)
def test_all_examples_can_keep_their_labels(choice):
    labels = np.array([1, 0, 1, 0], np.int32)
    np.testing.assert_array_equal(choose(labels, "ab", 4, choice, 0), np.arange(4))


@pytest.mark.parametrize("choice", CHOICES)
def test_more_than_there_are_raise(choice):
    with pytest.raises(ValueError, match="^num_labeled=51: there are 50 examples$"):
        choose(LABELS, "abcd", 51, choice, 0)


def test_a_class_without_a_labelled_example_raises():
    labels = np.array([0, 2, 0, 1], np.int32)
    with pytest.raises(ValueError, match="^num_labeled=3: class b has no labelled example, so it cannot be learnt"):
        choose(labels, "abc", 3, "first", 0)
    np.testing.assert_array_equal(choose(labels, "abc", 4, "first", 0), np.arange(4))


def test_the_last_class_may_be_the_one_without():
    """Whose label does not occur, so that it is known by its name alone."""
    with pytest.raises(ValueError, match="class c has no labelled example"):
        choose(np.array([0, 1, 0, 1], np.int32), "abc", 4, "first", 0)


def test_fewer_than_one_a_class_raise():
    with pytest.raises(ValueError, match="^num_labeled=3: class . has no labelled example"):
        choose(LABELS, "abcd", 3, "stratified", 0)


def test_a_class_with_fewer_than_its_share_raises():
    with pytest.raises(ValueError, match="^num_labeled=24: class a has 5 examples, and a share would be 6$"):
        choose(LABELS, "abcd", 24, "stratified", 0)
