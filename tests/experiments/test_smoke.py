"""Every experiment runs a few rounds, in each of its kinds, and leaves a whole run directory; which can be sampled."""

import json
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest
from absl import flags
from PIL import Image

from experiments import presets, sample

CONV = ("--network=dcgan", "--width=4", "--image_size=8", "--batch_size=8")
MLP = ("--network=mlp", "--hidden=8", "--image_size=8", "--batch_size=8")

TRICKS = (
    "--game=r3gan", "--penalty_every=2", "--penalty_end=0.1", "--decay_rounds=10", "--lr_decay=cosine",
    "--instance_noise=0.1", "--label_noise=0.1", "--critic_warmup=2", "--historical_averaging=0.1", "--pack=2",
    "--objective=feature_matching", "--d_dropout=0.2", "--d_spectral_norm", "--latent=uniform",
)  # fmt: skip

# By experiment, and of each the kinds in which it is run.
CASES = {
    "dcgan": {game: (*MLP, f"--game={game}") for game in presets.PRESETS}
    | {"networks": (*CONV, "--game=non_saturating"), "conv_gp": (*CONV, "--game=wasserstein_gp", "--n_critic=1")}
    | {
        "mlp_tricks": (*MLP, *TRICKS, "--minibatch=discrimination", "--steps_per_call=2"),
        "conv_tricks": (*CONV, *TRICKS, "--g_norm=virtual", "--dtype=bfloat16"),
    },
    "cgan": {
        "embed": (*MLP, "--conditioning=embed"),
        "concat": (*CONV, "--conditioning=concat", "--game=wasserstein_gp", "--n_critic=1"),
        "projection": (*CONV, "--conditioning=projection", "--game=hinge", "--d_spectral_norm"),
        "tricks": (*MLP, *(flag for flag in TRICKS if flag != "--pack=2"), "--minibatch=stddev"),
    },
    "sgan": {
        "dcgan": (*CONV, "--num_labeled=40"),
        "mlp": (*MLP, "--num_labeled=40", "--label_choice=stratified"),
        "game": (*CONV, "--num_labeled=40", "--game=wasserstein_gp", "--n_critic=2", "--objective=adversarial"),
        "tricks": (
            *CONV,
            "--num_labeled=40",
            *(flag for flag in TRICKS if flag != "--pack=2"),
            "--d_shift=1",
            "--d_turn=5",
            "--d_zoom=0.1",
        ),
    },
}
# What result.json of an experiment says beside what all say.
MEASURED = {"sgan": {"test_accuracy", "supervised_test_accuracy", "test_images"}}
NOT_TRAINING = {
    "__init__",
    "ablation_report",
    "cell",
    "common",
    "evaluation",
    "gan_flags",
    "gan_networks",
    "image_training",
    "images",
    "memorised",
    "page",
    "latent_model",
    "latent_paths",
    "presets",
    "run_directory",
    "sample",
}
ELSEWHERE = {
    "ablate",
    "ablation_results",
    "classifier",
    "classify",
    "evaluate",
    "interpolate",
    "latent",
    "mixture2d",
    "mixture_table",
    "game_curves",
    "processes",
    "report",
    "sweep",
    "together",
}  # tested in a file of their own

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def test_no_experiment_is_forgotten():
    modules = {path.stem for path in (Path(__file__).parents[2] / "experiments").glob("*.py")}
    assert {name for name in modules - NOT_TRAINING if not name.startswith("benchmark")} == set(CASES) | ELSEWHERE
    assert all((Path(__file__).parent / f"test_{name}.py").exists() for name in ELSEWHERE)


