"""experiments.attack: a table, pictures and a page; made in parts, refused in one line."""

import json
import re

import jax
import numpy as np
import pytest
from PIL import Image

from gan_jax.attacks.robustness import CLEAN
from gan_jax.evaluation.features import EXTRACTORS
from gan_jax.studies import counted, transfer

FEW = ("--num=40", "--epsilons=.1,.3", "--steps=3", "--restarts=2")


@pytest.fixture(scope="module")
def made(folder, run_study):
    """The directory of a study of the network that comes with digits."""
    if not (folder / "made").exists():
        assert run_study("attack", *FEW, f"--workdir={folder / 'made'}") == 0
    return folder / "made"


def table(workdir):
    """{epsilon: {attack: accuracy}}"""
    head, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (workdir / "table.md").read_text().splitlines()
    ]
    return {row[0]: dict(zip(head[1:], map(float, row[1:]), strict=True)) for row in rows}


def test_what_it_leaves(made):
    found = table(made)
    assert list(found) == ["0", "0.1", "0.3"]
    assert all(list(row) == ["noise", "FGSM", "PGD-3, 2 restarts"] for row in found.values())
    assert set(found["0"].values()) == {found["0"]["FGSM"]} and found["0"]["FGSM"] > 95
    for epsilon in ("0.1", "0.3"):
        noise, fgsm, pgd = found[epsilon].values()
        assert pgd <= fgsm < noise <= found["0"]["FGSM"]
    assert found["0.3"]["FGSM"] < 20
    page = (made / "report.html").read_text()
    assert "Attacks on digits-cnn" in page and page.count("<img") == 2
    assert "Accuracy in % on 40 test images, by epsilon (linf, images in [0, 1])" in page
    with Image.open(made / "examples.png") as picture:
        assert picture.width > 600


def test_it_goes_on_where_it_stood(made, run_study, tmp_path, capsys):
    """Nothing is counted again; with its directory alone, by the flags that it has."""
    before = (made / "counts.jsonl").read_bytes()
    assert run_study("attack", f"--workdir={made}") == 0
    assert "| 0.3 |" in capsys.readouterr().out
    assert (made / "counts.jsonl").read_bytes() == before
    config = json.loads((made / "config.json").read_text())
    assert config["experiment"] == "attack" and config["flags"]["num"] == 40


def test_the_same_flags_find_the_same(made, run_study, tmp_path):
    assert run_study("attack", *FEW, f"--workdir={tmp_path / 'again'}") == 0
    assert table(tmp_path / "again") == table(made)


def test_counting_is_gone_on_with(tmp_path):
    """Stopped in the second of three parts, it asks about the second and the third, and finds what it would have found."""
    images, labels = np.arange(10.0).reshape(10, 1, 1, 1), np.arange(10) % 2
    attacks, asked = {"odd": lambda x, y, keys: x + (x > 6)}, []

    def predict(images):
        asked.append(np.asarray(images).ravel().tolist())
        if len(asked) == 4:  # under attack, of the second part
            raise Cut
        return np.asarray(images).ravel().astype(int) % 2

    def count():
        return counted.count(
            tmp_path / "counts.jsonl", {"it": predict}, images, labels, attacks, jax.random.key(0), at_once=4
        )

    with pytest.raises(Cut):
        count()
    asked[:] = [[]] * 4
    assert count() == {CLEAN: {"it": 10}, "odd": {"it": 7}}
    lines = [json.loads(line) for line in (tmp_path / "counts.jsonl").read_text().splitlines()]
    assert [line["images"] for line in lines] == [4, 4, 2]
    assert asked[4:] == [[4, 5, 6, 7], [4, 5, 6, 8], [8, 9, 8, 9], [9, 10, 9, 10]]


class Cut(Exception):
    """What ends a process."""


def test_of_a_run(trained_once, run_study, tmp_path, capsys):
    """A robust one, of few rounds: its network has no extractor."""
    few = ("--steps=2", "--batch_size=16", "--adversarial=fgsm_rs", "--channels=2")
    run = trained_once("robust", *few, experiment="classifier")
    assert not (run / "extractor.npz").exists()
    given = (f"--classifier={run}", "--num=4", "--epsilons=.1", "--steps=1", f"--workdir={tmp_path / 'it'}")
    assert run_study("attack", *given) == 0
    assert f"Attacks on {run}" in (tmp_path / "it" / "report.html").read_text()
    capsys.readouterr()


def test_other_kinds_of_classifiers_and_noise(run_study, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "LEARNT", 300)
    given = ("--num=20", "--epsilons=.2", "--steps=2", "--transfer", "--from_noise", f"--workdir={tmp_path}")
    assert run_study("attack", *given) == 0
    found = json.loads((tmp_path / "transfer.json").read_text())
    names = ["network", *transfer.KINDS]
    assert list(found) == [transfer.UNCHANGED, *names]
    assert all(list(row) == [*names, transfer.ENSEMBLE] for row in found.values())
    assert all(found[name][name] < found[transfer.UNCHANGED][name] for name in names[:4])
    page = (tmp_path / "report.html").read_text()
    assert page.count("<img") == 4 and "A tree and nearest neighbours have no gradient" in page


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--epsilons=-.1",), "epsilons=-0.1: must be at least 0"),
        (("--epsilons=",), "epsilons: name one or more, as in .1,.3"),
        (("--num=0",), "num=0: must be at least 1"),
        (("--norm=l7",), "norm"),
        (("--restarts=0",), "restarts=0: must be at least 1"),
        (("--relative_step=0",), "relative_step=0.0: must be above 0"),
        (("--dataset=nowhere",), "no classifier comes with nowhere"),
        (("--classifier=nowhere",), "nowhere is not a run directory"),
        (
            (f"--classifier={EXTRACTORS / 'mnist.npz'}",),
            "a file does not say whose images it knows: name them by --dataset",
        ),
        ((f"--classifier={EXTRACTORS / 'emoji.npz'}", "--dataset=digits"), "knows .* classes, digits has 10"),
        ((f"--classifier={__file__}", "--dataset=digits"), "is no extractor, or damaged"),
        (("--epsilon=.3",), "epsilon.*did you mean.*epsilons"),
        ((f"--workdir={__file__}",), "is a file, not a directory"),
    ],
)
def test_what_is_refused(given, message, run_study, capsys, tmp_path):
    workdir = () if "workdir" in given[0] else (f"--workdir={tmp_path / 'none'}",)
    assert run_study("attack", *given, *workdir) == 2
    said = capsys.readouterr().err
    assert re.fullmatch(f"error: .*{message}.*\n", said), said
    assert not (tmp_path / "none").exists()


def test_another_study_is_refused_in_its_directory(made, run_study, capsys):
    assert run_study("attack", "--num=41", f"--workdir={made}") == 2
    assert "--num=40 there, 41 asked for" in capsys.readouterr().err


def test_a_run_that_does_not_classify_is_refused(trained_once, run_study, capsys, tmp_path):
    run = trained_once("gan", "--steps=1", "--batch_size=8", "--width=2", experiment="dcgan")
    assert run_study("attack", f"--classifier={run}", f"--workdir={tmp_path / 'none'}") == 2
    assert "is a run of dcgan, which does not classify" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["report", "sample", "evaluate"])
def test_a_study_is_no_run(made, run_command, command, capsys):
    assert run_command(command, f"--workdir={made}") == 2
    assert "attack is a study, which trains nothing of its own" in capsys.readouterr().err
