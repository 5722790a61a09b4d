"""A network that grows: a run that is cut off in a phase or at its border, and restarted, equals one that was not, bit for bit."""

import json
import shutil
import signal

import pytest

import gan_jax
from gan_jax.runs import training
from gan_jax.runs.data import position
from tests.systems import growing

NAME = "tests.systems.growing"
BORDER, STEPS = 6, 12
EVERY = ("--log_every=1", "--sample_every=4", "--checkpoint_every=1")

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture(scope="module")
def grow(run_experiment):
    """grow(workdir, steps) trains to so many steps, or goes on to there."""
    return lambda workdir, steps: run_experiment(
        *EVERY, f"--until_step={BORDER}", f"--steps={steps}", f"--workdir={workdir}", experiment=NAME
    )


@pytest.fixture(scope="module")
def straight(grow, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("growing") / "straight"
    assert grow(workdir, STEPS) == 0
    return workdir


def test_it_grows_at_the_border_and_goes_on_learning(straight):
    run = gan_jax.load(straight)
    params = run.state.players["generator"].params
    assert params.keys() == {"Dense_0", "Dense_1", "Dense_2"} and run.step == STEPS
    lines = [json.loads(line) for line in (straight / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, STEPS + 1))
    assert len({line["d_loss"] for line in lines}) == STEPS
    assert run.sample(5, seed=1).shape == (5, 8, 8, 1)


@pytest.mark.parametrize("stops", [(3,), (BORDER,), (BORDER + 1,), (4, BORDER, 9)])
def test_stopped_in_each_phase_and_at_the_border(stops, grow, straight, assert_same, tmp_path):
    run = tmp_path / "run"
    for steps in (*stops, STEPS):
        assert grow(run, steps) == 0
        assert gan_jax.load(run).step == steps
        layers = gan_jax.load(run).state.players["generator"].params
        assert len(layers) == (2 if steps <= BORDER else 3)
    # A picture is drawn when a run is over, as at a border: so there are more of them where it was stopped.
    for steps in stops:
        if steps % 4 and steps != BORDER:
            (run / "samples" / f"{steps:06d}.png").unlink()
    assert_same(run, straight)


def test_a_picture_is_drawn_when_a_phase_is_over(straight):
    names = [path.stem for path in sorted((straight / "samples").iterdir())]
    assert names == ["000000", "000004", "000006", "000008", "000012"]


def test_the_best_checkpoint_is_drawn_by_its_own_phase(grow, run_command, tmp_path):
    """Here it is one of the first phase, and the newest of the second: their networks differ."""
    run, other = tmp_path / "run", tmp_path / "other"
    assert grow(run, BORDER + 1) == 0 == grow(other, BORDER)
    shutil.copytree(other / "checkpoints", run / "best")
    scores = [{"step": step, "ms_ssim[64]": value} for step, value in ((BORDER, 0.1), (BORDER + 1, 0.9))]
    (run / "evaluations.jsonl").write_text("".join(json.dumps(each) + "\n" for each in scores))
    assert run_command("evaluate", f"--workdir={run}", "--metrics=ms_ssim", "--num_samples=64") == 0
    found = json.loads((run / "evaluation.json").read_text())
    assert found["scores"]["best"]["step"] == BORDER and found["scores"]["newest"]["step"] == BORDER + 1
    assert not found["left_out"]


def test_examples_go_on_where_they_were_though_batches_become_larger(configured):
    config = configured(f"--until_step={BORDER}", experiment=NAME)
    _, _, phases = training.check(growing.main, config)
    per_step = phases[0].recipe.batches_per_step
    assert [position(phases, step) for step in (0, 1, BORDER, BORDER + 1, BORDER + 3)] == [
        8 * per_step * examples for examples in (0, 1, BORDER, BORDER + 2, BORDER + 6)
    ]


@pytest.mark.slow
def test_kill_9_in_each_phase_and_at_the_border(grow, straight, start, wait_for, assert_same, tmp_path):
    run = tmp_path / "run"
    for step in (2, BORDER, BORDER + 2):
        given = (*EVERY, f"--until_step={BORDER}", f"--steps={STEPS}", f"--workdir={run}")
        process = start(*given, module=NAME)
        wait_for((run / "checkpoints" / str(step)).exists, process)
        process.kill()
        process.communicate()
        assert process.returncode in (0, -signal.SIGKILL)
    assert grow(run, STEPS) == 0
    assert_same(run, straight)


def test_a_template_of_another_phase_is_no_damage(grow, straight, tmp_path, capsys):
    """Asked for with another border, it is refused for its flags; with its config forged, for its networks."""
    run = shutil.copytree(straight, tmp_path / "run")
    before = sorted(path.name for path in (run / "checkpoints").iterdir())
    config = json.loads((run / "config.json").read_text())
    config["flags"]["until_step"] = STEPS
    (run / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="checkpoint of step 12 .* is of other networks: .*Dense_2.* only there"):
        gan_jax.load(run)
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == before