@pytest.mark.parametrize("experiment, kind", [(name, kind) for name in CASES for kind in CASES[name]])
def test_a_few_rounds(experiment, kind, play, saved, tmp_path, capsys):
    given = ("--steps=3", "--checkpoint_every=2", "--sample_every=2", "--log_every=2", f"--workdir={tmp_path}")
    assert play(*CASES[experiment][kind], *given, experiment=experiment) == 0
    told = capsys.readouterr().out
    assert f"python -m experiments.sample --workdir={tmp_path}" in told

    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3]
    assert all(np.isfinite(list(line.values())).all() for line in lines)

    samples = sorted((tmp_path / "samples").iterdir())
    assert [path.name for path in samples] == ["000000.png", "000002.png", "000003.png"]
    assert np.std(np.asarray(Image.open(samples[-1]))) > 0
    assert Image.open(tmp_path / "samples.gif").n_frames == 3
    Image.open(tmp_path / "curves.png").load()
    assert [path.stat().st_size > 0 for path in (tmp_path / "tensorboard").iterdir()] == [True]

    config = json.loads((tmp_path / "config.json").read_text())
    assert config["experiment"] == experiment
    assert config["flags"]["steps"] == 3 and None not in (config["flags"]["d_lr"], config["flags"]["d_norm"])
    assert config["image_shape"] == [8, 8, 1]

    result = json.loads((tmp_path / "result.json").read_text())
    assert result.keys() == {"step", "metrics", "seconds", "images_per_second"} | MEASURED.get(experiment, set())
    assert result["step"] == 3
    assert {"step": 3} | result["metrics"] == lines[-1]

    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == {"2", "3"}
    assert saved(tmp_path).step == 3


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A directory for one run, which the tests below share."""
    return tmp_path_factory.mktemp("run")


@pytest.fixture
def trained(run, play):
    if not (run / "config.json").exists():
        assert play(*MLP, "--game=wasserstein", "--steps=2", f"--workdir={run}") == 0
    return run


def test_the_game_brings_its_clipping(trained, saved):
    weights = jax.tree.leaves(saved(trained).discriminator.params)
    assert max(np.abs(leaf).max() for leaf in weights) == np.float32(presets.PRESETS["wasserstein"]["clip"])


def test_sample_i_depends_on_the_seed_and_i_alone(trained):
    images = sample.draw(trained, 70, seed=1)  # 70: more than are drawn at once
    assert images.shape == (70, 8, 8, 1)
    np.testing.assert_array_equal(sample.draw(trained, 3, seed=1), images[:3])
    assert np.abs(images[1:] - images[:-1]).max(axis=(1, 2, 3)).min() > 1e-3
    assert np.abs(sample.draw(trained, 3, seed=2) - images[:3]).max() > 1e-3


def test_sample_writes_the_same_picture_again(trained, capsys):
    pictures = []
    for _ in range(2):
        _sample(f"--workdir={trained}", "--num=5", "--seed=7")
        path = Path(capsys.readouterr().out.strip())
        assert path == trained / "sample-seed7.png"
        pictures.append(path.read_bytes())
        path.unlink()
    assert pictures[0] == pictures[1]


def test_sample_leaves_the_run_as_it_was(trained, tmp_path):
    before = {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()}
    _sample(f"--workdir={trained}", f"--out={tmp_path / 'other.png'}")
    assert Image.open(tmp_path / "other.png").width > 8
    assert {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()} == before


def test_sample_disturbs_no_training(trained, tmp_path):
    """What is being saved is left alone, and what cannot be read is passed over, not moved."""
    run = shutil.copytree(trained, tmp_path / "run")
    saving, damaged = run / "checkpoints" / "3.orbax-checkpoint-tmp", run / "checkpoints" / "4"
    saving.mkdir()
    damaged.mkdir()
    np.testing.assert_array_equal(sample.draw(run, 3, seed=1), sample.draw(trained, 3, seed=1))
    assert saving.is_dir() and damaged.is_dir()


@pytest.mark.parametrize("given, told", [((), "--workdir=RUN"), (("--workdir={0}",), "is not a run directory")])
def test_sample_of_no_run(given, told, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        _sample(*(flag.format(tmp_path) for flag in given))
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
    assert list(tmp_path.iterdir()) == []


def _sample(*given: str) -> None:
    flags.FLAGS(["sample", *given])
    try:
        sample.main(None)
    finally:
        flags.FLAGS.unparse_flags()


@pytest.fixture(scope="module")
def conditional_run(tmp_path_factory):
    return tmp_path_factory.mktemp("conditional")


@pytest.fixture
def conditional(conditional_run, play):
    workdir = conditional_run
    if not (workdir / "config.json").exists():
        assert play(*MLP, "--steps=2", f"--workdir={workdir}", experiment="cgan") == 0
    return workdir


@pytest.mark.parametrize("labels, rows", [("7", None), ("0..9", 10), ("3,1", 2)])
def test_a_run_that_knows_labels_can_be_asked_for_some(labels, rows, conditional, capsys):
    """A square of one label; a row each of several, after a margin that names them."""
    _sample(f"--workdir={conditional}", f"--label={labels}", "--num=9")
    path = Path(capsys.readouterr().out.strip())
    assert path == conditional / f"sample-label{labels.replace(',', '_')}-seed0.png"
    picture = Image.open(path)
    if rows is None:
        assert picture.width == picture.height
    else:
        assert picture.mode == "RGB" and 0.9 < picture.width / 9 / (picture.height / rows) < 1.6


def test_the_rows_are_of_the_labels_and_share_their_latents(conditional):
    """Asked for in another order, the same rows come in that order."""
    forth, back = (sample.draw_labels(conditional, labels, 4, seed=1) for labels in ("2,5", "5,2"))
    pixel = forth.height // 22  # two rows of images of 8 pixels, with 2 around each
    crop = lambda row: (40, (2 + 10 * row) * pixel, forth.width, (10 + 10 * row) * pixel)
    rows = [[np.asarray(picture.crop(crop(row))) for row in (0, 1)] for picture in (forth, back)]
    np.testing.assert_array_equal(rows[0], rows[1][::-1])
    assert (rows[0][0] != rows[0][1]).any()


@pytest.mark.parametrize("labels", ["10", "-1", "seven", "0..10", "5..4", ""])
def test_a_label_out_of_range(labels, conditional):
    with pytest.raises(
        ValueError, match=r"label=.*: the classes are 0, 1, .*; name one or more, as in 0 or 0,9 or 0\.\.9"
    ):
        sample.draw_labels(conditional, labels, 4, seed=1)


def test_a_run_without_labels_cannot_be_asked(trained):
    with pytest.raises(ValueError, match="is a run of dcgan, which cannot be asked for a label"):
        sample.draw_labels(trained, "7", None, seed=0)
