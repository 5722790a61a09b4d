"""A run knows its data again: where they were moved it goes on and is evaluated, and with others only if that is asked for."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from gan_jax.runs import same_data

RUN = ("--network=mlp", "--hidden=8", "--batch_size=4", "--checkpoint_every=1")
SCORES = ("--num_samples=10", "--metrics=sliced_wasserstein")

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def image(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.RandomState(seed).randint(0, 256, (16, 16), np.uint8)).save(path)


@pytest.fixture(scope="module")
def first(folder, run_experiment):
    """A folder that has a run of one round, and the images that it learnt, under relative paths."""
    for number in range(10):
        image(folder / "first" / "pets" / f"{number}.png", number)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "first")
        assert run_experiment(*RUN, "--steps=1", "--dataset=folder:pets", "--workdir=run") == 0
    return folder / "first"


@pytest.fixture
def place(first, tmp_path):
    """A copy of it, in which config.json names the copy of the images."""
    copy = shutil.copytree(first, tmp_path / "place")
    config(copy / "run", lambda content: content["flags"].update(dataset=f"folder:{copy / 'pets'}"))
    return copy


@pytest.fixture
def go_on(run_experiment, place, capsys):
    """go_on(steps, *flags) goes on with the run; returns the exit code, and what is said of an error."""

    def go_on(steps, *given, dataset=f"folder:{place / 'pets'}"):
        capsys.readouterr()
        code = run_experiment(*RUN, f"--steps={steps}", f"--workdir={place / 'run'}", f"--dataset={dataset}", *given)
        return code, capsys.readouterr().err

    return go_on


@pytest.fixture
def evaluate(run_command, place, capsys):
    """evaluate(*flags) evaluates the run; as `go_on`."""

    def evaluate(*given):
        capsys.readouterr()
        code = run_command("evaluate", f"--workdir={place / 'run'}", *SCORES, *given)
        return code, capsys.readouterr().err

    return evaluate


def config(run, change=lambda content: None):
    content = json.loads((run / "config.json").read_text())
    change(content)
    (run / "config.json").write_text(json.dumps(content))
    return content


def test_a_run_says_what_it_learnt_and_where_that_lies(first):
    content = config(first / "run")
    assert content["flags"]["dataset"] == f"folder:{first / 'pets'}"
    assert content["flags"]["data_dir"] == f"{first / 'data'}"
    assert content["dataset"]["count"] == 10 and len(content["dataset"]["digest"]) == 16


def test_it_does_not_matter_where_a_command_is_started(place, go_on, evaluate, monkeypatch):
    monkeypatch.chdir(place)
    assert go_on(2, dataset="folder:pets")[0] == 0
    monkeypatch.chdir("/")
    assert go_on(3)[0] == evaluate()[0] == 0


def test_other_data_are_refused_unless_they_are_allowed(place, go_on, evaluate):
    image(place / "pets" / "another.png")
    before = (place / "run" / "config.json").read_bytes()
    said = f"the data are not those that {place / 'run'} learnt: 10 examples then, 11 now; --allow_changed_data goes on"
    code, err = go_on(2)
    assert code == 2 and err.startswith(f"error: {said}") and err.count("\n") == 1
    assert (place / "run" / "config.json").read_bytes() == before
    code, err = evaluate()
    assert code == 2 and err.startswith(f"error: {said}")
    assert evaluate("--allow_changed_data")[0] == go_on(2, "--allow_changed_data")[0] == 0
    assert config(place / "run")["dataset"]["count"] == 11
    assert go_on(3)[0] == evaluate()[0] == 0  # now these are its data


def test_data_that_were_moved(place, go_on, evaluate):
    moved = shutil.move(place / "pets", place / "animals")
    code, err = evaluate()
    assert code == 2 and f"{place / 'pets'}: no such folder" in err
    assert evaluate(f"--dataset=folder:{moved}")[0] == 0
    assert go_on(2, dataset=f"folder:{moved}")[0] == 0
    assert config(place / "run")["flags"]["dataset"] == f"folder:{moved}"
    assert evaluate()[0] == 0


def test_other_data_in_another_place(place, go_on, evaluate):
    other = shutil.copytree(place / "pets", place / "others")
    image(other / "0.png", seed=99)
    (other / "0.png").rename(other / "x.png")
    for code, err in (evaluate(f"--dataset=folder:{other}"), go_on(2, dataset=f"folder:{other}")):
        assert code == 2 and "10 examples as then, but not the same ones" in err
    code, err = evaluate("--dataset=digits")
    assert code == 2 and f"learnt folder:{place / 'pets'}, and only a folder of images can be moved" in err
    code, err = go_on(2, dataset="digits")
    assert code == 2 and "holds a run of another configuration (--dataset=folder:" in err


def test_a_run_of_a_version_that_did_not_say_its_data(place, go_on, evaluate):
    config(place / "run", lambda content: content.pop("dataset"))
    image(place / "pets" / "another.png")
    assert evaluate()[0] == 0
    moved = shutil.copytree(place / "pets", place / "animals")
    code, err = go_on(2, dataset=f"folder:{moved}")
    assert code == 2 and "--dataset=folder:" in err  # nothing says that it is the same
    assert go_on(2)[0] == 0
    assert config(place / "run")["dataset"]["count"] == 11


def test_what_is_drawn_as_it_is_needed_has_no_fingerprint():
    assert same_data.to_json(None) is None and same_data.of_run({"dataset": None}) is None
    same_data.require_same("run", None, None)
