"""Samples as files for other programs: of the same seed the same, whatever their number and format."""

import csv
import resource

import jax
import numpy as np
import pytest
from absl import flags
from PIL import Image

from experiments import sample
from gan_jax import pictures
from gan_jax.randomness import example_keys

MLP = ("--network=mlp", "--hidden=8", "--image_size=8", "--batch_size=8", "--steps=2")

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture
def run(trained_once):
    """run(experiment) is the directory of a run of it, trained once."""
    return lambda experiment="dcgan": trained_once(experiment, *MLP, experiment=experiment)


def write(capsys, *given):
    """Runs the command; returns what it says."""
    flags.FLAGS.unparse_flags()
    capsys.readouterr()
    try:
        sample.common.parse_flags(["sample", *map(str, given)])
        sample.main(None)
    finally:
        flags.FLAGS.unparse_flags()
    return capsys.readouterr().out.strip()


def read_npz(path):
    with np.load(path) as file:
        return dict(file)


def test_all_formats_have_the_same_images_whatever_their_number(run, tmp_path, capsys):
    expected = pictures.to_pixels(sample.draw(run(), 70, seed=3))
    for num in (70, 5):
        write(capsys, f"--workdir={run()}", f"--num={num}", "--seed=3", "--format=npz", f"--out={tmp_path / 'a.npz'}")
        write(capsys, f"--workdir={run()}", f"--num={num}", "--seed=3", "--format=png", f"--out={tmp_path / 'a'}")
        found = read_npz(tmp_path / "a.npz")
        assert found.keys() == {"images"}
        np.testing.assert_array_equal(found["images"], expected[:num])
        files = sorted((tmp_path / "a").iterdir())
        assert [file.name for file in files] == [f"{i:06d}.png" for i in range(num)]
        np.testing.assert_array_equal([np.asarray(Image.open(file)) for file in files], expected[:num, ..., 0])
    assert len(np.unique(expected.reshape(70, -1), axis=0)) == 70


@pytest.mark.parametrize("format, name", [("grid", ".png"), ("png", ""), ("npz", ".npz")])
def test_files_are_named_after_what_is_asked_for(format, name, run, capsys):
    given = (f"--workdir={run('cgan')}", "--num=2", f"--format={format}")
    assert write(capsys, *given) == str(run("cgan") / f"sample-seed0{name}")
    path = run("cgan") / f"sample-label3_5-truncation0.5-seed2{name}"
    assert write(capsys, *given, "--label=3,5", "--truncation=0.5", "--seed=2") == str(path)
    assert path.exists()


def test_labels_are_drawn_by_the_datas_frequencies_and_told(run, tmp_path, capsys):
    given = (f"--workdir={run('cgan')}", "--num=20", "--seed=1")
    write(capsys, *given, "--format=npz", f"--out={tmp_path / 'a.npz'}")
    write(capsys, *given, "--format=png", f"--out={tmp_path / 'a'}")
    found = read_npz(tmp_path / "a.npz")
    _, recipe, state = sample.restore(run("cgan"))
    key = jax.random.key(1)
    np.testing.assert_array_equal(found["labels"], recipe.sample_labels(key, 20))
    assert len(set(found["labels"])) > 4
    _close(found["images"], recipe.sample(state, key, 20))
    with (tmp_path / "a" / "labels.csv").open() as file:
        assert [row["label"] for row in csv.DictReader(file)] == [str(label) for label in found["labels"]]


@pytest.mark.parametrize("num", [2, 5])
def test_labels_that_are_asked_for_take_turns(num, run, tmp_path, capsys):
    out = tmp_path / "a.npz"
    given = (f"--workdir={run('cgan')}", "--format=npz", "--label=3,8,5", f"--out={out}")
    write(capsys, *given, f"--num={num}")
    found, labels = read_npz(out), np.resize([3, 8, 5], 3 * num)
    np.testing.assert_array_equal(found["labels"], labels)
    _, recipe, state = sample.restore(run("cgan"))
    _close(found["images"], recipe.generate(state, recipe.latents(jax.random.key(0), 3 * num), labels))


