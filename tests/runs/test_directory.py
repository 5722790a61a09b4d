"""config.json: a flag that it lacks takes its default, one that is unknown is named, and other networks are no damage."""

import json
import shutil

import pytest

import gan_jax

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture
def run(trained_once, tiny, tmp_path):
    trained = trained_once("dcgan", *tiny, "--steps=4", "--checkpoint_every=2", experiment="dcgan")
    return shutil.copytree(trained, tmp_path / "run")


def _change(run, change):
    config = json.loads((run / "config.json").read_text())
    change(config["flags"])
    (run / "config.json").write_text(json.dumps(config))


def test_config_json_is_the_configuration(run, configured, tiny):
    config = json.loads((run / "config.json").read_text())
    assert config["experiment"] == "dcgan" and config["flags"]["game"] == "non_saturating"
    assert config["flags"]["d_lr"] == 2e-4  # the game's own, resolved
    assert config["data"] == {
        "example": {"image": ["uint8", [8, 8, 1]], "label": ["int32", []]},
        "classes": list("0123456789"),
        "class_counts": [],
    }


def test_a_flag_that_is_lacking_takes_its_default(run, run_experiment, tiny, capsys):
    """Also one whose default is the game's own, or the network's."""
    lacking = ("label_noise", "latent_size", "d_lr", "g_norm", "penalty")
    _change(run, lambda flags: [flags.pop(name) for name in lacking])
    trained = gan_jax.load(run)
    assert (trained.config.players.latent_size, trained.config.gan.d_lr, trained.config.players.g_norm) == (
        100,
        2e-4,
        "none",
    )
    assert trained.sample(2).shape == (2, 8, 8, 1)
    assert run_experiment(*tiny, "--steps=6", f"--workdir={run}") == 0
    assert f"going on with {run} from step 4" in capsys.readouterr().out
    assert run_experiment(*tiny, "--steps=8", "--label_noise=0.1", f"--workdir={run}") == 2


def test_a_flag_that_is_unknown_now_is_named(run, run_command, capsys):
    _change(run, lambda flags: flags.update(frobnicate=1))
    assert run_command("sample", f"--workdir={run}") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"error: {run}/config.json: it has a flag --frobnicate that this version does not know"


OTHER_NETWORKS = {
    "another tree": ({"hidden": [8, 8]}, ("--hidden=8,8",), r"Dense_2.* is only here"),
    "other shapes": ({"hidden": [16]}, ("--hidden=16",), r"Dense_0/bias is \[8\] there, \[16\] here"),
}


@pytest.mark.parametrize("kind", OTHER_NETWORKS)
def test_checkpoints_of_other_networks_are_refused_and_stay(kind, run, run_experiment, tiny, capsys):
    """As after a change of a network's code, here by a config.json that says otherwise."""
    forged, given, said = OTHER_NETWORKS[kind]
    _change(run, lambda flags: flags.update(forged))
    before = {path: path.read_bytes() for path in (run / "checkpoints").rglob("*") if path.is_file()}
    assert run_experiment(*tiny, *given, "--steps=8", f"--workdir={run}") == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line]
    assert line.startswith(f"error: checkpoint of step 4 in {run / 'checkpoints'} is of other networks: ")
    with pytest.raises(ValueError, match=said):
        gan_jax.load(run)
    assert {path: path.read_bytes() for path in (run / "checkpoints").rglob("*") if path.is_file()} == before
    assert not (run / "damaged").exists()
