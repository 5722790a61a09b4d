"""`sample`: of the same seed the same images, whatever their number and format; of the labels that are named."""

import csv
import dataclasses
import re
import resource
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

from gan_jax.commands import sample
from gan_jax.pictures.grids import to_pixels
from gan_jax.randomness import example_keys
from gan_jax.runs.restore import restore

MLP = ("--network=mlp", "--hidden=8", "--image_size=8", "--batch_size=8", "--steps=2")

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture
def run(trained_once):
    """run(experiment) is the directory of a run of it, trained once."""
    return lambda experiment="dcgan": trained_once(experiment, *MLP, experiment=experiment)


@pytest.fixture
def write(run_command, capsys):
    """write(*flags) runs the command; returns what it prints."""

    def write(*given):
        capsys.readouterr()
        assert run_command("sample", *given) == 0
        return capsys.readouterr().out.strip()

    return write


@pytest.fixture
def fails(fails_of):
    return fails_of("sample")


def read_npz(path):
    with np.load(path) as file:
        return dict(file)


def test_all_formats_have_the_same_images_whatever_their_number(run, tmp_path, write):
    expected = to_pixels(sample.draw(restore(run()), 70, seed=3))
    for num in (70, 5):
        write(f"--workdir={run()}", f"--num={num}", "--seed=3", "--format=npz", f"--out={tmp_path / 'a.npz'}")
        write(f"--workdir={run()}", f"--num={num}", "--seed=3", "--format=png", f"--out={tmp_path / 'a'}")
        found = read_npz(tmp_path / "a.npz")
        assert found.keys() == {"images"}
        np.testing.assert_array_equal(found["images"], expected[:num])
        files = sorted((tmp_path / "a").iterdir())
        assert [file.name for file in files] == [f"{i:06d}.png" for i in range(num)]
        np.testing.assert_array_equal([np.asarray(Image.open(file)) for file in files], expected[:num, ..., 0])
    assert len(np.unique(expected.reshape(70, -1), axis=0)) == 70


@pytest.mark.parametrize("format, name", [("grid", ".png"), ("png", ""), ("npz", ".npz")])
def test_files_are_named_after_what_is_asked_for(format, name, run, write):
    given = (f"--workdir={run('cgan')}", "--num=2", f"--format={format}")
    assert write(*given) == str(run("cgan") / f"sample-seed0{name}")
    path = run("cgan") / f"sample-label3_5-truncation0.5-seed2{name}"
    assert write(*given, "--label=3,5", "--truncation=0.5", "--seed=2") == str(path)
    assert path.exists()


def test_labels_are_drawn_by_the_datas_frequencies_and_told(run, tmp_path, write):
    given = (f"--workdir={run('cgan')}", "--num=20", "--seed=1")
    write(*given, "--format=npz", f"--out={tmp_path / 'a.npz'}")
    write(*given, "--format=png", f"--out={tmp_path / 'a'}")
    found = read_npz(tmp_path / "a.npz")
    trained, key = restore(run("cgan")), jax.random.key(1)
    np.testing.assert_array_equal(found["labels"], trained.sampler.conditions(key, 20)["label"])
    assert len(set(found["labels"])) > 4
    _close(found["images"], trained.sampler.sample(trained.state, key, 20))
    with (tmp_path / "a" / "labels.csv").open() as file:
        assert [row["label"] for row in csv.DictReader(file)] == [str(label) for label in found["labels"]]


@pytest.mark.parametrize("num", [2, 5])
def test_labels_that_are_asked_for_take_turns(num, run, tmp_path, write):
    out = tmp_path / "a.npz"
    given = (f"--workdir={run('cgan')}", "--format=npz", "--label=3,8,5", f"--out={out}")
    write(*given, f"--num={num}")
    found, labels = read_npz(out), np.resize([3, 8, 5], 3 * num)
    np.testing.assert_array_equal(found["labels"], labels)
    trained = restore(run("cgan"))
    latents = trained.sampler.latents(jax.random.key(0), 3 * num)
    _close(found["images"], trained.sampler.generate(trained.state, latents, {"label": labels}))


def _close(pixels, images):
    """But for a number that is rounded up here and down there."""
    assert np.abs(pixels.astype(int) - to_pixels(images)).max() <= 1


