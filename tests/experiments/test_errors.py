"""What can be known to be wrong is said in one line with exit code 2, before any training, and nothing is written."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from gan_jax.data.sources import DATASETS
from gan_jax.networks.registry import NETWORKS
from gan_jax.penalties import PENALTIES
from gan_jax.presets import PRESETS
from gan_jax.runs import training

GANS = ("dcgan", "cgan", "sgan")


@pytest.fixture
def refused(run_experiment, tiny, tmp_path, monkeypatch, capsys):
    """refused(*flags) asserts that a run with these is refused as it should be; returns the line that says why."""

    def never(*_):
        raise AssertionError("it trains")

    monkeypatch.setattr(training, "fit", never)
    monkeypatch.chdir(tmp_path)  # where runs/ would be made

    def refused(*given: str, experiment: str = "dcgan") -> str:
        before = _contents(tmp_path)
        networks = tiny if experiment in GANS else ()
        assert run_experiment(*networks, *given, experiment=experiment) == 2
        out, err = capsys.readouterr()
        (line,) = err.splitlines()
        # Before it is refused, what a folder was taken for may be said.
        said = [
            each for each in out.splitlines() if not each.removeprefix("warning: folder:").startswith(str(tmp_path))
        ]
        assert line.startswith("error: ") and said == []
        assert _contents(tmp_path) == before
        return line

    return refused


def _contents(folder):
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


UNKNOWN = {
    "game": PRESETS,
    "dataset": (*DATASETS, "tfds:NAME", "folder:PATH"),
    "network": NETWORKS,
    "penalty": ("none", *PENALTIES),
    "optimizer": ("adam", "rmsprop"),
    "objective": ("adversarial", "feature_matching"),
    "lr_decay": ("none", "cosine"),
    "dtype": ("float32", "bfloat16"),
    "prior": ("normal", "uniform"),
    "d_norm": ("batch", "layer", "none"),
    "g_norm": ("batch", "layer", "none", "virtual"),
    "minibatch": ("none", "discrimination", "stddev"),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_an_unknown_name_is_answered_with_the_known(what, refused):
    line = refused(f"--{what}=nope")
    assert f"unknown {what} 'nope'" in line
    for name in UNKNOWN[what]:
        assert name in line


@pytest.mark.parametrize(
    "flag, said",
    [
        ("--stepz=3", "unknown flag --stepz; did you mean --steps"),
        ("--lr=1e-4", "unknown flag --lr; did you mean --d_lr, --g_lr?"),
        ("--epochs=3", "unknown flag --epochs; did you mean --steps?"),
        ("--average=0.9", "unknown flag --average; it is now --ema=0.999"),
        ("--d_shift=2", "unknown flag --d_shift; it is now --augment=translate:2"),
        ("--xyzzy=2", "unknown flag --xyzzy; --help lists all"),
        (
            "--game=hing",
            "wasserstein, wasserstein_gp, non_saturating_gp, non_saturating_r1, r3gan (did you mean hinge?)",
        ),
        ("--augment=nope", "unknown augmentation 'nope'; choose from mirror, rotate, scale, translate"),
        ("--augment=rotate:200", "augment=rotate:200: must be from 0 to 180 (degrees either way)"),
        ("--d_lr=nan", "d_lr=nan: must be finite"),
        ("--steps=many", "--steps=many"),
        ("--steps=0", "steps=0: must be at least 1"),
        ("--batch_size=-8", "batch_size=-8: must be at least 1"),
        ("--classes=12", "classes=12: the classes are 0, 1"),
        ("--hidden=wide", "hidden=wide"),
        ("--hidden=0", "hidden=0"),
        ("stray", "unexpected argument 'stray'"),
        ("--image_size=0", "image_size=0: must be at least 1"),
        ("--image_size=8by8", "image_size=8by8: must be a side, as in 64, or height x width, as in 48x96"),
        ("--crop=middle", "unknown crop 'middle'; choose from center, none"),
        ("--white_level=0", "white_level=0.0: must be above 0"),
        ("--skip_broken", "skip_broken=True: of folder:PATH and other files, not of digits"),
        ("--penalty=r1,nope", "unknown penalty 'nope'; choose from none, gradient_penalty, r1, r2, dragan"),
        ("--real_target=1.1", "real_target"),
        ("--fake_target=-0.1", "fake_target"),
        ("--label_noise=2", "label_noise"),
        ("--d_dropout=1", "d_dropout"),
        ("--instance_noise=-1", "instance_noise"),
        ("--historical_averaging=-1", "historical_averaging"),
        ("--pack=0", "pack"),
        ("--penalty_end=0", "penalty_end"),
    ],
)
def test_a_wrong_flag_is_named(flag, said, refused):
    assert said in refused(flag)


@pytest.mark.parametrize(
    "given, said",
    [
        (["--pack=3"], "pack=3 does not divide batch_size=8 on 4 devices"),
        (["--pack=4"], "pack=4 does not divide batch_size=8 on 4 devices"),
        (["--penalty=r1", "--penalty_weight=-1"], "penalty_weight=-1.0: must be at least 0"),
        (["--penalty=r1", "--penalty_weight=nan"], "penalty_weight=nan: must be finite"),
        (["--penalty=r1", "--penalty_weight=much"], "penalty_weight=much: must be numbers with commas between"),
        (["--penalty=r1,r2", "--penalty_weight=1,2,3"], "one number, or one for each of penalty=r1,r2"),
        (["--penalty_every=16"], "penalty_every needs a --penalty"),
        (
            ["--game=hinge", "--real_target=0.9"],
            "game hinge has no labels to soften; choose from minmax, non_saturating",
        ),
        (["--lr_decay=cosine", "--decay_rounds=5"], "steps=6000: rates have fallen to 0 after decay_rounds=5"),
        (["--penalty_end=0.1"], "penalty_end needs a --penalty"),
        (
            ["--preset=publishd"],
            "unknown preset 'publishd'; choose from published, few_images (did you mean published?)",
        ),
        (["--penalty_weight=5"], "penalty_weight needs a --penalty"),
        (["--penalty=r1,r1"], "penalty=r1,r1: each but once"),
        (
            ["--decay_rounds=5"],
            "decay_rounds=5: nothing falls; see lr_decay, penalty_end, instance_noise",
        ),
    ],
)
def test_what_does_not_go_together(given, said, refused):
    assert said in refused(*given)


@pytest.mark.parametrize(
    "experiment, given, said",
    [
        ("cgan", ["--conditioning=nope"], "unknown conditioning 'nope'; choose from embed, concat, projection"),
        ("cgan", ["--pack=2"], "pack=2: a pack of images has no one label"),
        ("cgan", ["--g_norm=virtual"], "g_norm=virtual: its reference batch has no labels"),
        ("sgan", ["--pack=2"], "pack=2: a pack of images has no one class"),
        ("sgan", ["--label_choice=nope"], "unknown label_choice 'nope'; choose from first, stratified"),
        ("sgan", ["--num_labeled=2000"], "num_labeled=2000: there are 1438 examples"),
        ("sgan", ["--num_labeled=1438"], "num_labeled=1438: that is all there are"),
        ("sgan", ["--num_labeled=5"], "num_labeled=5: class"),
        ("sgan", ["--num_labeled=1400", "--label_choice=stratified"], "and a share would be 140"),
        ("sgan", ["--num_labeled=0"], "num_labeled"),
        ("sgan", ["--network=mlp", "--d_dropout=0.5"], "d_dropout=0.5: the mlp of sgan has weight normalisation"),
    ],
)
def test_labels(experiment, given, said, refused):
    assert said in refused(*given, experiment=experiment)


@pytest.mark.parametrize("experiment", ["cgan", "sgan"])
def test_a_dataset_without_labels(experiment, refused, tmp_path):
    for name in "abcdef":
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / f"{name}.png")
    assert "has no labels" in refused(f"--dataset=folder:{tmp_path}", experiment=experiment)


def test_a_batch_that_does_not_divide(refused):
    line = refused("--batch_size=10")
    assert "batch_size 10 is not divisible by the 4 devices" in line


@pytest.mark.parametrize("side", [4, 300])
def test_an_image_size_that_no_network_fits(side, refused):
    line = refused("--network=dcgan", f"--image_size={side}")
    assert "8 to 256" in line and f"got {side}×{side}" in line


@pytest.mark.parametrize("given", [["num_processes=2"], ["coordinator_address=localhost:1", "process_id=0"]])
def test_flags_of_many_processes_go_together(given, refused):
    line = refused(*(f"--{flag}" for flag in given))
    for name in ("coordinator_address", "num_processes", "process_id"):
        assert name in line


def test_missing_data(refused, tmp_path):
    line = refused("--dataset=mnist", f"--data_dir={tmp_path}")
    assert "train-images-idx3-ubyte" in line and str(tmp_path / "mnist") in line


@pytest.mark.parametrize("content, said", [(b"", "is empty"), (b"\x1f\x8bgarbage", "damaged gzip"), (b"PNG", "starts")])
def test_damaged_data(content, said, refused, tmp_path):
    (tmp_path / "mnist").mkdir()
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        (tmp_path / "mnist" / name).write_bytes(content)
    line = refused("--dataset=mnist", f"--data_dir={tmp_path}")
    assert str(tmp_path / "mnist" / "train-images-idx3-ubyte") in line and said in line


def test_a_missing_and_an_empty_folder(refused, tmp_path):
    assert f"{tmp_path}/none: no such folder" in refused(f"--dataset=folder:{tmp_path}/none")
    assert f"{tmp_path}: no images" in refused(f"--dataset=folder:{tmp_path}")


def test_unreadable_images_are_counted_and_named(refused, tmp_path):
    for name in ("a", "b", "c", "d"):
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / f"{name}.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "b.png").read_bytes()[:40])
    (tmp_path / "d.png").write_text("no image")
    line = refused(f"--dataset=folder:{tmp_path}")
    assert f"{tmp_path}: 2 of 4 images" in line and "b.png (" in line and "d.png (" in line
    assert line.endswith("; --skip_broken leaves them out")


@pytest.mark.parametrize("experiment", ["sgan", "classifier"])
def test_a_test_split_of_other_classes(experiment, refused, tmp_path):
    for file in ("train/cat/a", "train/dog/b", "test/cat/c", "test/fox/d"):
        path = tmp_path / "pets" / f"{file}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8)).save(path)
    line = refused(f"--dataset=folder:{tmp_path / 'pets'}", experiment=experiment)
    assert line.endswith("its splits train and test must have the same classes: only train has dog; only test has fox")


@pytest.fixture
def run(tmp_path):
    """The directory of a run of batch size 8, game hinge, as far as config.json says."""
    workdir = tmp_path / "run"
    workdir.mkdir()
    flags = {"batch_size": 8, "game": "hinge", "steps": 5}
    content = {"experiment": "dcgan", "flags": flags, "image_shape": [8, 8, 1], "class_names": list("0123456789")}
    (workdir / "config.json").write_text(json.dumps(content))
    (workdir / "metrics.jsonl").write_text('{"step": 1}\n')
    return workdir


def test_a_run_of_another_configuration_is_left_alone(refused, run):
    line = refused(f"--workdir={run}", "--batch_size=16", "--steps=6", "--image_size=9")
    assert str(run) in line
    assert "--batch_size=8 there, 16 asked for" in line
    assert "--game=hinge there, non_saturating asked for" in line
    assert "image uint8 [8, 8, 1] there, uint8 [9, 9, 1] asked for" in line
    assert "classes" not in line
    assert "--steps" not in line  # more steps are not another configuration


@pytest.mark.parametrize("content", ['{"experiment": ', "[]", '{"flags": {}}', "\xff"])
def test_a_damaged_config(content, refused, run):
    (run / "config.json").write_bytes(content.encode("latin-1"))
    assert f"{run / 'config.json'} is damaged" in refused(f"--workdir={run}")


def test_a_directory_of_other_things_is_left_alone(refused, tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    assert "other things than a run" in refused(f"--workdir={tmp_path}")
    assert "is a file" in refused(f"--workdir={tmp_path / 'thesis.tex'}")


def test_a_directory_that_cannot_be_made(refused, tmp_path):
    (tmp_path / "file").write_text("")
    workdir = tmp_path / "file" / "run"
    assert f"cannot write to the run directory {workdir}: Not a directory" in refused(f"--workdir={workdir}")


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs Linux's /proc, where nobody can write")
def test_a_directory_that_cannot_be_written_to(refused):
    assert "cannot write to the run directory /proc/run" in refused("--workdir=/proc/run")


@pytest.mark.parametrize("flag", ["--stepz=3", "--game=nope"])
def test_the_process_says_one_line_and_exits_with_2(flag, start, tmp_path):
    process = start(flag, f"--workdir={tmp_path / 'run'}")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 2
    assert out == "" and len(err.splitlines()) == 1 and err.startswith("error: ")
    assert list(tmp_path.iterdir()) == []
