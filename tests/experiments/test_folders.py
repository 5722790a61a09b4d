"""A run on a folder of images as people have them: splits, names in many scripts, paths with blanks, oblong images."""

import json
import re
import shlex

import numpy as np
import pytest
from PIL import Image

from gan_jax.runs import data, report
from gan_jax.runs.restore import restore

CLASSES = ("2 chêne", "10 кошка", "11 猫")

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture(scope="module")
def pets(folder):
    """16-bit files of 12-bit data in Train and valid, one broken, and a note."""
    root = folder / "my pets"
    for split, count in (("Train", 8), ("valid", 4)):
        for number, name in enumerate(CLASSES):
            (root / split / name).mkdir(parents=True)
            for k in range(count):
                values = np.random.RandomState(100 * number + k).randint(0, 4096, (16, 20))
                Image.fromarray(values.astype(np.uint16)).save(root / split / name / f"{k}.tif")
    (root / "Train" / CLASSES[0] / "broken.jpg").write_bytes(b"no")
    (root / "Train" / "notes.txt").write_text("cats")
    return root


@pytest.fixture
def run(pets, folder, run_experiment, capsys):
    """(the directory of a run on them, what it said)."""
    workdir = folder / "a run"
    if not workdir.exists():
        given = ("--network=mlp", "--hidden=8", "--batch_size=8", "--steps=2", "--image_size=8x12", "--crop=none")
        given += (f"--dataset=folder:{pets}", "--skip_broken", f"--workdir={workdir}", "--augment=translate:1")
        assert run_experiment(*given, experiment="cgan") == 0
        (folder / "said.txt").write_text(capsys.readouterr().out)
    return workdir, (folder / "said.txt").read_text()


def test_it_says_what_it_found(pets, run):
    said = run[1].splitlines()
    assert f"{pets}: splits: Train is trained on, valid held out; classes: 2 chêne (8), 10 кошка (8), 11 猫 (8)" in said
    assert f"{pets}/Train: passed over what is no image that Pillow reads: 1 .txt" in said
    left = f"{pets}/Train: left out 1 that cannot be read: 2 chêne/broken.jpg (no image that Pillow knows)"
    assert left in said
    (deep,) = [line for line in said if "12-bit" in line]
    assert deep.startswith(f"warning: {pets}/Train: 24 16-bit images") and "--white_level=4095" in deep
    (dark,) = [line for line in said if "nearly black" in line]
    assert dark.startswith(
        f"warning: folder:{pets}: 24 of 24 images are nearly black: 99.9 % of their values are at most 1"
    )


def test_the_commands_that_it_prints_can_be_pasted(run):
    workdir, said = run
    commands = [shlex.split(line) for line in said.splitlines() if line.strip().startswith("python -m gan_jax")]
    assert [command[3] for command in commands] == ["sample", "report"]
    assert all(f"--workdir={workdir}" in command for command in commands)
    (workdir / "evaluation.json").unlink(missing_ok=True)
    (command,) = re.findall(r"python -m gan_jax evaluate .* adds them", report.save(workdir).read_text())
    assert shlex.split(command.replace("&#x27;", "'"))[4] == f"--workdir={workdir}"


def test_the_command_in_an_error_can_be_pasted(pets, run, run_command, capsys):
    assert run_command("evaluate", f"--workdir={run[0]}", "--metrics=modes") == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    (command,) = re.findall(r"python -m experiments.classifier .*?(?= trains one)", line)
    assert shlex.split(command)[3:] == [f"--dataset=folder:{pets}"]


def test_the_validation_images_are_the_floor(run, run_command):
    workdir, _ = run
    assert run_command("evaluate", f"--workdir={workdir}", "--num_samples=12", "--metrics=sliced_wasserstein") == 0
    result = json.loads((workdir / "evaluation.json").read_text())
    assert result["real"]["other"] == "test split" and len(result["scores"]["real"]) > 0


def test_oblong_images_are_drawn_in_rows_of_their_classes(run, run_command):
    workdir, _ = run
    assert restore(workdir).sample(2, label="1..2").shape == (2, 8, 12, 1)
    assert restore(workdir).spec.classes == CLASSES
    assert run_command("sample", f"--workdir={workdir}", "--label=2 chêne..11 猫", "--num=2") == 0
    (picture,) = workdir.glob("sample-label*.png")
    assert Image.open(picture).width > Image.open(workdir / "samples" / "000002.png").height > 0


def test_the_report_has_the_real_images_beside_the_samples(run):
    workdir, _ = run
    assert Image.open(workdir / "data.png").size > (1000, 0)
    text = report.save(workdir).read_text()
    assert (
        text.index("<h2>Samples") < text.index("Real images, and as the networks see them") < text.index("<h2>Curves")
    )


def test_with_the_white_level_nothing_is_dark(pets, configured, capsys):
    given = ("--image_size=8", "--white_level=4095", "--skip_broken", f"--dataset=folder:{pets}")
    images = data.load(configured(*given).data)[np.arange(24)]["image"]
    assert 100 < images.mean() < 155 and images.max() > 190
    assert "warning" not in capsys.readouterr().out
