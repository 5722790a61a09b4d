"""`interpolate` draws even steps between what it says: latents, classes, and back to the first."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from gan_jax.commands import interpolate
from gan_jax.commands.interpolate import Options
from gan_jax.latents import frames
from gan_jax.latents.interpolation import lerp, slerp, unevenness
from gan_jax.runs.restore import restore

SMALL = ("--image_size=8", "--batch_size=8", "--steps=2")
MLP = ("--network=mlp", "--hidden=8", *SMALL)
RUNS = {
    "dcgan": ("dcgan", *MLP),
    "uniform": ("dcgan", *MLP, "--prior=uniform"),
    "cgan": ("cgan", *MLP, "--conditioning=concat"),
    "classifier": ("classifier", *SMALL, "--channels=2"),
}

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture
def run(trained_once):
    """run(name) is the directory of a run of RUNS, trained once."""

    def run(name):
        experiment, *given = RUNS[name]
        return trained_once(name, *given, experiment=experiment)

    return run


@pytest.fixture
def write(run_command, capsys):
    """write(*flags) runs the command; returns the lines that it prints."""

    def write(*given):
        capsys.readouterr()
        assert run_command("interpolate", *given) == 0
        return capsys.readouterr().out.splitlines()

    return write


@pytest.fixture
def subject_of(run):
    """subject_of(name, option=...) is what the command draws of a run of RUNS."""
    return lambda name, **options: interpolate.subject_of(restore(run(name)), Options(**options))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dcgan", "cgan"])
def test_the_bare_command_writes_a_picture_of_each_kind(name, run, write):
    before = set(run(name).iterdir())
    lines = write(f"--workdir={run(name)}")
    names = ["interpolation-line-seed0.png", "interpolation-grid-seed0.png", "interpolation-loop-seed0.gif"]
    assert [line.split("  ")[0] for line in lines] == [str(run(name) / each) for each in names]
    assert {path.name for path in set(run(name).iterdir()) - before} == set(names)
    line, grid, loop = (Image.open(run(name) / each) for each in names)
    assert grid.width == grid.height and loop.n_frames > 100
    for printed in (lines[0], lines[2]):
        assert 1 <= float(printed.partition("largest step ")[2].removesuffix(" times the mean")) <= 1.1
    assert line.mode == ("RGB" if name == "cgan" else "L")  # rows of classes have titles


def test_flags_say_what_is_drawn_and_where(run, tmp_path, write):
    given = (
        "--shape=line",
        "--rows=3",
        "--frames=5",
        "--seed=4",
        "--label=3,8",
        "--truncation=0.5",
        "--path=lerp",
        f"--out={tmp_path}",
    )
    (line,) = write(f"--workdir={run('cgan')}", *given)
    path = tmp_path / "interpolation-line-label3_8-truncation0.5-lerp-seed4.png"
    assert line.startswith(str(path)) and list(tmp_path.iterdir()) == [path]
    picture = Image.open(path)
    np.testing.assert_allclose(picture.width / picture.height, 52 / 32, rtol=1e-6)  # images of 8, margins of 2


def test_the_same_seed_draws_the_same(run, tmp_path, write):
    drawn = []
    for seed in (1, 1, 2):
        write(f"--workdir={run('dcgan')}", "--shape=grid", f"--seed={seed}", f"--out={tmp_path}")
        drawn.append((tmp_path / f"interpolation-grid-seed{seed}.png").read_bytes())
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize(
    "name, given, expected", [("dcgan", None, slerp), ("uniform", None, lerp), ("dcgan", "lerp", lerp)]
)
def test_paths_are_arcs_unless_latents_are_uniform(name, given, expected, subject_of):
    assert subject_of(name, path=given).path is expected


def draw_evenly(subject, latents, weights, count):
    """Draws; finds how large the steps are by row, pair by pair."""
    drawn, uneven = frames.drawn_evenly(subject, latents, weights, count)
    steps = [[np.sqrt(((a - b) ** 2).mean()) for a, b in pairwise(row)] for row in drawn.astype(float)]
    np.testing.assert_allclose(max(unevenness(np.array(row)) for row in steps), uneven, rtol=1e-4)
    return drawn, np.array(steps)


@pytest.mark.parametrize("name", ["dcgan", "cgan"])
def test_no_step_of_a_line_is_much_longer_than_the_mean(name, subject_of):
    subject = subject_of(name)
    latents, weights = frames.points(subject, 2)
    drawn, steps = draw_evenly(subject, latents, weights, 12)
    assert drawn.shape == (len(latents), 12, 8, 8, 1)
    assert (steps.max(axis=1) <= 1.1 * steps.mean(axis=1)).all()
    ends = subject.draw(latents, weights)
    np.testing.assert_allclose(drawn[:, [0, -1]], ends, atol=1e-6)


def test_no_step_of_a_loop_is_much_longer_than_the_mean_and_the_last_is_one_of_them(run, tmp_path, write):
    """As seen in the file: bright enough for 8 bits, and one trip alone."""
    (line,) = write(
        f"--workdir={run('cgan')}",
        "--shape=loop",
        "--label=1,4,6",
        "--rows=1",
        "--frames=9",
        f"--out={tmp_path}",
    )
    with Image.open(line.split("  ")[0]) as film:
        assert film.n_frames == 9 and film.info["loop"] == 0
        shown = []
        for i in range(9):
            film.seek(i)
            shown.append(np.asarray(film.convert("L")).astype(float))
    steps = [np.sqrt(((a - b) ** 2).mean()) for a, b in pairwise([*shown, shown[0]])]
    assert min(steps) > 1
    assert max(steps) <= 1.2 * np.mean(steps)


def test_paths_without_labels_are_between_latents_of_their_own(subject_of):
    subject = subject_of("dcgan", seed=5, rows=3)
    latents, weights = frames.points(subject, 4)
    np.testing.assert_allclose(latents.reshape(12, -1), subject.random(12))
    assert latents.shape[:2] == (3, 4) and weights is None


def test_without_a_label_there_is_a_row_of_each_class_with_the_same_latents(subject_of):
    subject = subject_of("cgan")
    latents, weights = frames.points(subject, 2)
    assert subject.names == tuple("0123456789")
    np.testing.assert_array_equal(latents, subject.random(2)[None].repeat(10, 0))
    np.testing.assert_array_equal(weights, np.eye(10)[:, None].repeat(2, 1))
    assert subject_of("cgan", rows=3).names == tuple("012")


def test_one_label_is_held(subject_of):
    subject = subject_of("cgan", label="7", rows=3)
    latents, weights = frames.points(subject, 2)
    np.testing.assert_array_equal(weights, np.broadcast_to(np.eye(10)[7], (3, 2, 10)))
    assert len(np.unique(latents.reshape(6, -1), axis=0)) == 6


def test_several_labels_are_gone_through_while_the_latent_is_held(run, subject_of):
    subject = subject_of("cgan", label="3..5", rows=2)
    latents, weights = frames.points(subject, 2)
    np.testing.assert_array_equal(latents, subject.random(2)[:, None].repeat(3, 1))
    np.testing.assert_array_equal(weights, np.eye(10)[[[3, 4, 5]] * 2])
    drawn, _ = draw_evenly(subject, latents, weights, 12)
    first, last = (restore(run("cgan")).generate(latents[:, 0], label=label) for label in (3, 5))
    np.testing.assert_allclose(drawn[:, 0], first, atol=1e-5)
    np.testing.assert_allclose(drawn[:, -1], last, atol=1e-5)


@pytest.mark.parametrize("label", [None, "2,6"])
def test_a_square_of_classes_goes_from_class_to_class(label, subject_of):
    """Its columns, at the classes' times, are what the labels give, and its rows are between two latents."""
    subject = subject_of("cgan", label=label, frames=19)
    seen = []
    shown = subject._replace(
        draw=lambda latents, weights: seen.append((latents, weights)) or subject.draw(latents, weights)
    )
    frames.grid(shown)
    ((latents, weights),) = seen
    assert latents.shape[:2] == weights.shape[:2] == (19, 19)
    np.testing.assert_array_equal(latents[[0, -1], 0], subject.random(2))
    np.testing.assert_array_equal(latents, latents[:, :1].repeat(19, 1))
    classes = [2, 6] if label else range(10)
    np.testing.assert_allclose(weights[4, :: 18 // (len(classes) - 1)], np.eye(10)[list(classes)], atol=1e-12)


def test_a_square_has_latents_in_its_corners(subject_of):
    for subject in (subject_of("dcgan"), subject_of("cgan", label="2")):
        seen = []
        shown = subject._replace(
            draw=lambda latents, weights: seen.append((latents, weights)) or subject.draw(latents, weights)
        )
        frames.grid(shown)
        ((latents, weights),) = seen
        np.testing.assert_array_equal(latents[[0, 0, -1, -1], [0, -1, 0, -1]], subject.random(4))
        assert weights is None or (weights == np.eye(10)[2]).all()


def test_latents_are_truncated(subject_of):
    assert np.abs(subject_of("dcgan", truncation=0.5).random(9)).max() <= 0.5


@pytest.mark.parametrize(
    "given, message",
    [
        ((), "--workdir=RUN is needed"),
        (("--workdir={none}",), "is not a run directory"),
        (("--workdir={classifier}",), "is a run of classifier, which draws nothing"),
        (("--workdir={dcgan}", "--label=3"), "is a run of dcgan, which cannot be asked for a label"),
        (("--workdir={cgan}", "--label=3,ten"), "label=3,ten: the classes are 0, 1"),
        (("--workdir={cgan}", "--shape=line,circle"), "circle"),
        (("--workdir={cgan}", "--frames=1"), "frames"),
        (("--workdir={cgan}", "--path=curl"), "path"),
    ],
)
def test_errors_are_one_line_and_nothing_is_written(given, message, run, run_command, tmp_path, capsys):
    names = {"none": tmp_path} | {name: run(name) for name in ("classifier", "dcgan", "cgan")}
    capsys.readouterr()
    flags = [flag.format(**names) for flag in given]
    assert run_command("interpolate", *flags, f"--out={tmp_path / 'new'}") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and message in line
    assert list(tmp_path.iterdir()) == []


def test_an_image_that_is_not_finite_is_an_error(run, run_command, tmp_path, capsys, monkeypatch):
    whole = restore(run("dcgan"))
    generate = lambda *given: whole.sampler.generate(*given).at[3].set(np.inf)
    recipe = whole.recipe._replace(sampler=whole.sampler._replace(generate=generate))
    monkeypatch.setattr(interpolate, "restore", lambda *_: dataclasses.replace(whole, recipe=recipe))
    assert run_command("interpolate", f"--workdir={run('dcgan')}", f"--out={tmp_path}") == 2
    (line,) = capsys.readouterr().err.rpartition("\r")[2].splitlines()  # after the bar, which is wiped
    assert "image 3 is not finite" in line
    assert list(tmp_path.iterdir()) == []
