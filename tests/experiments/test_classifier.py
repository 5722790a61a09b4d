"""experiments.classifier: trained on a few images, tested on others, saved as an extractor."""

import json

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


def test_it_refuses_what_has_no_classes(run_experiment, tmp_path, capsys):
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "one.png")
    assert run_experiment(f"--dataset=folder:{tmp_path}", experiment="classifier") == 2
    assert "has no classes to tell apart" in capsys.readouterr().err


def test_it_cannot_be_sampled(run_experiment, tmp_path):
    given = ("--image_size=8", "--channels=4", "--steps=1", "--batch_size=8", f"--workdir={tmp_path}")
    assert run_experiment(*given, experiment="classifier") == 0
    with pytest.raises(ValueError, match="is a run of classifier, which draws nothing"):
        gan_jax.load(tmp_path).sample(1)
