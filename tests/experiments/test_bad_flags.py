"""What cannot be is said in one line, and leaves nothing behind."""

import pytest

SMALL = ("--image_size=8", "--batch_size=8", "--steps=1")

BAD = {
    "vae": {
        "--latent_size=0": "latent_size=0",
        "--beta=-1": "beta=-1",
        "--kl_warmup=-1": "kl_warmup=-1",
        "--network=unet": "choose from mlp, conv",
        "--observation=poisson": "choose from bernoulli, gaussian",
        "--deviation=0": "deviation=0",
        "--optimizer=sgd": "choose from rmsprop, adam",
        "--lr=-1": "lr=-1",
        "--hidden=0": "hidden=0",
        "--batch_size=6": "batch_size 6 is not divisible by the 4 devices",
        "--lr=1e30 --steps=30": "at step",
    },
    "began": {
        "--gamma=2": "gamma=2",
        "--lambda_k=-1": "lambda_k=-1",
        "--latent_size=0": "latent_size=0",
        "--width=0": "width=0",
        "--lr=nan": "lr",
        "--beta1=2": "beta1=2",
        "--ema=1": "ema=1",
        "--batch_size=6": "batch_size 6 is not divisible by the 4 devices",
        "--game=hinge": "game",
        "--dataset=folder:/nowhere": "/nowhere",
        "--lr=1e30 --steps=30": "at step",
    },
}
CASES = [(experiment, given, message) for experiment, bad in BAD.items() for given, message in bad.items()]

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.mark.parametrize("experiment, given, message", CASES)
def test_errors_are_one_line(experiment, given, message, run_experiment, tmp_path, capsys):
    workdir = tmp_path / "run"
    flags = dict(flag.split("=") for flag in (*SMALL, *given.split()))
    assert run_experiment(*map("=".join, flags.items()), f"--workdir={workdir}", experiment=experiment) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("error: ") and message in line, line
    assert not workdir.exists() or "--steps" in given