@pytest.mark.parametrize("experiment, labels", [("dcgan", None), ("cgan", None), ("cgan", "4")])
def test_latents_are_truncated(experiment, labels, run):
    trained = restore(run(experiment))
    near, far = (
        np.concatenate(list(sample.stream(trained, 9, 2, labels=labels, truncation=truncation).images))
        for truncation in (0.5, None)
    )
    keys = example_keys(jax.random.key(2), 9)
    z = trained.sampler.latents(keys, 9, 0.5)
    assert np.abs(z).max() <= 0.5
    condition = {"label": np.full(9, 4)} if labels else trained.sampler.conditions(keys, 9)
    assert (condition is None) == (experiment == "dcgan")
    np.testing.assert_allclose(near, trained.sampler.generate(trained.state, z, condition), atol=1e-5)
    assert np.abs(near - far).max() > 1e-3


@pytest.mark.parametrize("label", [(), ("--label=4",), ("--label=4,5",)])
def test_pictures_are_truncated(label, run, tmp_path, write):
    drawn = []
    for given in ((), ("--truncation=0.5",)):
        write(f"--workdir={run('cgan')}", "--num=4", *label, *given, f"--out={tmp_path / 'a.png'}")
        drawn.append(np.asarray(Image.open(tmp_path / "a.png").convert("L")).astype(int))
    assert np.abs(drawn[0] - drawn[1]).max() > 2


@pytest.mark.parametrize("bound", ["0", "-1", "nan", "some"])
def test_a_bound_is_above_0(bound, run, fails):
    assert "truncation" in fails(f"--workdir={run()}", f"--truncation={bound}")


def test_an_unknown_format(run, fails):
    assert "grid, png, npz" in fails(f"--workdir={run()}", "--format=jpg").replace("|", ", ")


