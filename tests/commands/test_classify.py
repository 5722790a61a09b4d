"""experiments.classify says what runs of sgan and of classifier see in image files."""

import numpy as np
import pytest
from absl import flags
from PIL import Image

from experiments import classify
from gan_jax.data import sources

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
        image = Image.fromarray(source.images[np.flatnonzero(source.labels == digit)[0], ..., 0])
        if digit % 2:
            wide = Image.new("RGB", (24, 16))
            wide.paste(image, (4, 0))
            image = wide
        paths.append(str(tmp_path / f"{digit}.png"))
        image.save(paths[-1])
    return paths


def say(capsys, *given):
    flags.FLAGS.unparse_flags()
    rest = classify.common.parse_flags(["classify", *map(str, given)], takes_more=True)
    capsys.readouterr()
    try:
        classify.main(rest)
    finally:
        flags.FLAGS.unparse_flags()
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("experiment", ["sgan", "classifier"])
def test_it_knows_digits(experiment, run, digits, capsys):
    lines = say(capsys, f"--workdir={run(experiment)}", *digits)
    assert len(lines) == 10
    right = [line.startswith(f"{path}: class {digit} (") for digit, (path, line) in enumerate(zip(digits, lines))]
    assert sum(right) >= 7
    names, found = classify.probabilities(run(experiment), digits)
    assert names == list("0123456789")
    assert found.shape == (10, 10)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


def test_the_second_is_told_where_there_is_doubt():
    assert classify.told("abc", np.array([0.015, 0.98, 0.005])) == "b (98.0%), then a (1.5%)"
    assert classify.told("abc", np.array([0.0, 0.001, 0.999])) == "c (99.9%)"


@pytest.mark.parametrize(
    "given, told",
    [
        (["--workdir={dcgan}", "{digit}"], "is a run of dcgan, which does not classify"),
        (["--workdir={sgan}", "none.png"], "none.png"),
        (["--workdir={sgan}"], "one or more images are needed"),
        (["{digit}"], "--workdir=RUN"),
        (["--workdir={none}", "{digit}"], "is not a run directory"),
    ],
)
def test_errors_are_one_line(given, told, run, digits, tmp_path, capsys):
    names = {"sgan": run("sgan"), "dcgan": run("dcgan"), "digit": digits[0], "none": tmp_path}
    with pytest.raises(SystemExit) as stop:
        say(capsys, *(word.format(**names) for word in given))
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and told in line
