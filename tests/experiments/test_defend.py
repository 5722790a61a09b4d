"""experiments.defend: a table, a picture and a page; refused in one line."""

import json
import re

import pytest

FEW = (
    "--num=12",
    "--adaptive_num=6",
    "--steps=2",
    "--adaptive_steps=1",
    "--drawn=64",
    "--starts=2",
    "--descent_steps=3",
)


@pytest.fixture
def generator(trained_once):
    """A run that draws digits, after a few rounds."""
    return trained_once("vae", "--steps=3", "--batch_size=16", experiment="vae")


@pytest.fixture
def made(folder, generator, run_study):
    """The directory of a study."""
    if not (folder / "made").exists():
        assert run_study("defend", f"--generator={generator}", *FEW, f"--workdir={folder / 'made'}") == 0
    return folder / "made"


def test_what_it_leaves(made, generator):
    head, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in (made / "table.md").read_text().splitlines()
    ]
    assert head == ["attack", "images", "classifier alone", "behind the generator"]
    attacks = [
        ("none", "12"),
        ("FGSM", "12"),
        ("PGD-2", "12"),
        ("none", "6"),
        ("through G", "6"),
        ("over latents", "6"),
    ]
    assert [tuple(row[:2]) for row in rows] == attacks
    assert float(rows[0][2]) > 90 and float(rows[1][2]) < 30
    for first in (0, 3):
        for column in (2, 3):
            assert all(float(row[column]) <= float(rows[first][column]) for row in rows[first : first + 3])
    page = (made / "report.html").read_text()
    assert f"{generator} as a defence of digits-cnn" in page and page.count("<img") == 1
    assert "Accuracy in % under linf 0.3 of [0, 1]" in page and "The nearest image takes" in page


def test_it_goes_on_where_it_stood(made, run_study, capsys):
    files = ("usual.jsonl", "adaptive.jsonl", "table.md")
    before = [(made / name).read_bytes() for name in files]
    (made / "adaptive.jsonl").unlink()
    assert run_study("defend", f"--workdir={made}") == 0
    assert [(made / name).read_bytes() for name in files] == before
    assert json.loads((made / "config.json").read_text())["flags"]["adaptive_num"] == 6


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((), "--generator=RUN is needed: the directory of a run that draws images"),
        (("--generator=nowhere",), "nowhere is not a run directory"),
        (("--generator=RUN", "--label=3"), "cannot be asked for a label"),
        (("--generator=RUN", "--classifier=nowhere"), "nowhere is not a run directory"),
        (("--generator=RUN", "--classifier=RUN"), "is a run of vae, which does not classify"),
        (("--generator=RUN", "--epsilon=-1"), "epsilon=-1.0: must be at least 0"),
        (("--generator=RUN", "--adaptive_num=0"), "adaptive_num=0: must be at least 1"),
        (("--generator=RUN", "--norm=l1"), "norm"),
        (("--generator=RUN", "--starts=65", "--drawn=64"), "starts=65: at most as many as are drawn, 64"),
        (("--generator=RUN", "--seed=-1"), "seed=-1: must be at least 0"),
    ],
)
def test_what_is_refused(given, message, generator, run_study, capsys, tmp_path):
    given = [flag.replace("RUN", str(generator)) for flag in given]
    assert run_study("defend", *given, f"--workdir={tmp_path / 'none'}") == 2
    said = capsys.readouterr().err
    assert re.fullmatch(f"error: .*{message}.*\\n", said), said
    assert not (tmp_path / "none").exists()


def test_a_classifier_draws_nothing(trained_once, run_study, capsys, tmp_path):
    run = trained_once("classifier", "--steps=1", "--batch_size=8", "--channels=2", experiment="classifier")
    assert run_study("defend", f"--generator={run}", f"--workdir={tmp_path}") == 2
    assert "is a run of classifier, which draws nothing" in capsys.readouterr().err