def _close(pixels, images):
    """But for a number that is rounded up here and down there."""
    assert np.abs(pixels.astype(int) - pictures.to_pixels(images)).max() <= 1


@pytest.mark.parametrize("experiment, labels", [("dcgan", None), ("cgan", None), ("cgan", "4")])
def test_latents_are_truncated(experiment, labels, run):
    near, far = (
        np.concatenate(list(sample.stream(run(experiment), 9, 2, labels=labels, bound=bound).images))
        for bound in (0.5, None)
    )
    _, recipe, state = sample.restore(run(experiment))
    keys = example_keys(jax.random.key(2), 9)
    z = recipe.latents(keys, 9, 0.5)
    assert np.abs(z).max() <= 0.5
    given = () if experiment == "dcgan" else (np.full(9, 4) if labels else recipe.sample_labels(keys, 9),)
    np.testing.assert_allclose(near, recipe.generate(state, z, *given), atol=1e-5)
    assert np.abs(near - far).max() > 1e-3


@pytest.mark.parametrize("label", [(), ("--label=4",), ("--label=4,5",)])
def test_pictures_are_truncated(label, run, tmp_path, capsys):
    drawn = []
    for given in ((), ("--truncation=0.5",)):
        write(capsys, f"--workdir={run('cgan')}", "--num=4", *label, *given, f"--out={tmp_path / 'a.png'}")
        drawn.append(np.asarray(Image.open(tmp_path / "a.png").convert("L")).astype(int))
    assert np.abs(drawn[0] - drawn[1]).max() > 2


def fails(capsys, *given):
    """The one line that the command says on stderr."""
    with pytest.raises(SystemExit) as stop:
        write(capsys, *given)
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.rpartition("\r")[2].splitlines()  # after the bar, which is wiped
    assert line.startswith("error: ")
    return line


@pytest.mark.parametrize("bound", ["0", "-1", "nan", "some"])
def test_a_bound_is_above_0(bound, run, capsys):
    assert "truncation" in fails(capsys, f"--workdir={run()}", f"--truncation={bound}")


def test_an_unknown_format(run, capsys):
    assert "grid, png, npz" in fails(capsys, f"--workdir={run()}", "--format=jpg").replace("|", ", ")


@pytest.mark.parametrize("format", ["grid", "png", "npz"])
@pytest.mark.parametrize("experiment, label", [("dcgan", ()), ("cgan", ("--label=3,4",))])
def test_an_image_that_is_not_finite_is_an_error(experiment, label, format, run, tmp_path, capsys, monkeypatch):
    """Of each 64 that are drawn at once it is the second."""
    content, recipe, state = sample.restore(run(experiment))

    def generate(state, z, *labels):
        return recipe.generate(state, z, *labels).at[1].set(np.nan)

    broken = content, recipe._replace(generate=generate), state
    monkeypatch.setattr(sample, "restore", lambda *_: broken)
    given = (f"--workdir={run(experiment)}", "--num=70", f"--format={format}", f"--out={tmp_path / 'a'}")
    assert "image 1 is not finite" in fails(capsys, *given, *label)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_other_things_is_an_error(run, tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("kept")
    told = fails(capsys, f"--workdir={run()}", "--format=png", f"--out={tmp_path}")
    assert f"{tmp_path} holds other things than samples (notes.txt)" in told
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("format", ["png", "npz"])
def test_a_full_disk_is_an_error(format, run, tmp_path, capsys):
    """No file may be larger than 100 bytes: that fails as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    given = (f"--workdir={run()}", "--num=200", f"--format={format}")
    write(capsys, *given)  # so that what is compiled has been kept
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        told = fails(capsys, *given, f"--out={tmp_path / 'a'}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(tmp_path) in told
    assert list(tmp_path.iterdir()) == []