@pytest.mark.parametrize("format", ["grid", "png", "npz"])
@pytest.mark.parametrize("experiment, label", [("dcgan", ()), ("cgan", ("--label=3,4",))])
def test_an_image_that_is_not_finite_is_an_error(experiment, label, format, run, tmp_path, monkeypatch, fails):
    """Of each 64 that are drawn at once it is the second."""
    whole = restore(run(experiment))
    generate = lambda *given: whole.sampler.generate(*given).at[1].set(np.nan)
    recipe = whole.recipe._replace(sampler=whole.sampler._replace(generate=generate))
    monkeypatch.setattr(sample, "restore", lambda *_: dataclasses.replace(whole, recipe=recipe))
    given = (f"--workdir={run(experiment)}", "--num=70", f"--format={format}", f"--out={tmp_path / 'a'}")
    assert "image 1 is not finite" in fails(*given, *label)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_other_things_is_an_error(run, tmp_path, fails):
    (tmp_path / "notes.txt").write_text("kept")
    line = fails(f"--workdir={run()}", "--format=png", f"--out={tmp_path}")
    assert f"{tmp_path} holds other things than samples (notes.txt)" in line
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("format", ["png", "npz"])
def test_a_full_disk_is_an_error(format, run, tmp_path, write, fails):
    """No file may be larger than 100 bytes: that fails as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    given = (f"--workdir={run()}", "--num=200", f"--format={format}")
    write(*given)  # so that what is compiled has been kept
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        line = fails(*given, f"--out={tmp_path / 'a'}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(tmp_path) in line
    assert list(tmp_path.iterdir()) == []


def test_sample_i_depends_on_the_seed_and_i_alone(run):
    trained = restore(run())
    images = sample.draw(trained, 70, seed=1)  # 70: more than are drawn at once
    assert images.shape == (70, 8, 8, 1)
    np.testing.assert_array_equal(sample.draw(trained, 3, seed=1), images[:3])
    assert np.abs(images[1:] - images[:-1]).max(axis=(1, 2, 3)).min() > 1e-3
    assert np.abs(sample.draw(trained, 3, seed=2) - images[:3]).max() > 1e-3


def test_sample_writes_the_same_picture_again(run, write):
    pictures = []
    for _ in range(2):
        path = Path(write(f"--workdir={run()}", "--num=5", "--seed=7"))
        assert path == run() / "sample-seed7.png"
        pictures.append(path.read_bytes())
        path.unlink()
    assert pictures[0] == pictures[1]


def test_sample_leaves_the_run_as_it_was(run, tmp_path, write):
    before = {path: path.read_bytes() for path in run().rglob("*") if path.is_file()}
    write(f"--workdir={run()}", f"--out={tmp_path / 'other.png'}")
    assert Image.open(tmp_path / "other.png").width > 8
    assert {path: path.read_bytes() for path in run().rglob("*") if path.is_file()} == before


def test_sample_disturbs_no_training(run, tmp_path):
    """What is being saved is left alone, and what cannot be read is passed over, not moved."""
    copy = shutil.copytree(run(), tmp_path / "run")
    saving, damaged = copy / "checkpoints" / "3.orbax-checkpoint-tmp", copy / "checkpoints" / "4"
    saving.mkdir()
    damaged.mkdir()
    np.testing.assert_array_equal(sample.draw(restore(copy), 3, seed=1), sample.draw(restore(run()), 3, seed=1))
    assert saving.is_dir() and damaged.is_dir()


@pytest.mark.parametrize("given, message", [((), "--workdir=RUN"), (("--workdir={0}",), "is not a run directory")])
def test_sample_of_no_run(given, message, tmp_path, fails):
    assert message in fails(*(flag.format(tmp_path) for flag in given))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("labels, rows", [("7", None), ("0..9", 10), ("3,1", 2)])
def test_a_run_that_knows_labels_can_be_asked_for_some(labels, rows, run, write):
    """A square of one label; a row each of several, after a margin that names them."""
    path = Path(write(f"--workdir={run('cgan')}", f"--label={labels}", "--num=9"))
    assert path == run("cgan") / f"sample-label{labels.replace(',', '_')}-seed0.png"
    picture = Image.open(path)
    if rows is None:
        assert picture.width == picture.height
    else:
        assert picture.mode == "RGB" and 0.9 < picture.width / 9 / (picture.height / rows) < 1.6


def test_the_rows_are_of_the_labels_and_share_their_latents(run):
    """Asked for in another order, the same rows come in that order."""
    forth, back = (sample.draw_labels(restore(run("cgan")), labels, 4, seed=1) for labels in ("2,5", "5,2"))
    pixel = forth.height // 22  # two rows of images of 8 pixels, with 2 around each
    crop = lambda row: (40, (2 + 10 * row) * pixel, forth.width, (10 + 10 * row) * pixel)
    rows = [[np.asarray(picture.crop(crop(row))) for row in (0, 1)] for picture in (forth, back)]
    np.testing.assert_array_equal(rows[0], rows[1][::-1])
    assert (rows[0][0] != rows[0][1]).any()


@pytest.mark.parametrize("labels", ["10", "-1", "seven", "0..10", "5..4", ""])
def test_a_label_out_of_range(labels, run):
    with pytest.raises(
        ValueError, match=r"label=.*: the classes are 0, 1, .*; name one or more, as in 0 or 0,9 or 0\.\.9"
    ):
        sample.draw_labels(restore(run("cgan")), labels, 4, seed=1)


def test_a_run_without_labels_cannot_be_asked(run):
    with pytest.raises(ValueError, match="is a run of dcgan, which cannot be asked for a label"):
        sample.draw_labels(restore(run()), "7", None, seed=0)


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_latents_of_a_file(suffix, run, tmp_path, write):
    """Those of the first samples give the first samples."""
    trained = restore(run())
    latents = np.asarray(trained.sampler.latents(jax.random.key(5), 3))
    np.save(tmp_path / "z.npy", latents)
    np.savez(tmp_path / "z.npz", latents=latents)
    given = (f"--workdir={run()}", f"--latents={tmp_path / f'z{suffix}'}", "--format=npz")
    out = write(*given, f"--out={tmp_path / 'out.npz'}")
    assert np.array_equal(read_npz(out)["images"], trained.sample(3, seed=5))
    assert write(*given) == str(run() / "sample-z.npz")


def test_latents_of_a_file_in_a_class(run, tmp_path, write):
    trained = restore(run("cgan"))
    np.save(tmp_path / "z.npy", np.random.RandomState(0).normal(size=(4, 100)))
    out = write(f"--workdir={run('cgan')}", f"--latents={tmp_path / 'z.npy'}", "--label=3,8", "--format=npz")
    found = read_npz(out)
    assert found["labels"].tolist() == [3, 8, 3, 8]
    wanted = to_pixels(trained.generate(np.load(tmp_path / "z.npy"), label="3,8"))
    assert np.array_equal(found["images"], wanted)


@pytest.mark.parametrize(
    ("content", "more", "message"),
    [
        (np.zeros((2, 5)), (), r"must be finite numbers \[N, 100\], not \[2, 5\]"),
        (np.zeros(100), (), r"not \[100\]"),
        (np.zeros((0, 100)), (), r"not \[0, 100\]"),
        (np.full((1, 100), np.nan), (), "must be finite numbers"),
        (np.array([{}]), (), "is neither .npy nor .npz"),
        (None, (), "is neither .npy nor .npz"),
        (np.zeros((1, 100)), ("--num=3",), "without --num and --truncation"),
        (np.zeros((1, 100)), ("--label=3",), "cannot be asked for a label"),
    ],
)
def test_latents_that_are_none(content, more, message, run, tmp_path, fails):
    path = tmp_path / "z.npy"
    path.write_text("no numbers") if content is None else np.save(path, content, allow_pickle=True)
    assert re.search(message, fails(f"--workdir={run()}", f"--latents={path}", *more))
