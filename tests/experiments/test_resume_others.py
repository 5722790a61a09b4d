"""Of each experiment: a run that is stopped and gone on with equals one that was not, bit for bit."""

import signal

import pytest

from gan_jax.runs import training
from tests.systems import styled

# A checkpoint every other round.
EVERY = ("--log_every=3", "--sample_every=4", "--checkpoint_every=2")

# A stop changes nothing however well the program is compiled; compiling is most of what these take.
pytestmark = pytest.mark.usefixtures("compiled_in_haste")

OTHERS = {
    "cgan": (
        *("--network=mlp", "--hidden=8", "--image_size=8", "--batch_size=8"),
        *("--game=hinge", "--ada_target=-0.9", "--ada_images=100"),  # p moves, and is remembered
    ),
    "sgan": (
        "--width=4",
        "--image_size=8",
        "--batch_size=8",
        "--num_labeled=40",
        "--decay_rounds=100",
        "--lr_decay=cosine",
    ),
    "vae": ("--network=mlp", "--hidden=8", "--image_size=8", "--batch_size=8", "--kl_warmup=6"),
    "began": ("--width=2", "--latent_size=3", "--image_size=8", "--batch_size=8", "--lambda_k=0.1"),
    "sagan": ("--width=2", "--image_size=16", "--batch_size=8", "--ada_target=-0.9", "--ada_images=100"),
    "biggan": ("--width=2", "--image_size=8", "--batch_size=8", "--attention=0", "--d_lr=1e-2"),
    "classifier": (
        "--adversarial=fgsm_rs",
        "--channels=2",
        "--batch_size=8",
        "--decay_rounds=100",
        "--epsilon_warmup=4",
    ),
    "pix2pix": (
        "--width=1",
        "--image_size=64",
        "--batch_size=4",
        "--dataset=digits",
        "--ema=0.9",
    ),  # so that there is dropout
    "spade": ("--width=2", "--image_size=16", "--batch_size=4", "--patch_layers=1", "--style_size=4"),
    # The pool fills while it runs, and is full when it goes on; rates fall.
    "cyclegan": (
        *("--width=1", "--image_size=8", "--batch_size=4", "--patch_layers=1", "--pool=10"),
        *("--decay_from=3", "--decay_rounds=100", "--ema=0.9"),
    ),
    # Stopped at a border of phases.
    "restore": (
        *("--dataset=digits", "--task=denoise", "--width=2", "--blocks=1", "--batch_size=4"),
        *("--patch_layers=1", "--g_rounds=4", "--d_rounds=1"),
    ),
    # All that changes over rounds does so while it is stopped and gone on with.
    "r3gan": (
        *("--width=4", "--group=4", "--image_size=8", "--batch_size=8", "--schedule_images=50", "--augment_p=0.8"),
        *("--lr_end=1e-5", "--gamma_end=0.01", "--ema_images=60"),
    ),
    # D does not learn in each round, and whether it does is remembered.
    "gan3d": ("--width=2", "--batch_size=8", "--d_lr=1e-2", "--d_accuracy=0.6"),
    "video": ("--width=2", "--image_size=16", "--frames=8", "--batch_size=8", "--g_lr=1e-2", "--d_lr=1e-2"),
    # Path lengths' mean, w̄ and p move, and are remembered.
    "stylegan": (*styled.EACH_ROUND, *styled.SMALL, "--ada_target=-0.9", "--ada_images=100", "--ema_images=60"),
}


@pytest.mark.slow
@pytest.mark.parametrize("experiment", OTHERS)
def test_two_halves_make_a_whole_of_other_experiments_too(experiment, run_experiment, assert_same, tmp_path):
    for run, stops in ((tmp_path / "half", (4, 8)), (tmp_path / "straight", (8,))):
        for steps in stops:
            given = (*OTHERS[experiment], *EVERY, f"--steps={steps}", f"--workdir={run}")
            assert run_experiment(*given, experiment=experiment) == 0
    assert_same(tmp_path / "half", tmp_path / "straight")
    alone = [run / "supervised" / "metrics.jsonl" for run in (tmp_path / "half", tmp_path / "straight")]
    assert experiment != "sgan" or alone[0].read_bytes() == alone[1].read_bytes() != b""


@pytest.mark.slow
def test_ctrl_c_while_sgan_learns_from_the_labelled_images_alone(
    run_experiment, assert_same, monkeypatch, tmp_path, capsys
):
    given, whole = (*OTHERS["sgan"], *EVERY, "--steps=8"), training.batches_of

    def batches_of(source, phases, config):
        def batches(step):
            for number, batch in enumerate(whole(source, phases, config)(step)):
                if number == 4:
                    signal.raise_signal(signal.SIGINT)
                yield batch

        return batches

    run, straight = tmp_path / "run", tmp_path / "straight"
    with monkeypatch.context() as patched:
        patched.setattr(training, "batches_of", batches_of)
        assert run_experiment(*given, f"--workdir={run}", experiment="sgan") == 130
    assert "stopped by SIGINT" in capsys.readouterr().err
    assert list((run / "supervised" / "checkpoints").iterdir()) and not (run / "checkpoints").exists()
    assert run_experiment(*given, f"--workdir={run}", experiment="sgan") == 0
    assert f"going on with {run / 'supervised'}" in capsys.readouterr().out
    assert run_experiment(*given, f"--workdir={straight}", experiment="sgan") == 0
    assert_same(run, straight)
    alone = [(each / "supervised" / "metrics.jsonl").read_bytes() for each in (run, straight)]
    assert alone[0] == alone[1]
