import pytest

from experiments import sweep

NAMES = {"game", "penalty", "d_lr", "seed", "steps"}


def test_several_sweeps_make_a_grid_the_last_changing_first():
    found = sweep.combinations(sweep.parse(["game=hinge,minmax", "--d_lr=1e-3, 1e-4"], "dcgan", NAMES))
    assert found == [
        {"game": "hinge", "d_lr": "1e-3"}, {"game": "hinge", "d_lr": "1e-4"},
        {"game": "minmax", "d_lr": "1e-3"}, {"game": "minmax", "d_lr": "1e-4"},
    ]  # fmt: skip
    assert sweep.label(found[0]) == "game=hinge, d_lr=1e-3"
    assert sweep.label({"game": "hinge"}) == "hinge"


def test_values_with_commas_stand_between_bars():
    assert sweep.parse(["penalty=r1|r1,r2|none"], "dcgan", NAMES) == {"penalty": ["r1", "r1,r2", "none"]}


def test_a_name_that_no_file_can_have_is_refused():
    with pytest.raises(ValueError, match="too long for a file's name"):
        sweep.combinations({"dataset": ["digits", "folder:" + 240 * "a"]})


def test_directories_of_different_cells_differ():
    """a/b and a_b would both be a_b."""
    with pytest.raises(ValueError, match="read alike"):
        sweep.combinations({"game": ["a/b", "a_b"]})
