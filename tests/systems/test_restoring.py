"""What a system without latents, whose examples have a target, can do; and what it cannot do is said in one line."""

import json

import pytest
from PIL import Image

NAME = "tests.systems.restoring"

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture(scope="module")
def run(tmp_path_factory, run_experiment):
    workdir = tmp_path_factory.mktemp("restoring") / "run"
    assert run_experiment("--steps=30", "--log_every=10", f"--workdir={workdir}", experiment=NAME) == 0
    return workdir


def test_it_learns_and_its_directory_says_what_an_example_is(run):
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert len(lines) == 30 and lines[-1]["restorer_loss"] < 0.8 * lines[0]["restorer_loss"]
    config = json.loads((run / "config.json").read_text())
    assert config["experiment"] == NAME
    assert config["data"]["example"] == {"image": ["uint8", [8, 8, 1]], "target": ["uint8", [8, 8, 1]]}
    assert sorted(each.name for each in (run / "samples").iterdir()) == [
        "000000.png",
        "000030.png",
    ]  # input | output | truth


def test_it_goes_on(run, run_experiment, capsys):
    assert run_experiment("--steps=40", "--log_every=10", f"--workdir={run}", experiment=NAME) == 0
    assert f"going on with {run} from step 30" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["sample", "evaluate", "interpolate", "latent", "classify"])
def test_what_it_cannot_do_is_said_in_one_line(command, run, run_command, capsys, tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "image.png")
    arguments = [str(tmp_path / "image.png")] if command == "classify" else []
    assert run_command(command, f"--workdir={run}", *arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    reason = {
        "classify": f"{run} is a run of {NAME}, which does not classify",
        "evaluate": "digits has no test split; --split=train compares what was learnt",
    }.get(command, f"{run} is a run of {NAME}, which draws nothing from noise; it translates (restore)")
    assert line == f"error: {reason}"


def test_it_has_a_page(run, run_command, capsys):
    assert run_command("report", f"--workdir={run}") == 0
    page = (run / "report.html").read_text()
    assert capsys.readouterr().out.strip() == str(run / "report.html")
    assert NAME in page and "curves" in page.lower() and "Nearest" not in page
