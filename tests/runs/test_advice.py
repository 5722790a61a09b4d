"""What is said where no network comes with a dataset."""

import pytest

from gan_jax.config.flags import parse
from gan_jax.config.options import replace
from gan_jax.config.parts import ScoringConfig
from gan_jax.runs import advice, monitor
from gan_jax.runs.experiment import find
from gan_jax.runs.names import default_name


@pytest.mark.parametrize("dataset", ["kmnist", "cifar10", "tfds:svhn_cropped", "folder:my/cats"])
def test_the_command_leaves_what_the_flag_names(dataset):
    said = advice.train_one(dataset)
    command, _, rest = said.partition(" trains one")
    assert command.startswith("python -m experiments.classifier --")
    experiment = find("classifier")
    given = parse(experiment.default, command.split()[3:]).config
    run = default_name(experiment, given)
    assert given == replace(experiment.default, dataset=dataset)
    assert rest == f", if it has classes, and --extractor={run}/extractor.npz names it"
    assert advice.train_one(dataset, "classifier").endswith(f" and --classifier={run} names it")


def test_one_that_is_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs/classifier-cifar10-seed0").mkdir(parents=True)
    (tmp_path / "runs/classifier-cifar10-seed0/extractor.npz").touch()
    said = "--extractor=runs/classifier-cifar10-seed0/extractor.npz names the one that you trained"
    assert advice.train_one("cifar10") == said
    assert "trains one" in advice.train_one("kmnist")


@pytest.mark.parametrize("dataset, shape", [("kmnist", (28, 28, 1)), ("cifar10", (32, 32, 3))])
def test_a_score_of_classes(dataset, shape):
    with pytest.raises(ValueError) as error:
        monitor.needed_extractor(["ms_ssim", "frechet_distance", "modes"], ScoringConfig(), dataset, shape)
    line = str(error.value)
    assert line.startswith(
        f"modes needs an extractor that knows such images, and none comes with {dataset}: python -m experiments."
    )
    assert f"--extractor=runs/classifier-{dataset}-seed0/extractor.npz" in line
    able = "frechet_distance, kernel_distance, precision_recall, density_coverage, sliced_wasserstein, ms_ssim"
    assert line.endswith(f"; or give --inception_weights; without: {able}")
