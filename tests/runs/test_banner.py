"""What a run says at its start."""

import re
from pathlib import Path

import jax
import pytest

from gan_jax.data import example_batch
from gan_jax.runs import training
from gan_jax.runs.banner import banner
from gan_jax.runs.experiment import find

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def test_a_run_begins_with_what_it_is_and_when_it_ends(run_experiment, tiny, tmp_path, capsys):
    """Parameters of dense layers: 100·8 + 8 + 8·64 + 64, and 64·8 + 8 + 9 + 1 (how alike the batch is)."""
    assert run_experiment(*tiny, "--steps=30", "--log_every=5", f"--workdir={tmp_path}") == 0
    printed = capsys.readouterr().out
    banner = dict(line.split("  ", 1) for line in printed.splitlines()[:7])
    assert {name: text.strip() for name, text in banner.items()} == {
        "experiment": "dcgan",
        "data": "digits: 1,797 examples, 10 classes",
        "an example": "image 8×8×1 uint8, label int32",
        "parameters": "discriminator 530, generator 1,384",
        "devices": "4 × cpu",
        "rounds": "30, of batches of 8",
        "directory": str(tmp_path),
    }
    assert printed.count("30 rounds in about") == 1


@pytest.fixture
def banner_of(configured):
    """banner_of(*flags, experiment=) is the banner of a run that is not begun."""

    def banner_of(*given: str, experiment: str) -> str:
        config, data, phases = training.check(find(experiment), configured(*given, experiment=experiment))
        shapes = jax.eval_shape(phases[0].recipe.init, jax.random.key(0), example_batch(data.spec.example))
        return banner(training.Run(experiment, config, data, phases, Path("runs")), shapes)

    return banner_of


def test_of_domains(banner_of):
    """Of 1,797 images a fifth is held out."""
    said = banner_of("--width=4", "--image_size=8", "--batch_size=8", "--num_labeled=40", experiment="sgan")
    assert "digits: 1,398 unlabelled, 40 labelled, 10 classes" in said
    assert "unlabelled: image 8×8×1 uint8; labelled: image 8×8×1 uint8, label int32" in said


def test_of_trials(banner_of):
    """Of a trial 2·8 + 8 + 8·2 + 2, and 2·8 + 8 + 8 + 1."""
    said = banner_of("--trials=2", "--hidden=8", "--d_hidden=8", experiment="mixture2d")
    assert re.search(r"^data +ring8$", said, re.MULTILINE)
    assert "discriminator 66, generator 84 (of 2 trials together)" in said
