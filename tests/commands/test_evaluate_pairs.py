"""`evaluate` and `report` of runs that translate: scores beside baselines, and whether there was noise."""

import json

import pytest

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def test_scores_beside_baselines(run_command, filled, capsys):
    assert run_command("evaluate", f"--workdir={filled}", "--num_samples=20") == 0
    shown = capsys.readouterr().out
    found = json.loads((filled / "evaluation.json").read_text())
    assert list(found["scores"]) == ["newest", "identity", "mean colour", "diffusion"]
    assert set(found["scores"]["identity"]) == {
        "psnr",
        "psnr_hole",
        "ssim",
        "ssim_hole",
        "l1",
        "l1_hole",
        "perceptual[digits-cnn]",
    }
    assert all(column["psnr"] > column["psnr_hole"] for column in found["scores"].values())  # outside all is as it was
    assert "means over 20 pairs of the test split, translated without noise" in shown and "psnr_hole" in shown
    assert found["pairs"] == {"dataset": "digits", "split": "test", "count": 20}
    assert (filled / "translated.png").exists()


def test_noise_may_be_asked_for(run_command, edges, capsys):
    """Or not; of a network that has but one way it may not."""
    found = []
    for noisy in ("true", "false"):
        assert (
            run_command("evaluate", f"--workdir={edges}", "--num_samples=12", "--metrics=psnr", f"--noisy={noisy}") == 0
        )
        found.append(json.loads((edges / "evaluation.json").read_text()))
    assert [each["drawn"]["noisy"] for each in found] == [["a_to_b"], []]
    psnr = [each["scores"]["newest"]["psnr"] for each in found]
    assert psnr[0] != psnr[1]


def test_noise_is_stated_and_the_report_has_the_table(run_command, edges, capsys):
    given = ("evaluate", f"--workdir={edges}", "--num_samples=12", "--metrics=psnr", "--split=train")
    assert run_command(*given) == 0
    assert "12 pairs of the train split, translated with noise of its own" in capsys.readouterr().out
    found = json.loads((edges / "evaluation.json").read_text())
    assert found["drawn"]["noisy"] == ["a_to_b"] and set(found["scores"]["newest"]) == {"step", "psnr"}
    assert run_command("report", f"--workdir={edges}") == 0
    page = (edges / "report.html").read_text()
    assert "psnr" in page and "identity" in page


@pytest.mark.parametrize(
    "given, said",
    [
        ("--metrics=frechet_distance", "choose from psnr, ssim, l1, perceptual"),
        ("--truncation=0.5", "truncation=0.5: of samples; a run of pix2pix translates"),
        ("--truncation=0", "truncation=0.0: of samples"),
        ("--cutoff=2", "cutoff=2: of samples"),
        ("--iwae=5", "iwae=5: of samples"),
        ("--split=validation", "choose from train, test"),
    ],
)
def test_scores_that_there_are_not(run_command, edges, capsys, given, said):
    assert run_command("evaluate", f"--workdir={edges}", given) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]
