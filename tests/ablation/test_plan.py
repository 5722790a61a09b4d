"""What an ablation is to run, from its command line; nothing is run here."""

from dataclasses import replace

import pytest

from gan_jax.ablation import plan, running
from gan_jax.ablation.plan import AblationConfig
from gan_jax.recipes.contract import Phase, Recipe
from gan_jax.runs import data
from gan_jax.runs.experiment import find

TINY = ("--network=mlp", "--hidden=8", "--image_size=8", "--batch_size=8")
SWEEP = "--sweep=game=hinge,wasserstein"

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture
def planned(run_command, monkeypatch, tmp_path):
    """planned(*flags) is what would be run, (plan, runs, workdir, options)."""

    def planned(*given):
        found = []
        monkeypatch.setattr(running, "carry_out", lambda *made, **options: found.append((*made, options)))
        workdir = tmp_path / "ablation"
        assert run_command("ablate", f"--workdir={workdir}", *given) == 0
        assert not workdir.exists()
        return found[0]

    return planned


def steps_of(runs):
    return {tuple(run.combination.values()): run.steps for run in runs}


def test_equal_images_are_fewer_rounds_for_more_critic_steps(planned):
    """wasserstein makes five D-steps a round, hinge one."""
    _, runs, *_ = planned(*TINY, SWEEP, "--budget=images", "--images=4000")
    assert steps_of(runs) == {("hinge",): 500, ("wasserstein",): 100}


@pytest.mark.parametrize(
    "given",
    [
        ("--experiment=classifier", "--sweep=channels=4,8", "--batch_size=8"),
        ("--experiment=sgan", "--sweep=num_labeled=40,50", *TINY[2:]),
        ("--experiment=mixture2d", "--sweep=trials=2,3", "--hidden=8", "--d_hidden=8", "--batch_size=8"),
    ],
)
def test_equal_images_of_what_is_no_plain_gan(given, planned):
    """A batch a round, whatever else the round takes."""
    _, runs, *_ = planned(*given, "--budget=images", "--images=4000")
    assert set(steps_of(runs).values()) == {500}


def test_flags_stand_in_any_order_and_after_two_dashes(planned):
    made, runs, workdir, options = planned(
        "--sweep", "game=hinge,minmax", "--steps", "30", "--sweep=penalty=r1|r1,r2", "--jobs=2", "--seed=4",
        "--seeds=2", "--", "--batch_size=8", "--nod_spectral_norm", "--d_lr=1e-3", *TINY[:3],
    )  # fmt: skip
    flags = {
        "batch_size": "--batch_size=8", "d_spectral_norm": "--nod_spectral_norm", "d_lr": "--d_lr=0.001",
        "network": "--network=mlp", "hidden": "--hidden=8", "image_size": "--image_size=8",
    }  # fmt: skip
    swept = {"game": ["hinge", "minmax"], "penalty": ["r1", "r1,r2"]}
    assert made == plan.Plan("dcgan", swept, flags, 4, "steps", 30)
    assert options == {"jobs": 2, "vmap_trials": False}
    assert [run.workdir for run in runs[:3]] == [
        workdir / "runs" / name
        for name in ("game_hinge-penalty_r1-seed4", "game_hinge-penalty_r1-seed5", "game_hinge-penalty_r1_r2-seed4")
    ]
    assert {run.steps for run in runs} == {30} and len(runs) == 8


def test_seeds_that_are_listed(planned):
    """Of each combination; the first of them is the ablation's."""
    made, runs, *_ = planned(*TINY, SWEEP, "--seed_list=0,7", "--steps=3")
    assert [run.seed for run in runs] == [0, 7, 0, 7] and made.first_seed == 0
    assert runs[1].workdir.name == "game_hinge-seed7"


def test_the_same_images_are_loaded_once_for_all_combinations(planned, monkeypatch):
    loaded, load = [], data.load
    monkeypatch.setattr(data, "load", lambda config: (loaded.append(config.in_memory_gib), load(config))[1])
    planned(*TINY, "--sweep=game=hinge,minmax", "--sweep=d_lr=1e-3,1e-4", "--steps=2")
    assert loaded == [0.0]  # and not decoded


@pytest.mark.parametrize(
    "own, said",
    [
        (dict(vmap_trials=True), "hinge: vmap_trials: the networks of dcgan grow"),
        (dict(budget="images", images=100), "budget=images: a round is not the same"),
        (dict(budget="seconds", seconds=1.0), "budget=seconds: a round is not the same"),
    ],
)
def test_of_a_network_that_grows(own, said, configured, tmp_path):
    made = find("dcgan").make

    def make(config, spec):
        recipe: Recipe = made(config, spec)
        return [Phase(recipe, 5, 8), Phase(recipe, None, 8, grow=lambda state, key: state)]

    grows = replace(find("dcgan"), make=make)
    config = configured(*TINY, f"--workdir={tmp_path / 'ablation'}")
    given = AblationConfig(sweep=("game=hinge,minmax",))
    plan.make(grows, config, given, {})
    with pytest.raises(ValueError, match=said):
        plan.make(grows, config, replace(given, **own), {})
