"""Every experiment runs a few rounds, in each of its kinds, and leaves a whole run directory; which can be sampled."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import furniture
from gan_jax.presets import PRESETS
from gan_jax.runs.directory import read_config
from gan_jax.runs.experiment import STUDIES, find, names
from gan_jax.runs.study import Study
from tests.systems import styled

CONV = ("--network=dcgan", "--width=4", "--image_size=8", "--batch_size=8")
MLP = ("--network=mlp", "--hidden=8", "--image_size=8", "--batch_size=8")

GROWING = ("--base=16", "--most=8", "--image_size=8", "--stable_images=16", "--fade_images=8")
GROWING += ("--penalty_every=1",)  # as in test_progressive.py

TRICKS = (
    "--game=r3gan", "--penalty_every=2", "--penalty_end=0.1", "--decay_rounds=10", "--lr_decay=cosine",
    "--instance_noise=0.1", "--label_noise=0.1", "--critic_warmup=2", "--historical_averaging=0.1", "--pack=2",
    "--objective=feature_matching", "--d_dropout=0.2", "--d_spectral_norm", "--prior=uniform",
)  # fmt: skip

PAIRS = ("--dataset=digits", "--width=2", "--image_size=8", "--batch_size=8", "--patch_layers=1")
MAPS = ("--width=2", "--image_size=16", "--batch_size=8", "--patch_layers=1", "--style_size=4")
DOMAINS = ("--width=2", "--image_size=8", "--batch_size=8", "--patch_layers=1")
PHASES = ("--g_rounds=2", "--d_rounds=0", "--patch_layers=1", "--blocks=1")

# By experiment, and of each the kinds in which it is run.
CASES = {
    "dcgan": {game: (*MLP, f"--game={game}") for game in PRESETS}
    | {"networks": (*CONV, "--game=non_saturating"), "conv_gp": (*CONV, "--game=wasserstein_gp", "--n_critic=1")}
    | {
        "mlp_tricks": (*MLP, *TRICKS, "--minibatch=discrimination", "--steps_per_call=2"),
        "conv_tricks": (*CONV, *TRICKS, "--g_norm=virtual", "--dtype=bfloat16"),
    },
    "cgan": {
        "embed": (*MLP, "--conditioning=embed"),
        "concat": (*CONV, "--conditioning=concat", "--game=wasserstein_gp", "--n_critic=1"),
        "projection": (*CONV, "--conditioning=projection", "--game=hinge", "--d_spectral_norm"),
        "tricks": (*MLP, *(flag for flag in TRICKS if flag != "--pack=2"), "--minibatch=stddev"),
    },
    "sgan": {
        "dcgan": (*CONV, "--num_labeled=40"),
        "mlp": (*MLP, "--num_labeled=40", "--label_choice=stratified"),
        "game": (*CONV, "--num_labeled=40", "--game=wasserstein_gp", "--n_critic=2", "--objective=adversarial"),
        "tricks": (
            *CONV,
            "--num_labeled=40",
            *(flag for flag in TRICKS if flag != "--pack=2"),
            "--augment=translate:1,rotate:5,scale:0.1",
        ),
    },
    "vae": {
        "mlp": ("--hidden=8", "--image_size=8", "--batch_size=8"),
        "conv": (
            "--network=conv",
            "--width=4",
            "--image_size=8",
            "--batch_size=8",
            "--observation=gaussian",
            "--beta=4",
        ),
    },
    "began": {"digits": ("--width=4", "--image_size=8", "--batch_size=8")},
    "sagan": {
        "digits": ("--width=2", "--image_size=8", "--batch_size=8", "--attention=0"),
        "tricks": ("--width=4", "--batch_size=8", "--ada_target=0.6", "--dtype=bfloat16", "--weights=normal"),
        "unconditional": ("--width=2", "--batch_size=8", "--attention=0", "--conditional=false", "--pack=2"),
    },
    "biggan": {
        "digits": ("--width=2", "--image_size=8", "--batch_size=8", "--attention=0"),
        "deep": ("--deep", "--width=4", "--batch_size=8", "--attention=8", "--n_critic=2", "--augment=diffaugment"),
        "unconditional": ("--width=2", "--batch_size=8", "--attention=0", "--conditional=false", "--orthogonal=0"),
    },
    "r3gan": {
        "digits": ("--width=4", "--group=4", "--image_size=8", "--batch_size=8"),
        "conditional": ("--width=4", "--group=4", "--batch_size=8", "--conditional", "--dtype=bfloat16"),
        "augmented": ("--width=4", "--batch_size=8", "--augment_p=0.5", "--schedule_images=20", "--game=hinge"),
    },
    "stylegan": {
        "digits": (*styled.EACH_ROUND, *styled.SMALL, "--ada_target=0.6"),
        "conditional": (
            *styled.PLAIN,
            *styled.SMALL,
            "--conditional",
            "--residual=false",
            "--bf16_resolutions=1",
            "--game=hinge",
        ),
    },
    "gan3d": {
        "furniture": ("--width=2", "--batch_size=8"),
        "penalty": ("--width=2", "--batch_size=8", "--game=wasserstein", "--penalty=gradient_penalty", "--d_norm=none"),
    },
    "video": {
        "digits": ("--width=2", "--image_size=16", "--frames=8", "--batch_size=8"),
        "vgan": ("--network=vgan", "--width=2", "--image_size=16", "--frames=8", "--batch_size=8", "--game=hinge"),
    },
    "pix2pix": {
        "digits": (*PAIRS, "--degrade=edges"),
        "published": (
            *PAIRS,
            "--norm=instance",
            "--noisy",
            "--degrade=jpeg:5",
            "--game=least_squares",
        ),
        "unconditional": (*PAIRS, "--conditional=false", "--patch_layers=0", "--ema=0.9", "--dtype=bfloat16"),
    },
    "restore": {  # G alone, then both
        "superres": (*PAIRS, *PHASES, "--image_size=16"),
        "inpaint": (*PAIRS, *PHASES, "--task=inpaint", "--network=partial", "--degrade=hole:freeform"),
        "colorize": ("--width=2", "--image_size=16", "--batch_size=8", *PHASES, "--task=colorize"),
        "denoise": (*PAIRS, *PHASES, "--task=denoise", "--network=rrdb", "--blocks=1", "--perceptual=1"),
        "distance": (*PAIRS, "--task=inpaint", "--game=none"),
    },
    "spade": {
        "photos": (*MAPS, "--kl=0.1"),
        "alone": (*MAPS, "--encoder=false", "--perceptual=0", "--dtype=bfloat16", "--ema=0"),
    },
    "cyclegan": {
        "digits": (*DOMAINS, "--mirror", "--ema=0.9", "--dtype=bfloat16"),
        "resnet": (*DOMAINS, "--network=resnet", "--blocks=1", "--norm=batch", "--game=hinge", "--pool=0"),
        "coloured": (*DOMAINS, "--domain_b=colored:digits", "--augmented", "--latent_size_a=2", "--latent_size_b=3"),
    },
    "progressive": {  # two rounds of 4×4 pixels, then one of 8×8
        "digits": (*GROWING, "--batch_size=8"),
        "game": (*GROWING, "--batch_sizes=8,16", "--game=r3gan", "--pack=2", "--dtype=bfloat16"),
    },
}
# What presets and networks bring, so that a run's flags say what it was made with.
FILLED_IN = ("d_lr", "d_norm", "lr", "latent_size", "batch_sizes")
# What result.json of an experiment says beside what all say.
MEASURED = {"sgan": {"test_accuracy", "supervised_test_accuracy", "test_images"}}
TRANSLATES = {"pix2pix", "restore", "spade", "cyclegan"}
ELSEWHERE = {"classifier", "mixture2d"}  # tested in a file of their own

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def test_no_experiment_is_forgotten():
    forgotten = set(names()) - set(CASES) - ELSEWHERE
    assert not forgotten, f"add CASES[{forgotten.pop()!r}] in tests/experiments/test_smoke.py"
    assert all((Path(__file__).parent / f"test_{name}.py").exists() for name in ELSEWHERE)


def test_all_experiments_can_be_imported_side_by_side():
    """Each has flags of its own, those of the same name included."""
    found = [find(name) for name in names()]
    assert [experiment.name for experiment in found] == names()
    assert find("dcgan").default.run.steps != find("sgan").default.run.steps


def test_studies_are_those_that_train_nothing():
    """Each is a file of the package, and tested in one of its own."""
    for name in STUDIES:
        study = importlib.import_module(f"experiments.{name}").main
        assert isinstance(study, Study) and study.name == name
        assert (Path(__file__).parent / f"test_{name}.py").exists()
        with pytest.raises(
            ValueError, match=f"{name} is a study, which trains nothing of its own: python -m experiments.{name}"
        ):
            find(name)


def test_an_experiment_is_one_short_file():
    for path in (Path(__file__).parents[2] / "experiments").glob("*.py"):
        assert len(path.read_text().splitlines()) <= 120, path


def _cases():
    """Of each experiment the first kind is quick enough for every day."""
    for experiment, kinds in CASES.items():
        for number, kind in enumerate(kinds):
            yield pytest.param(experiment, kind, marks=[pytest.mark.slow] if number else [])


@pytest.mark.parametrize("experiment, kind", list(_cases()))
def test_a_few_rounds(experiment, kind, run_experiment, saved, tmp_path, capsys):
    given = ("--steps=3", "--checkpoint_every=2", "--sample_every=2", "--log_every=2", f"--workdir={tmp_path}")
    assert run_experiment(*CASES[experiment][kind], *given, experiment=experiment) == 0
    said = capsys.readouterr().out
    assert f"python -m gan_jax {'translate' if experiment in TRANSLATES else 'sample'} --workdir={tmp_path}" in said

    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3]
    assert all(np.isfinite(list(line.values())).all() for line in lines)

    samples = sorted((tmp_path / "samples").iterdir())
    assert [path.name for path in samples] == ["000000.png", "000002.png", "000003.png"]
    assert np.std(np.asarray(Image.open(samples[-1]))) > 0
    assert Image.open(tmp_path / "samples.gif").n_frames == 3
    Image.open(tmp_path / "curves.png").load()
    assert [path.stat().st_size > 0 for path in (tmp_path / "tensorboard").iterdir()] == [True]

    config = json.loads((tmp_path / "config.json").read_text())
    assert config["experiment"] == experiment
    assert config["flags"]["steps"] == 3
    assert None not in [config["flags"].get(name, 0) for name in FILLED_IN]
    of_photos = experiment == "spade" or kind == "colorize"
    of_furniture = list(furniture.KINDS) if experiment == "gan3d" else list("0123456789")
    assert read_config(tmp_path)["data"]["classes"] == (["temple", "flower"] if of_photos else of_furniture)

    result = json.loads((tmp_path / "result.json").read_text())
    assert result.keys() == {"step", "metrics", "seconds", "images_per_second"} | MEASURED.get(experiment, set())
    assert result["step"] == 3
    assert {"step": 3} | result["metrics"] == lines[-1]

    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == {"2", "3"}
    assert saved(tmp_path).step == 3
    if (experiment, kind) == ("sgan", "dcgan"):  # the first 40 keep their labels
        assert json.loads((tmp_path / "labelled.json").read_text())["indices"] == list(range(40))
        Image.open(tmp_path / "labelled.png").load()
