import pytest

from gan_jax.ablation import sweep
from gan_jax.runs.experiment import find

DCGAN = find("dcgan")


def test_several_sweeps_make_a_grid_the_last_changing_first():
    found = sweep.combinations(sweep.parse(["game=hinge,minmax", "--d_lr=1e-3, 1e-4"], DCGAN))
    assert found == [
        {"game": "hinge", "d_lr": "1e-3"}, {"game": "hinge", "d_lr": "1e-4"},
        {"game": "minmax", "d_lr": "1e-3"}, {"game": "minmax", "d_lr": "1e-4"},
    ]  # fmt: skip
    assert sweep.label(found[0]) == "game=hinge, d_lr=1e-3"
    assert sweep.label({"game": "hinge"}) == "hinge"


def test_values_with_commas_stand_between_bars():
    assert sweep.parse(["penalty=r1|r1,r2|none"], DCGAN) == {"penalty": ["r1", "r1,r2", "none"]}


def test_a_configuration_has_the_values_as_its_options_have_them():
    found = sweep.configuration(DCGAN.default, {"penalty": "r1,r2", "d_lr": "1e-3", "n_critic": "2", "game": "hinge"})
    assert (found.gan.penalty, found.gan.d_lr, found.gan.n_critic, found.gan.game) == (("r1", "r2"), 1e-3, 2, "hinge")


@pytest.mark.parametrize(
    "text, hint", [("gane=a,b", "did you mean --game?"), ("d_shift=1,2", "it is now --augment=translate:2")]
)
def test_for_a_flag_that_there_is_not_another_is_named(text, hint):
    with pytest.raises(ValueError, match=f"dcgan has no flag --{text.partition('=')[0]}; {hint}".replace("?", r"\?")):
        sweep.parse([text], DCGAN)


def test_a_name_that_no_file_can_have_is_refused():
    with pytest.raises(ValueError, match="too long for a file's name"):
        sweep.combinations({"dataset": ["digits", "folder:" + 240 * "a"]})


def test_directories_of_different_runs_differ():
    """a/b and a_b would both be a_b."""
    with pytest.raises(ValueError, match="read alike"):
        sweep.combinations({"game": ["a/b", "a_b"]})
