"""Of few images, or without an extractor: what can be had is written, and what cannot is named with the reason."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from gan_jax.evaluation import features
from gan_jax.runs import score

IMAGES = 8

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture(scope="module")
def trained(folder, run_experiment):
    """A run on few images of two classes."""
    for number in range(IMAGES):
        path = folder / "pets" / ("cat" if number % 2 else "dog") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.RandomState(number).randint(0, 256, (16, 16), np.uint8)).save(path)
    given = ("--network=mlp", "--hidden=8", "--batch_size=4", "--steps=1", f"--dataset=folder:{folder / 'pets'}")
    assert run_experiment(*given, f"--workdir={folder / 'run'}", experiment="cgan") == 0
    return folder / "run"


@pytest.fixture
def evaluate(trained, run_command, tmp_path, capsys):
    """evaluate(*flags) evaluates a copy of the run; returns the exit code, evaluation.json, what is printed, and said of errors."""

    def evaluate(*given):
        run = shutil.copytree(trained, tmp_path / "run")
        capsys.readouterr()
        code = run_command("evaluate", f"--workdir={run}", *given)
        path = run / "evaluation.json"
        return code, json.loads(path.read_text()) if path.exists() else {}, *capsys.readouterr()

    return evaluate


def test_what_needs_more_images_is_left_out(evaluate):
    """Half of the images are compared with: 4, of which none has 5 neighbours."""
    code, result, out, _ = evaluate(f"--extractor={features.EXTRACTORS / 'digits.npz'}")
    assert code == 0
    names = {name.partition("[")[0] for name in result["scores"]["newest"]}
    assert {"frechet_distance", "ms_ssim", "memorisation_flagged"} <= names and not {"recall", "coverage"} & names
    assert set(result["left_out"]) == {"precision_recall", "density_coverage"}
    (line,) = [line for line in out.splitlines() if line.startswith("left out: ")]
    assert line.startswith("left out: precision_recall, density_coverage: of 4 real and 4 other images: k=5: must be ")
    json.dumps(result, allow_nan=False)


def test_what_needs_an_extractor_is_left_out(evaluate):
    code, result, out, _ = evaluate()
    assert code == 0
    names = {name.partition("[")[0] for name in result["scores"]["real"]}
    assert names == {"frechet_distance", "kernel_distance", "sliced_wasserstein_16", "ms_ssim"}
    line = "left out: inception_score, mode_score, modes, reverse_kl: no extractor knows the classes of folder:pets\n"
    assert line in out


def test_what_was_asked_for_is_left_out_as_well_if_there_is_more(evaluate):
    code, result, out, _ = evaluate("--metrics=ms_ssim,modes")
    assert code == 0 and list(result["scores"]["real"]) == ["ms_ssim[4]"]
    assert "left out: modes: no extractor knows the classes of folder:pets\n" in out


def test_too_few_images_to_look_for_copies(evaluate, monkeypatch):
    def few(*_, **__):
        raise ValueError("memorisation needs at least 3 training images, got 2")

    monkeypatch.setattr(score, "memorisation", few)
    code, result, out, _ = evaluate("--metrics=ms_ssim,memorisation")
    assert code == 0 and set(result["scores"]["newest"]) == {"step", "ms_ssim[4]"}
    assert "left out: memorisation: memorisation needs at least 3 training images, got 2\n" in out


@pytest.mark.parametrize(
    "given, said",
    [
        (["--metrics=modes"], "error: modes needs an extractor that knows such images, and none comes with folder:"),
        (
            ["--metrics=precision_recall", f"--extractor={features.EXTRACTORS / 'digits.npz'}"],
            "error: left out: precision_recall: ",
        ),
    ],
)
def test_nothing_to_write_is_an_error(evaluate, given, said):
    code, result, _, err = evaluate(*given)
    assert code == 2 and result == {} and err.splitlines()[-1].startswith(said)


def test_help_lists_what_evaluate_uses(run_command, capsys):
    assert run_command("evaluate", "--help") == 0
    flags = [
        line.split()[0].partition("=")[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  --")
    ]
    assert flags == [
        "--workdir", "--metrics", "--iwae", "--seed", "--truncation", "--cutoff", "--standing_batches", "--frames", "--split",
        "--noisy", "--truth", "--data_dir", "--dataset", "--allow_changed_data",
        "--num_samples", "--extractor", "--inception_weights",
    ]  # fmt: skip
    assert run_command("evaluate", "--eval_every=5") == 2
    assert "unknown flag --eval_every" in capsys.readouterr().err
