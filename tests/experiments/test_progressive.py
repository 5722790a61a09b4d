"""Progressive GAN as an experiment: a run that is cut off at any time equals one that was not; its pictures; bad flags."""

import json
import shutil
import signal

import jax
import numpy as np
import pytest
from PIL import Image

import gan_jax
from gan_jax.data import example_batch
from gan_jax.runs import training
from gan_jax.runs.experiment import find

# Rounds 1 to 4 are of 4×4 pixels; of 8×8 they are 5 to 8, fading in, and 9 to 12, stable.
GROWING = ("--base=16", "--most=8", "--image_size=8", "--stable_images=16", "--fade_images=16", "--batch_size=4")
GROWING += ("--penalty_every=1",)  # programs are kept here: `launch.keep_compiled` says why then no penalty may be lazy
EVERY = ("--log_every=1", "--sample_every=4", "--checkpoint_every=1")
BORDER, STEPS = 4, 12

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture(scope="module")
def train(run_experiment):
    """train(workdir, *flags) trains all levels, or goes on to there."""
    return lambda workdir, *given: run_experiment(
        *GROWING, *EVERY, f"--workdir={workdir}", *given, experiment="progressive"
    )


@pytest.fixture(scope="module")
def straight(train, folder):
    assert train(folder / "straight") == 0
    return folder / "straight"


def test_a_run_lasts_as_long_as_its_levels(straight):
    lines = [json.loads(line) for line in (straight / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, STEPS + 1))
    assert [line["level"] for line in lines] == [0] * 4 + [1] * 8
    assert [line["alpha"] for line in lines] == [1] * 4 + [0, 0.25, 0.5, 0.75] + [1] * 4
    flags = json.loads((straight / "config.json").read_text())["flags"]
    assert flags["steps"] == STEPS and flags["batch_sizes"] == [4, 4]


def test_its_pictures_show_how_it_grew(straight):
    """Samples are of the last level's size at all levels, so that they make one animation."""
    grids = [Image.open(path) for path in sorted((straight / "samples").iterdir())]
    assert len({grid.size for grid in grids}) == 1
    assert Image.open(straight / "samples.gif").n_frames == len(grids) == 4
    assert Image.open(straight / "growth.png").width > Image.open(straight / "growth.png").height
    page = (straight / "report.html").read_text()
    assert "at the end of each phase" in page
    assert gan_jax.load(straight).sample(3, seed=1).shape == (3, 8, 8, 1)


@pytest.mark.parametrize("stops", [(3,), (BORDER, BORDER + 1), (6, 10)], ids=["level 0", "border", "fade, stable"])
def test_stopped_and_gone_on_with(stops, train, straight, assert_same, tmp_path):
    run = tmp_path / "run"
    for stop in stops:
        assert train(run, f"--steps={stop}") == 0
        if stop % 4:  # a picture is drawn when a run is over
            (run / "samples" / f"{stop:06d}.png").unlink()
    assert train(run, f"--steps={STEPS}") == 0
    assert_same(run, straight)


@pytest.mark.slow
def test_kill_9_in_a_fade_in_a_stable_part_and_at_a_border(train, straight, start, wait_for, assert_same, tmp_path):
    run = tmp_path / "run"
    for step in (2, BORDER, 6, 10):
        process = start(*GROWING, *EVERY, f"--workdir={run}", module="experiments.progressive")
        wait_for((run / "checkpoints" / str(step)).exists, process)
        process.kill()
        process.communicate()
        assert process.returncode in (0, -signal.SIGKILL)
    assert train(run) == 0
    assert_same(run, straight)


def test_a_longer_run_stays_at_the_last_level(train, straight, run_experiment, tmp_path):
    run = shutil.copytree(straight, tmp_path / "run")
    assert train(run, f"--steps={STEPS + 2}") == 0
    last = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    assert (last["step"], last["level"], last["alpha"]) == (STEPS + 2, 1, 1)
    assert np.isfinite(list(last.values())).all()


def test_the_published_preset_is_the_paper_s(configured):
    """Its parameters at 32×32 pixels in gray are those of the authors' code."""
    given = configured("--preset=published", "--image_size=32", experiment="progressive")
    config, data, phases = training.check(find("progressive"), given)
    state = jax.eval_shape(phases[-1].recipe.init, jax.random.key(0), example_batch(data.spec.example))
    count = lambda name: sum(leaf.size for leaf in jax.tree.leaves(state.players[name].params))
    assert (count("generator"), count("discriminator")) == (20_715_524, 20_722_689)
    own = config.gan
    assert (own.penalty, own.penalty_weight, own.n_critic) == (("gradient_penalty",), (10,), 1)
    assert (own.optimizer, own.beta1, own.beta2, own.d_lr, own.g_lr) == ("adam", 0, 0.99, 1e-3, 1e-3)
    assert (config.drift, config.batch_sizes, config.run.steps) == (1e-3, (16,) * 4, (1 + 2 * 3) * 50_000)


def test_what_falls_falls_over_all_rounds(configured):
    """How many they are is known only with the data."""
    falling = ("--instance_noise=0.1", "--lr_decay=cosine", "--reset_optimizer=false")
    config, _, phases = training.check(find("progressive"), configured(*GROWING, *falling, experiment="progressive"))
    assert (config.run.steps, config.gan.decay_rounds, len(phases)) == (STEPS, STEPS, 2)


@pytest.mark.parametrize(
    "given, message",
    [
        (("--image_size=18",), "18×18 cannot be halved until it is at most 7, and at least 4"),
        (("--image_size=24x12",), "24×12 cannot be halved until it is at most 7, and at least 4"),
        (("--batch_sizes=8,8,8",), "batch_sizes=8,8,8: one for each of 2 levels"),
        (("--batch_sizes=8,6",), "batch size 6 (pack=1): D compares its images in groups of 4"),
        (("--batch_size=10",), "batch_size 10 is not divisible by the 4 devices"),
        (("--batch_sizes=8,4", "--pack=2"), "pack=2 does not divide batch_size=4 on 4 devices"),
        (("--batch_sizes=8,0",), "batch_sizes=0"),
        (("--stable_images=0",), "stable_images=0"),
        (("--fade_images=-1",), "fade_images=-1"),
        (("--base=1",), "base=1"),
        (("--drift=-1",), "drift=-1"),
        (("--game=chess",), "chess"),
        (("--game=wasserstein",), "clip=0.01: these networks scale their weights"),
        (("--base=2",), "base=2: leaves 2 levels no channels; at least 4"),
        (("--lr_decay=cosine",), "lr_decay=cosine: optimizers, which count its rounds, start anew at each level"),
    ],
)
def test_errors_are_one_line(given, message, run_experiment, tmp_path, capsys):
    flags = dict(flag.split("=") for flag in (*GROWING, *given))
    assert run_experiment(*map("=".join, flags.items()), f"--workdir={tmp_path / 'run'}", experiment="progressive") == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("error: ") and message in line
    assert not (tmp_path / "run").exists()
