"""Mixtures: a whole run directory, trials that equal single runs, a run that goes on where it stopped."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from flax import linen as nn
from PIL import Image

import gan_jax
from experiments import mixture2d
from gan_jax.data.mixtures import MIXTURES
from gan_jax.runs import mixtures

TINY = ("--hidden=8", "--d_hidden=8", "--batch_size=16", "--mixture=ring8", "--log_every=2")

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.mark.slow
def test_a_few_rounds_of_three_trials(run_experiment, tmp_path, capsys):
    given = (*TINY, "--trials=3", "--steps=4", "--sample_every=2", f"--workdir={tmp_path}")
    assert run_experiment(*given, experiment="mixture2d") == 0
    said = capsys.readouterr().out
    assert (
        "modes" in said and "of 8, high quality" in said and "4 rounds of 3 trials" in said and "of one alone" in said
    )
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["step"] == 4
    for name in ("modes", "high_quality", "reverse_kl"):
        values = result[name]["trials"]
        assert len(values) == 3
        np.testing.assert_allclose(
            [result[name]["mean"], result[name]["std"]], [np.mean(values), np.std(values, ddof=1)]
        )
    assert sorted(path.name for path in (tmp_path / "samples").iterdir()) == ["000000.png", "000002.png", "000004.png"]
    assert Image.open(tmp_path / "samples.gif").n_frames == 3
    assert np.std(np.asarray(Image.open(tmp_path / "trials.png"))) > 0
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 4

    # A second start finds nothing to do, and says the same.
    assert run_experiment(*given, experiment="mixture2d") == 0
    assert "nothing to do" in capsys.readouterr().out
    assert json.loads((tmp_path / "result.json").read_text()) == result

    with pytest.raises(ValueError, match="mixture2d, which draws points"):
        gan_jax.load(tmp_path)


@pytest.mark.slow
def test_trial_k_of_three_is_the_single_run_of_seed_plus_k(run_experiment, tmp_path):
    for name, given in {"three": ("--trials=3", "--seed=5"), "single": ("--trials=1", "--seed=7")}.items():
        given = (*TINY, *given, "--steps=20", f"--workdir={tmp_path / name}", "--checkpoint_every=20")
        assert run_experiment(*given, experiment="mixture2d") == 0
    three, single = (json.loads((tmp_path / name / "result.json").read_text()) for name in ("three", "single"))
    for name in ("modes", "high_quality", "reverse_kl"):  # counts of samples; equal unless one lies on the border
        np.testing.assert_allclose(three[name]["trials"][2], single[name]["trials"][0], rtol=0.01, atol=2e-3)


@pytest.mark.slow
def test_a_run_that_stopped_goes_on(run_experiment, tmp_path):
    for name, stops in {"whole": (6,), "halves": (3, 6)}.items():
        for steps in stops:
            given = ("--trials=2", "--decay_rounds=6", f"--steps={steps}", f"--workdir={tmp_path / name}")
            assert run_experiment(*TINY, *given, experiment="mixture2d") == 0
    whole, halves = ((tmp_path / name / "metrics.jsonl").read_text() for name in ("whole", "halves"))
    assert whole == halves


@pytest.mark.slow
def test_packs_and_all_in_the_plane(run_experiment, tmp_path):
    given = ("--trials=2", "--steps=2", "--pack=2", "--minibatch=stddev", "--g_norm=virtual", "--d_spectral_norm")
    assert (
        run_experiment(*TINY, *given, "--game=relativistic_average", f"--workdir={tmp_path}", experiment="mixture2d")
        == 0
    )


@pytest.mark.parametrize(
    "given, said",
    [
        ("--mixture=nope", f"unknown mixture 'nope'; choose from {', '.join(MIXTURES)}"),
        ("--game=nope", "unknown game 'nope'"),
        ("--g_activation=nope", "unknown g_activation 'nope'; choose from tanh, leaky_relu"),
        ("--hidden=0", "hidden=0"),
        ("--d_hidden=0", "d_hidden=0"),
        ("--batch_size=127", "batch_size 127 is not divisible by the 4 devices"),
        ("--pack=3", "pack=3 does not divide"),
        ("--trials=0", "trials=0: must be at least 1"),
        ("--augment=rotate:5", "augment=rotate:5: that is for images"),
    ],
)
def test_errors_are_one_line(given, said, run_experiment, tmp_path, capsys):
    assert run_experiment(given, f"--workdir={tmp_path / 'run'}", experiment="mixture2d") == 2
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert out == "" and line.startswith("error: ") and said in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("minibatch", ["none", "discrimination"])
def test_the_field_is_behind_the_first_panel_where_there_is_one(minibatch, run_experiment, tmp_path):
    given = ("--trials=1", "--steps=1", f"--minibatch={minibatch}", f"--workdir={tmp_path}")
    assert run_experiment(*TINY, *given, experiment="mixture2d") == 0
    picture = np.asarray(Image.open(tmp_path / "samples" / "000001.png")).astype(int)
    white = (picture.min(axis=-1) > 250).mean()
    assert white < 0.3 if minibatch == "none" else white > 0.5


def test_the_field_is_the_critic_s(configured):
    """With one layer, D is linear: its field is w·x + b, rows from the smallest y up."""
    given = ("--d_hidden=1", "--hidden=4", "--pack=2", "--trials=1", "--batch_size=8")
    setup = mixture2d.make_setup(mixture2d.resolve(configured(*given, experiment="mixture2d")))

    class Above(nn.Module):
        @nn.compact
        def __call__(self, image, condition=None, *, train):  # packs of two points: x, y, x, y
            return 10 * image[:, 1] + image[:, 2], {}

    setup = setup._replace(discriminator=Above())
    state = SimpleNamespace(players={"discriminator": SimpleNamespace(all_variables={})})
    field = np.asarray(mixtures._field(setup, state, 2.0))
    np.testing.assert_allclose(field[0, [0, -1]], [-22, -18], rtol=1e-5)
    np.testing.assert_allclose(field[-1, [0, -1]], [18, 22], rtol=1e-5)


def test_r3gan_without_penalties(configured):
    config = mixture2d.resolve(configured("--penalty=none", experiment="mixture2d"))
    assert config.gan.penalty == () and config.gan.penalty_end == 1


def test_every_game_can_be_resolved(configured):
    for game in mixture2d.PRESETS:
        config = mixture2d.resolve(configured(f"--game={game}", experiment="mixture2d"))
        assert config.gan.decay_rounds == config.run.steps and None not in (config.gan.d_lr, config.gan.penalty_end)
