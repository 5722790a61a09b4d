"""A frozen classifier of domain a, and what translations are worth to one that is to know domain b."""

import json

import jax
import numpy as np
import pytest
from PIL import Image

from gan_jax.data import ArraySource, DataSpec, example_batch
from gan_jax.runs import adaptation
from gan_jax.runs.data import Data
from gan_jax.runs.experiment import find
from gan_jax.runs.restore import restore
from gan_jax.runs.training import Run

pytestmark = pytest.mark.usefixtures("compiled_in_haste")
SMALL = ("--image_size=8", "--width=2", "--blocks=1", "--batch_size=8", "--patch_layers=1", "--steps=2")


def test_images_in_other_channels():
    gray = ArraySource(
        {"image": np.arange(8, dtype=np.uint8).reshape(2, 2, 2, 1), "label": np.zeros(2, np.int32)}, ("x",)
    )
    colour = adaptation.as_it_is(gray, 3)
    assert colour.spec["image"].shape == (2, 2, 3) and colour.classes == ("x",)
    np.testing.assert_array_equal(adaptation.as_it_is(colour, 1).arrays["image"], gray.arrays["image"])


def test_labels_are_given_where_a_classifier_is_sure(monkeypatch, configured):
    """By the mean of what it says of an image, .9, .7, .5 and .1, and of it translated, .1, .7, .9 and .1."""
    said = {10: 0.9, 20: 0.7, 30: 0.5, 40: 0.1, 50: 0.1, 60: 0.7, 70: 0.9, 80: 0.1}

    def classify(images):
        second = np.array([said[int(image.mean())] for image in images])
        return np.stack([1 - second, second], axis=1)

    shape = (4, 2, 2, 1)
    of = lambda first: np.broadcast_to(np.arange(first, first + 40, 10, np.uint8)[:, None, None, None], shape)
    a = ArraySource({"image": of(0), "label": np.zeros(4, np.int32)}, ("x", "y"))
    b = ArraySource({"image": of(10), "label": np.zeros(4, np.int32)}, ("y", "x"))
    spec = DataSpec({"a": a.spec, "b": b.spec}, a.classes)
    run = Run(
        "cyclegan",
        configured("--task_sure=0.6", experiment="cyclegan"),
        Data(spec, None, found={"a": a, "b": b}),
        [],
        None,
    )
    monkeypatch.setattr(adaptation, "_translated", lambda run, state, name: {"b_to_a": of(50)}[name])
    monkeypatch.setattr(adaptation, "classifier", lambda recipe, state: classify)
    given = adaptation.as_given(run, None, None)
    assert [int(image.mean()) for image in given.arrays["image"]] == [20, 30, 40]
    assert list(given.arrays["label"]) == [1, 1, 0] and given.classes == ("x", "y")


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
    assert {"source_only", "gives-1", "again-1", "gives-2", "again-2", "adapted-3", "target"} <= {
        path.name for path in (tmp_path / "run").iterdir()
    }
    frozen = restore(tmp_path / "run").state.players["classifier"].params["Conv_0"]["kernel"]
    assert np.abs(frozen - fresh(tmp_path / "run")).max() > 1e-3  # what was learnt, and not what a run begins with
    assert run_experiment(*given, experiment="cyclegan") == 0
    assert f"images of domain b, labelled {result['target_accuracy']:.2%}" in capsys.readouterr().out


@pytest.mark.slow
def test_two_halves_make_a_whole(run_experiment, assert_same, tmp_path, monkeypatch):
    """Stopped before and after the classifier learnt anew, which it does after the third round."""
    monkeypatch.setattr(adaptation, "LEAST_STEPS", 20)
    monkeypatch.setattr(adaptation, "EPOCHS", 1)
    given = (*SMALL[:-1], "--task_loss", "--task_again=1", "--decay_from=3", "--decay_rounds=3", "--sample_every=1")
    for run, stops in ((tmp_path / "half", (2, 4, 6)), (tmp_path / "straight", (6,))):
        for steps in stops:
            assert run_experiment(*given, f"--steps={steps}", f"--workdir={run}", experiment="cyclegan") == 0
    assert_same(tmp_path / "half", tmp_path / "straight")
    results = [json.loads((tmp_path / name / "result.json").read_text()) for name in ("half", "straight")]
    accuracies = [{name: value for name, value in each.items() if "accuracy" in name} for each in results]
    assert accuracies[0] == accuracies[1] and len(accuracies[0]) == 3


def test_stretches(configured):
    """Of the schedule, so that more rounds change none of them."""
    resolve = find("cyclegan").resolve
    of = lambda *given: adaptation.stretches(resolve(configured("--task_loss", *given, experiment="cyclegan")))
    assert of("--steps=800", "--task_again=3") == [200, 400, 600]
    assert of("--steps=300", "--task_again=3", "--decay_from=400", "--decay_rounds=400") == [200]
    assert of("--steps=2", "--task_again=3") == [1] and of("--steps=800", "--task_again=0") == []


def test_images_without_classes(run_experiment, tmp_path, capsys):
    (tmp_path / "plain").mkdir()
    for number in range(10):
        Image.fromarray(np.full((8, 8), number, np.uint8)).save(tmp_path / "plain" / f"{number}.png")
    given = ("--task_loss", f"--domain_a=folder:{tmp_path / 'plain'}", f"--workdir={tmp_path / 'run'}")
    assert run_experiment(*SMALL, *given, experiment="cyclegan") == 2
    assert "task_loss: images of domain a have no classes to tell apart" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
