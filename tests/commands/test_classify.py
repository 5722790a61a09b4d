"""`classify` says what runs that classify see in image files."""

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import sources
from gan_jax.runs import classify
from gan_jax.runs.restore import restore

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

SMALL = ("--image_size=8", "--batch_size=16", "--steps=60")
RUNS = {
    "sgan": (*SMALL, "--width=8", "--num_labeled=200"),
    "classifier": (*SMALL, "--channels=8", "--steps=250"),
    "dcgan": ("--network=mlp", "--hidden=8", "--image_size=8", "--batch_size=8", "--steps=1"),
}


@pytest.fixture
def run(trained_once):
    """run(experiment) is the directory of a run of it, trained once."""
    return lambda experiment: trained_once(experiment, *RUNS[experiment], experiment=experiment)


@pytest.fixture
def digits(tmp_path):
    """Files of ten digits in order, of other sizes than the network's, some oblong and in colour."""
    source = sources.load("digits", data_dir="", image_size=None)
    paths = []
    for digit in range(10):
        image = Image.fromarray(source.arrays["image"][np.flatnonzero(source.labels == digit)[0], ..., 0])
        if digit % 2:
            wide = Image.new("RGB", (24, 16))
            wide.paste(image, (4, 0))
            image = wide
        paths.append(str(tmp_path / f"{digit}.png"))
        image.save(paths[-1])
    return paths


@pytest.mark.parametrize("experiment", ["classifier", pytest.param("sgan", marks=pytest.mark.slow)])
def test_it_knows_digits(experiment, run, run_command, digits, capsys):
    workdir = run(experiment)
    capsys.readouterr()
    assert run_command("classify", f"--workdir={workdir}", *digits) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    right = [
        line.startswith(f"{path}: class {digit} (")
        for digit, (path, line) in enumerate(zip(digits, lines, strict=True))
    ]
    assert sum(right) >= 7
    trained = restore(workdir)
    found = classify.probabilities(trained, digits)
    assert trained.spec.classes == tuple("0123456789")
    assert found.shape == (10, 10)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


def test_the_second_is_named_where_there_is_doubt():
    assert classify.describe("abc", np.array([0.015, 0.98, 0.005])) == "b (98.0%), then a (1.5%)"
    assert classify.describe("abc", np.array([0.0, 0.001, 0.999])) == "c (99.9%)"


@pytest.mark.parametrize(
    "given, message",
    [
        (["--workdir={dcgan}", "{digit}"], "is a run of dcgan, which does not classify"),
        (["--workdir={classifier}", "none.png"], "none.png"),
        (["--workdir={classifier}"], "one or more image files are needed"),
        (["{digit}"], "--workdir=RUN"),
        (["--workdir={none}", "{digit}"], "is not a run directory"),
    ],
)
def test_errors_are_one_line(given, message, run, run_command, digits, tmp_path, capsys):
    names = {"classifier": run("classifier"), "dcgan": run("dcgan"), "digit": digits[0], "none": tmp_path}
    capsys.readouterr()
    assert run_command("classify", *(word.format(**names) for word in given)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and message in line
