"""A frozen classifier of domain a, and what translations are worth to one that is to know domain b."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.data import ArraySource, load
from gan_jax.evaluation import features
from gan_jax.runs import adaptation

pytestmark = pytest.mark.usefixtures("compiled_in_haste")
SMALL = ("--image_size=8", "--width=2", "--blocks=1", "--batch_size=8", "--patch_layers=1", "--steps=2")


def test_what_the_classifier_says():
    """Log-probabilities, of images in [-1, 1]; of colours the gray one sees the mean."""
    extractor = features.load_classifier(features.EXTRACTORS / "digits.npz")
    images = load("digits")[np.arange(20)]["image"]
    classify = adaptation.log_probabilities(extractor)
    _, probabilities = extractor.apply(extractor.variables, jnp.asarray(images))
    found = classify(images / 127.5 - 1)
    np.testing.assert_allclose(jnp.exp(found), probabilities, atol=1e-5)
    in_colour = np.concatenate([images + 0.0, 0 * images, 2.0 * images], axis=-1) / 127.5 - 1
    np.testing.assert_allclose(classify(in_colour), found, atol=1e-3)


def test_images_in_other_channels():
    gray = ArraySource(
        {"image": np.arange(8, dtype=np.uint8).reshape(2, 2, 2, 1), "label": np.zeros(2, np.int32)}, ("x",)
    )
    colour = adaptation.as_it_is(gray, 3)
    assert colour.spec["image"].shape == (2, 2, 3) and colour.classes == ("x",)
    np.testing.assert_array_equal(adaptation.as_it_is(colour, 1).arrays["image"], gray.arrays["image"])


@pytest.mark.slow
def test_three_classifiers_are_tested_in_the_end(run_experiment, tmp_path, capsys, monkeypatch):
    """And the same command finds them all there."""
    monkeypatch.setattr(adaptation, "LEAST_STEPS", 60)
    monkeypatch.setattr(adaptation, "EPOCHS", 1)
    given = (*SMALL, "--task_loss", "--domain_b=recolored:digits", f"--workdir={tmp_path / 'run'}")
    assert run_experiment(*given, experiment="cyclegan") == 0
    shown = capsys.readouterr().out
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert 0.5 < result["target_accuracy"] <= 1 and result["source_only_accuracy"] < result["target_accuracy"]
    assert f"the same, translated         {result['adapted_accuracy']:.2%}" in shown
    assert {"source_only", "adapted", "target"} <= {path.name for path in (tmp_path / "run").iterdir()}
    assert run_experiment(*given, experiment="cyclegan") == 0
    assert f"images of domain b, labelled {result['target_accuracy']:.2%}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "given, message",
    [
        (
            "--task_loss --domain_a=photos --domain_b=photos --image_size=16",
            "task_loss: no classifier comes with photos",
        ),
        ("--task_loss --task_classifier=/nowhere.npz", "no extractor /nowhere.npz"),
        ("--task_classifier=/nowhere.npz", "task_classifier=/nowhere.npz: of --task_loss"),
    ],
)
def test_what_cannot_be(given, message, run_experiment, tmp_path, capsys):
    assert run_experiment(*SMALL, *given.split(), f"--workdir={tmp_path / 'run'}", experiment="cyclegan") == 2
    assert message in capsys.readouterr().err
