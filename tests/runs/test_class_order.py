"""Runs of version 0.2 on folders numbered the classes 1, 10, 2: they go on, and are scored, by the names they learnt."""

import json

import jax
import numpy as np
import pytest
from PIL import Image

from gan_jax.evaluation import features
from gan_jax.networks.cnn import Classifier
from gan_jax.runs import directory, learnt, score, training
from gan_jax.runs.experiment import find
from gan_jax.runs.restore import restore

OLD, NEW = ("1", "10", "2"), ("1", "2", "10")
COUNTS = {"1": 3, "10": 4, "2": 5}
TINY = ("--network=mlp", "--hidden=8", "--batch_size=4", "--steps=1")

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture(scope="module")
def numbered(tmp_path_factory):
    """A folder of classes 1, 2 and 10, of whose images all values are near to the class's number times ten."""
    root = tmp_path_factory.mktemp("numbered")
    for name, count in COUNTS.items():
        (root / name).mkdir()
        for k in range(count):
            values = 10 * int(name) + np.random.RandomState(k).randint(0, 3, (8, 8))
            Image.fromarray(values.astype(np.uint8)).save(root / name / f"{k}.png")
    return root


def age(workdir):
    """Makes a run one that learnt its classes in the old order."""
    path = workdir / "config.json"
    content = json.loads(path.read_text())
    assert tuple(content["data"]["classes"]) == NEW
    content["data"] |= {"classes": list(OLD), "class_counts": [COUNTS[name] for name in OLD]}
    path.write_text(json.dumps(content))


def named_rightly(source, classes):
    examples = source[np.arange(len(source))]
    names = [classes[label] for label in examples["label"]]
    return names == [str(int(value) // 10) for value in examples["image"][:, 0, 0, 0]]


def test_a_run_goes_on_with_the_labels_that_it_learnt(numbered, configured, tmp_path):
    given = (*TINY, f"--dataset=folder:{numbered}", f"--workdir={tmp_path / 'run'}")
    config = configured(*given, experiment="cgan")
    data = training.prepare(find("cgan"), config).data
    assert data.spec.classes == NEW and data.spec.class_counts == (3, 5, 4) and named_rightly(data.source, NEW)
    age(tmp_path / "run")
    data = training.prepare(find("cgan"), config).data  # which refuses a run that is another
    assert data.spec.classes == data.source.classes == data.real.classes == OLD
    assert data.spec.class_counts == (3, 4, 5) and named_rightly(data.source, OLD)
    assert tuple(directory.read_config(tmp_path / "run")["data"]["classes"]) == OLD


def test_other_classes_are_still_refused(numbered, configured, tmp_path):
    given = (*TINY, f"--dataset=folder:{numbered}", f"--workdir={tmp_path / 'run'}", "--classes=1,2")
    config = configured(*given, experiment="cgan")
    training.prepare(find("cgan"), config)
    content = json.loads((tmp_path / "run" / "config.json").read_text())
    content["data"]["classes"] = ["1", "7"]
    (tmp_path / "run" / "config.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match="classes: only run has 7; only data has 2"):
        training.prepare(find("cgan"), config)


def test_a_run_is_scored_by_the_names_that_it_learnt(numbered, run_experiment, tmp_path):
    """Also where the extractor calls classes by other numbers; one of version 0.2 does not say which."""
    given = (*TINY, f"--dataset=folder:{numbered}", f"--workdir={tmp_path / 'run'}")
    assert run_experiment(*given, experiment="cgan") == 0
    run = restore(tmp_path / "run")
    variables = Classifier(3, 4).init(jax.random.key(0), np.zeros((1, 8, 8, 1)), train=False)
    described = dict(name=f"{directory.short(f'folder:{numbered}')}-cnn", image_shape=(8, 8, 1), num_classes=3, width=4)
    of = {}
    for name, classes in (("new", {"classes": NEW}), ("old", {})):
        features.save_classifier(tmp_path / f"{name}.npz", variables, **described, **classes)
        of[name] = features.load_classifier(tmp_path / f"{name}.npz")
    age(tmp_path / "run")
    old_run = restore(tmp_path / "run")
    assert old_run.class_numbers("1..10").tolist() == [0, 2, 1]  # rows 1, 2, 10
    for each, names in ((run, NEW), (old_run, OLD)):
        images = learnt.read(each, each.config.data, 12, of["new"], allow_changed=False)
        assert images.source.classes == names and named_rightly(images.source, names)
        for extractor, its in ((of["new"], NEW), (of["old"], OLD)):
            numbers = score._classes(each.config.data, names, extractor, images.real)
            assert [its[number] for number in numbers] == list(names)
