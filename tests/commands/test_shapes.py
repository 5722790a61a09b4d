"""Commands that draw, of runs that draw shapes and videos: each form that samples are written in, ways between latents, scores."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import sources
from gan_jax.pictures.grids import to_pixels
from gan_jax.runs.restore import restore

SHAPES = ("--width=2", "--batch_size=8", "--steps=2")
VIDEOS = ("--width=2", "--image_size=16", "--frames=8", "--batch_size=8", "--steps=2")

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture
def shapes(trained_once):
    return trained_once("shapes", *SHAPES, experiment="gan3d")


@pytest.fixture
def videos(trained_once):
    return trained_once("videos", *VIDEOS, experiment="video")


def test_samples_of_shapes(shapes, run_command, tmp_path):
    """A picture of all; voxels that can be learnt from again; a surface of each; and a picture that turns."""
    wanted = restore(shapes).sample(5, seed=3)
    assert wanted.shape == (5, 16, 16, 16, 1)
    assert set(np.unique(wanted)) == {0, 255}
    given = ("--num=5", "--seed=3", f"--workdir={shapes}")
    assert run_command("sample", *given, f"--out={tmp_path}/all.png") == 0
    assert Image.open(tmp_path / "all.png").width > 3 * 96
    assert run_command("sample", *given, "--format=npz", f"--out={tmp_path}/all.npz") == 0
    again = sources.load(f"voxels:{tmp_path}/all.npz")
    assert (again.arrays["voxels"] == (wanted[..., 0] > 0)).all()
    assert run_command("sample", *given, "--format=obj", f"--out={tmp_path}/obj") == 0
    files = sorted((tmp_path / "obj").iterdir())
    assert [file.name for file in files] == [f"{number:06d}.obj" for number in range(5)]
    assert files[0].read_text().startswith("# ")
    assert f" of {(wanted[0] > 0).sum()} voxels" in files[0].read_text()
    assert run_command("sample", *given, "--format=turn", f"--out={tmp_path}/turn.gif") == 0
    assert Image.open(tmp_path / "turn.gif").n_frames == 36
    assert run_command("sample", *given, "--format=png", f"--out={tmp_path}/png") == 0
    picture = to_pixels(restore(shapes).kind.shown(wanted))
    assert (np.asarray(Image.open(tmp_path / "png" / "000004.png")) == picture[4]).all()


def test_samples_of_videos(videos, run_command, tmp_path):
    """As they were learnt, and longer; the longer ones are as long as is asked for, and all their frames are played."""
    wanted = restore(videos).sample(4, seed=3)
    assert wanted.shape == (4, 8, 16, 16, 1)
    given = ("--num=4", "--seed=3", f"--workdir={videos}")
    for form, name in (("grid", "all.png"), ("slices", "slices.png"), ("play", "all.gif"), ("npz", "all.npz")):
        assert run_command("sample", *given, f"--format={form}", f"--out={tmp_path}/{name}") == 0
    assert Image.open(tmp_path / "all.gif").n_frames == 8
    assert (np.load(tmp_path / "all.npz")["images"] == wanted).all()
    assert run_command("sample", *given, "--frames=20", "--format=npz", f"--out={tmp_path}/long.npz") == 0
    assert np.load(tmp_path / "long.npz")["images"].shape == (4, 20, 16, 16, 1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--format=play",), "format=play: of video; a run of gan3d draws voxels"),
        (("--frames=9",), "frames=9: .* is a run of gan3d, which does not draw longer videos"),
        (("--label=chair",), "label=chair: .* cannot be asked for a label"),
    ],
)
def test_what_shapes_cannot(shapes, run_command, given, said, capsys):
    assert run_command("sample", f"--workdir={shapes}", *given) == 2

    assert re.search(said, capsys.readouterr().err)


@pytest.mark.parametrize("command", ["latent", "classify"])
def test_commands_of_images(command, shapes, videos, run_command, tmp_path, capsys):
    """Refused in a line."""
    file = tmp_path / "gray.png"
    Image.new("L", (16, 16)).save(file)
    for run, said in ((shapes, "voxels"), (videos, "video")):
        assert run_command(command, f"--workdir={run}", str(file)) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert said in line


def test_ways_between_shapes_and_sums_of_them(shapes, run_command, tmp_path):
    given = (f"--workdir={shapes}", "--rows=2", "--frames=3", f"--out={tmp_path}")
    assert run_command("interpolate", *given, "--shape=line,grid,loop,arithmetic") == 0
    assert Image.open(tmp_path / "interpolation-loop-seed0.gif").n_frames == 3
    assert (tmp_path / "interpolation-arithmetic-seed0.png").exists()


def test_scores_of_shapes(shapes, run_command):
    """Those of networks by the one that knows furniture; of shapes, but none of images; what D sees in a linear machine."""
    asked = "frechet_distance,density_coverage,components,symmetry,memorisation,linear_svm"
    assert run_command("evaluate", f"--workdir={shapes}", "--num_samples=60", f"--metrics={asked}") == 0
    found = json.loads((shapes / "evaluation.json").read_text())["scores"]
    newest, real = found["newest"], found["real"]
    assert newest["frechet_distance[furniture-cnn,60]"] > real["frechet_distance[furniture-cnn,60]"]
    assert real["components[60]"] == pytest.approx(1, abs=0.05)
    assert real["symmetry[60]"] > 0.9
    assert 0.25 < newest["linear_svm[2k train,400 test]"] <= 1
    assert newest["linear_svm_of_data[2k train,400 test]"] > 0.9
    assert "memorisation_sample_distance" in newest


def test_scores_of_images_are_none_of_shapes(shapes, run_command, capsys):
    assert run_command("evaluate", f"--workdir={shapes}", "--metrics=ms_ssim") == 2
    assert "unknown metric of a run of gan3d 'ms_ssim'" in capsys.readouterr().err


def test_scores_of_videos(videos, run_command):
    """In a volume's network, frame by frame, and of motion; as long as they were learnt, and longer."""
    assert run_command("evaluate", f"--workdir={videos}", "--num_samples=30") == 0
    found = json.loads((videos / "evaluation.json").read_text())["scores"]
    newest, real = found["newest"], found["real"]
    assert newest["frechet_distance[moving_1_digits-cnn,30]"] > real["frechet_distance[moving_1_digits-cnn,30]"]
    assert newest["frame_frechet_distance[digits-cnn,30]"] > real["frame_frechet_distance[digits-cnn,30]"]
    assert {"speed[30]", "bounces[30]", "repeats[30]", "same_class[digits-cnn,30]"} <= newest.keys() & real.keys()
    asked = ("--num_samples=10", "--metrics=repeats,frames", "--frames=24")
    assert run_command("evaluate", f"--workdir={videos}", *asked) == 0
    longer = json.loads((videos / "evaluation.json").read_text())
    assert longer["drawn"]["frames"] == 24
    assert longer["scores"]["newest"]["repeats[10]"] != newest["repeats[30]"]
    assert real["repeats[30]"] == 1  # a digit of 16 pixels cannot move in 16


def test_splits_of_other_sides_are_refused(run_experiment, tmp_path, capsys):
    """In a line, as of images."""
    for split, side in (("train", 16), ("test", 32)):
        folder = tmp_path / "data" / split
        folder.mkdir(parents=True)
        for number in range(2):
            np.save(folder / f"{number}.npy", np.ones((side, side, side), bool))
    given = (f"--dataset=voxels:{tmp_path}/data", "--width=2", "--batch_size=4", "--steps=1", "--eval_every=1")
    assert run_experiment(*given, f"--workdir={tmp_path}/run", experiment="gan3d") == 2
    assert "(16, 16, 16, 1), its split test (32, 32, 32, 1); they must be alike" in capsys.readouterr().err
