"""Runs of version 0.1, one of each kind (tests/data/version_0_1): sampled, evaluated, reported, classified, gone on with.

Each archive has the run after 20 rounds, and in later.jsonl the metrics of rounds 21 to 24, as version 0.1 made them.
"""

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gan_jax

ARCHIVES = Path(__file__).parents[1] / "data" / "version_0_1"
TINY = (
    "--seed=3", "--width=4", "--image_size=8", "--batch_size=8", "--latent_size=8", "--sample_every=20",
    "--checkpoint_every=20",
)  # fmt: skip
# What the runs were started with, in the flags of today.
FLAGS = {
    "dcgan": (*TINY, "--eval_every=20", "--num_samples=20"),
    "dcgan-augmented": (
        *TINY,
        "--network=mlp",
        "--hidden=8",
        "--augment=translate:1,rotate:10,scale:0.1",
        "--ema=0.9",
        "--prior=uniform",
    ),
    "cgan": (*TINY, "--network=mlp", "--hidden=8"),
    "sgan": (*TINY, "--num_labeled=40", "--decay_rounds=100"),
    "classifier": ("--seed=3", "--image_size=8", "--channels=4", "--batch_size=8", "--checkpoint_every=20"),
    "mixture2d": (
        "--seed=3",
        "--trials=2",
        "--hidden=8,8",
        "--d_hidden=8,8",
        "--batch_size=8",
        "--checkpoint_every=20",
        "--sample_every=20",
        "--decay_rounds=100",
    ),
}
DRAWS = ("dcgan", "dcgan-augmented", "cgan", "sgan")

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture
def run(request, tmp_path):
    """The directory of an old run, by its name."""
    with tarfile.open(ARCHIVES / f"{request.param}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / request.param


def _metrics(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_there_is_one_of_each_kind():
    assert {path.name.removesuffix(".tar.gz") for path in ARCHIVES.iterdir()} == FLAGS.keys()


@pytest.mark.parametrize("run", DRAWS, indirect=True)
def test_it_can_be_sampled_evaluated_and_reported(run, run_command, capsys):
    trained = gan_jax.load(run)
    assert trained.step == 20 and trained.spec.image_shape == (8, 8, 1)
    images = trained.sample(3, seed=1)
    assert images.shape == (3, 8, 8, 1) and np.std(images) > 0
    assert run_command("sample", f"--workdir={run}", "--num=4", f"--out={run / 'own.png'}") == 0
    Image.open(run / "own.png").load()
    if trained.sampler.takes("label"):
        assert trained.sample(3, label=7).shape == (3, 8, 8, 1)
    evaluated = ("--num_samples=20", "--metrics=ms_ssim,frechet_distance,memorisation")
    assert run_command("evaluate", f"--workdir={run}", *evaluated) == 0
    assert {"newest", "real"} <= json.loads((run / "evaluation.json").read_text())["scores"].keys()
    assert run_command("report", f"--workdir={run}") == 0
    assert "Nearest training images" in (run / "report.html").read_text()


@pytest.mark.parametrize("run", ["sgan", "classifier"], indirect=True)
def test_it_can_classify(run, run_command, tmp_path, capsys):
    trained = gan_jax.load(run)
    logits = trained.classify(np.zeros((2, 8, 8, 1), np.uint8))
    assert logits.shape == (2, 10) and np.isfinite(logits).all()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "black.png")
    assert run_command("classify", f"--workdir={run}", str(tmp_path / "black.png")) == 0
    assert "black.png: class " in capsys.readouterr().out


@pytest.mark.parametrize("run", ["classifier", "mixture2d"], indirect=True)
def test_what_draws_no_images_has_a_page_too(run, run_command):
    assert run_command("report", f"--workdir={run}") == 0


@pytest.mark.slow
@pytest.mark.parametrize("run", FLAGS, indirect=True)
def test_it_goes_on_as_it_would_have(run, run_experiment, capsys):
    experiment, steps = run.name.partition("-")[0], 24
    assert run_experiment(*FLAGS[run.name], f"--steps={steps}", f"--workdir={run}", experiment=experiment) == 0
    assert f"going on with {run} from step 20" in capsys.readouterr().out
    assert not (run / "damaged").exists()
    found, expected = _metrics(run / "metrics.jsonl")[20:], _metrics(run / "later.jsonl")
    assert [line["step"] for line in found] == [21, 22, 23, 24]
    if run.name == "dcgan-augmented":  # a real image and the fake one beside it are augmented alike now
        assert found[0].keys() == expected[0].keys()
        return
    for ours, theirs in zip(found, expected, strict=True):
        # Another processor rounds differently, and four rounds magnify that a little.
        for name, value in theirs.items():
            np.testing.assert_allclose(ours[name], value, rtol=1e-3, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("run", ["dcgan"], indirect=True)
def test_another_configuration_is_still_another(run, run_experiment, capsys):
    before = sorted(path.name for path in run.rglob("*"))
    assert run_experiment(*FLAGS["dcgan"], "--ema=0.5", f"--workdir={run}") == 2
    assert "holds a run of another configuration (--ema=0.999 there, 0.5 asked for)" in capsys.readouterr().err
    assert sorted(path.name for path in run.rglob("*")) == before
