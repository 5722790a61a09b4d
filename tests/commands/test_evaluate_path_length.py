"""`evaluate --metrics=path_length` of runs with styles and without."""

import json

import numpy as np
import pytest

from gan_jax.evaluation import features, scores
from gan_jax.runs import score_table
from tests.systems import styled

SMALL = (*styled.SMALL, "--steps=2")
ASKED = ("--metrics=path_length", "--num_samples=20")

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture
def run(trained_once):
    return trained_once("stylegan", *styled.PLAIN, *SMALL, "--conditional", experiment="stylegan")


@pytest.fixture
def plain(trained_once):
    return trained_once("plain", "--network=mlp", "--hidden=8", *SMALL, experiment="dcgan")


def test_it_is_recorded_by_space_network_and_count(score, run, plain):
    """Only where it is named; the same twice; beside nothing of real images; a smaller number for less various latents."""
    for workdir, name in ((run, "path_length[w,digits-cnn,20]"), (plain, "path_length[z,digits-cnn,20]")):
        result = score(workdir, *ASKED)
        assert result["scores"].keys() == {"newest", "real"} and not result["scores"]["real"] and not result["by_class"]
        assert list(result["scores"]["newest"]) == ["step", name]
        assert 0 < result["scores"]["newest"][name] < np.inf and scores.better(name) == "lower"
        assert result["extractor"]["name"] == "digits-cnn"
        assert json.loads((workdir / "evaluation.json").read_text()) == result == score(workdir, *ASKED)
        assert any(line.startswith(name) for line in score_table.table(result))
        nearer = score(workdir, *ASKED, "--truncation=0.01")["scores"]["newest"]
        assert nearer[name] < result["scores"]["newest"][name]


def test_it_is_not_computed_unless_it_is_named(score, plain, run_command, capsys):
    result = score(plain, "--num_samples=20")
    assert "path_length" not in json.dumps(result) and "frechet_distance[digits-cnn,20]" in result["scores"]["newest"]
    both = score(plain, "--metrics=path_length,modes", "--num_samples=20")["scores"]["newest"]
    assert list(both) == ["step", "modes[digits-cnn,20]", "path_length[z,digits-cnn,20]"]
    assert run_command("evaluate", "--help") == 0
    assert "path_length" in capsys.readouterr().out


def test_what_it_cannot_be_computed_of(fails_of, plain, trained_once, monkeypatch):
    fails = fails_of("evaluate")
    classifier = trained_once("classifier", "--channels=2", *SMALL, experiment="classifier")
    assert fails(f"--workdir={classifier}", *ASKED).endswith("which draws nothing from noise; it classifies")
    monkeypatch.setattr(
        features, "load_classifier", lambda path, load=features.load_classifier: load(path)._replace(maps=None)
    )
    assert "digits-cnn: the maps of this network are not known" in fails(f"--workdir={plain}", *ASKED)
