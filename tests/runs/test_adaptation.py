"""A frozen classifier of domain a, and what translations are worth to one that is to know domain b."""

import json

import jax
import numpy as np
import pytest
from PIL import Image

from gan_jax.data import ArraySource, example_batch
from gan_jax.runs import adaptation
from gan_jax.runs.restore import restore

pytestmark = pytest.mark.usefixtures("compiled_in_haste")
SMALL = ("--image_size=8", "--width=2", "--blocks=1", "--batch_size=8", "--patch_layers=1", "--steps=2")


def test_images_in_other_channels():
    gray = ArraySource(
        {"image": np.arange(8, dtype=np.uint8).reshape(2, 2, 2, 1), "label": np.zeros(2, np.int32)}, ("x",)
    )
    colour = adaptation.as_it_is(gray, 3)
    assert colour.spec["image"].shape == (2, 2, 3) and colour.classes == ("x",)
    np.testing.assert_array_equal(adaptation.as_it_is(colour, 1).arrays["image"], gray.arrays["image"])


def fresh(workdir):
    """The first kernel of the classifier of a run that has not learnt."""
    run = restore(workdir)
    batch = example_batch(run.spec.example)
    state = run.recipe.init(jax.random.split(jax.random.key(0), 3)[0], batch)
    return state.players["classifier"].params["Conv_0"]["kernel"]


@pytest.mark.slow
def test_three_classifiers_are_tested_in_the_end(run_experiment, tmp_path, capsys, monkeypatch):
    """And the same command finds them all there."""
    monkeypatch.setattr(adaptation, "LEAST_STEPS", 60)
    monkeypatch.setattr(adaptation, "EPOCHS", 1)
    given = (
        *SMALL,
        "--task_loss",
        "--task_again=2",
        "--steps=3",
        "--domain_b=recolored:digits",
        f"--workdir={tmp_path / 'run'}",
    )
    assert run_experiment(*given, experiment="cyclegan") == 0
    shown = capsys.readouterr().out
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert 0.5 < result["target_accuracy"] <= 1 and result["source_only_accuracy"] < result["target_accuracy"]
    assert f"the same, translated         {result['adapted_accuracy']:.2%}" in shown
    assert {"source_only", "again-1", "again-2", "adapted", "target"} <= {
        path.name for path in (tmp_path / "run").iterdir()
    }
    frozen = restore(tmp_path / "run").state.players["classifier"].params["Conv_0"]["kernel"]
    assert np.abs(frozen - fresh(tmp_path / "run")).max() > 1e-3  # what was learnt, and not what a run begins with
    assert run_experiment(*given, experiment="cyclegan") == 0
    assert f"images of domain b, labelled {result['target_accuracy']:.2%}" in capsys.readouterr().out


def test_images_without_classes(run_experiment, tmp_path, capsys):
    (tmp_path / "plain").mkdir()
    for number in range(10):
        Image.fromarray(np.full((8, 8), number, np.uint8)).save(tmp_path / "plain" / f"{number}.png")
    given = ("--task_loss", f"--domain_a=folder:{tmp_path / 'plain'}", f"--workdir={tmp_path / 'run'}")
    assert run_experiment(*SMALL, *given, experiment="cyclegan") == 2
    assert "task_loss: images of domain a have no classes to tell apart" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
