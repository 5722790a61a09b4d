"""experiments.classifier: trained on a few images, tested on others, saved as an extractor."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

import gan_jax
from gan_jax.data import sources
from gan_jax.evaluation import features


def test_it_learns_the_digits_and_becomes_an_extractor(run_experiment, tmp_path, capsys):
    given = ("--image_size=8", "--channels=16", "--steps=250", "--batch_size=64", f"--workdir={tmp_path}")
    assert run_experiment(*given, experiment="classifier") == 0
    said = capsys.readouterr().out
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["test_accuracy"] > 0.8 and result["test_images"] == 359
    assert f"accuracy on 359 test images: {result['test_accuracy']:.2%}" in said
    assert (tmp_path / "mistaken.png").exists() == (result["test_accuracy"] < 1)
    extractor = features.load_classifier(tmp_path / "extractor.npz")
    assert extractor.name == f"digits-cnn-{extractor.fingerprint}"
    digits = sources.load("digits", data_dir="")[np.arange(300)]
    found = features.extract(extractor, [digits["image"]], total=300)  # 16 pixels a side, made 8
    assert (found.probabilities.argmax(axis=1) == digits["label"]).mean() > 0.8


@pytest.mark.parametrize("network", ["small", "madry"])
def test_other_networks_are_no_extractors(network, run_experiment, tmp_path, capsys):
    given = (f"--network={network}", "--channels=2", "--steps=2", "--batch_size=8", f"--workdir={tmp_path}")
    assert run_experiment(*given, experiment="classifier") == 0
    assert not (tmp_path / "extractor.npz").exists()
    assert "accuracy on 359 test images" in capsys.readouterr().out
    assert gan_jax.load(tmp_path).classify(np.zeros((3, 16, 16, 1), np.uint8)).shape == (3, 10)


def test_it_becomes_robust(run_experiment, run_study, tmp_path):
    """Of equally long training, it is right under attacks much more often than one that was shown no such images."""
    found = {}
    for adversarial in ("none", "pgd"):
        run = tmp_path / adversarial
        flags = ("--network=small", f"--adversarial={adversarial}", "--epsilon=.1", "--steps=300", "--batch_size=64")
        assert run_experiment(*flags, f"--workdir={run}", experiment="classifier") == 0
        given = (
            f"--classifier={run}",
            "--num=100",
            "--epsilons=.1",
            "--steps=10",
            f"--workdir={tmp_path / 'attack'}-{adversarial}",
        )
        assert run_study("attack", *given) == 0
        last = (tmp_path / f"attack-{adversarial}" / "table.md").read_text().splitlines()[-1]
        found[adversarial] = float(last.strip("| ").split("|")[-1])
    assert found["pgd"] > found["none"] + 20
    metrics = [json.loads(line) for line in (tmp_path / "pgd" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in metrics if "robust_accuracy" in line] == [1, 101, 201]


@pytest.fixture
def generator(trained_once):
    """A run that draws digits of the class that is asked for, after a few rounds."""
    return trained_once("cgan", "--steps=2", "--batch_size=8", "--width=2", experiment="cgan")


def test_on_the_manifold(generator, run_experiment, tmp_path):
    """It learns from what a generator draws, too; later it does without the generator."""
    gone = tmp_path / "generator"
    shutil.copytree(generator, gone)
    few = ("--steps=2", "--batch_size=8", "--channels=2", f"--workdir={tmp_path / 'it'}")
    given = ("--adversarial=manifold", f"--generator={gone}", *few)
    assert run_experiment(*given, experiment="classifier") == 0
    shutil.rmtree(gone)
    assert gan_jax.load(tmp_path / "it").classify(np.zeros((1, 16, 16, 1), np.uint8)).shape == (1, 10)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--adversarial=manifold",), "adversarial=manifold: --generator=RUN is needed"),
        (("--adversarial=manifold", "--generator=nowhere"), "nowhere is not a run directory"),
        (
            ("--adversarial=manifold", "--generator=RUN", "--image_size=8"),
            "draws images (16, 16, 1) of 10 classes, not (8, 8, 1)",
        ),
        (("--adversarial=manifold", "--generator=RUN", "--classes=0,1"), "of 10 classes, not (16, 16, 1) of 2"),
        (("--adversarial=cw",), "choose from none, fgsm_rs, pgd, manifold"),
        (("--adversarial=pgd", "--epsilon=-1"), "epsilon=-1.0: must be at least 0"),
        (("--network=resnet",), "choose from cnn, small, madry"),
    ],
)
def test_what_is_refused(given, message, generator, run_experiment, tmp_path, capsys):
    given = [flag.replace("RUN", str(generator)) for flag in given]
    assert run_experiment(*given, f"--workdir={tmp_path / 'none'}", experiment="classifier") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_it_refuses_what_has_no_classes(run_experiment, tmp_path, capsys):
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "one.png")
    assert run_experiment(f"--dataset=folder:{tmp_path}", experiment="classifier") == 2
    assert "has no classes to tell apart" in capsys.readouterr().err


def test_it_cannot_be_sampled(run_experiment, tmp_path):
    given = ("--image_size=8", "--channels=4", "--steps=1", "--batch_size=8", f"--workdir={tmp_path}")
    assert run_experiment(*given, experiment="classifier") == 0
    with pytest.raises(ValueError, match="is a run of classifier, which draws nothing"):
        gan_jax.load(tmp_path).sample(1)
