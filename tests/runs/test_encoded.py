"""What a run's encoder makes of images: pictures, bounds and how strange they are; and what others answer who have none."""

import json

import jax
import numpy as np
import pytest
from PIL import Image
from scipy import stats

from gan_jax.data import ArraySource, sources
from gan_jax.pictures.scatter import scatter
from gan_jax.recipes.batch import to_unit_range
from gan_jax.runs import anomaly, encoded, likelihood
from gan_jax.runs.classify import read
from gan_jax.runs.restore import restore

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

SMALL = ("--image_size=8", "--batch_size=20", "--hidden=16", "--steps=40", "--sample_every=20")


@pytest.fixture
def vae(trained_once):
    """vae(*flags) is the directory of a small run."""
    return lambda *given: trained_once("-".join(["vae", *given]), *SMALL, *given, experiment="vae")


@pytest.fixture
def digits(tmp_path):
    """Files of a 3, a 0 and a 4."""
    source, paths = sources.load("digits", data_dir="", image_size=None), []
    for digit in (3, 0, 4):
        paths.append(str(tmp_path / f"{digit}.png"))
        Image.fromarray(source.arrays["image"][np.flatnonzero(source.labels == digit)[5], ..., 0]).save(paths[-1])
    return paths


def test_a_run_has_pictures_of_its_codes(vae):
    """And a plane of them only where they have two numbers."""
    there = lambda workdir: {name for name in encoded.CAPTIONS if (workdir / name).exists()}
    assert there(vae()) == set(encoded.CAPTIONS)
    page = (vae() / "report.html").read_text()
    assert all(caption in page for caption, _ in encoded.CAPTIONS.values())
    assert there(vae("--latent_size=3")) == set(encoded.CAPTIONS) - {"plane.png"}


def test_the_plane_goes_from_quantile_to_quantile():
    """As one reads it: the second number falls from the top down."""
    plane = encoded.plane(5).reshape(5, 5, 2)
    quantiles = stats.norm.cdf(plane)
    np.testing.assert_allclose(quantiles[0, :, 0], np.linspace(0.025, 0.975, 5))
    np.testing.assert_allclose(quantiles[:, 0, 1], np.linspace(0.975, 0.025, 5))


def test_codes_of_more_numbers_are_shown_by_their_main_directions():
    random = np.random.RandomState(0)
    codes = random.normal(size=(100, 3)) * [1, 10, 0.1]
    points, axes = encoded.onto_plane(codes)
    assert abs(np.corrcoef(points[:, 0], codes[:, 1])[0, 1]) > 0.999
    assert axes[0].startswith("main direction 1 (99%") and encoded.onto_plane(codes[:, :2])[0] is not None


def test_codes_of_one_number_are_spread_by_class():
    points, axes = encoded.onto_plane(np.array([[1.0], [2.0]]), np.array([3, 5]))
    assert points.tolist() == [[1, 3], [2, 5]] and axes == ("z", "class")
    wide = scatter(points, np.array([3, 5]), [str(i) for i in range(10)], axes=axes, equal=False)
    assert len(np.unique(np.asarray(wide).reshape(-1, 3), axis=0)) > 20


def test_images_without_classes_are_seen_too(vae):
    """In the order in which they were chosen, and not in that of the data, which may be sorted by class."""
    run, digits = restore(vae()), sources.load("digits", data_dir="", image_size=8)
    plain = ArraySource({"image": digits.arrays["image"]}, ())
    found = dict(encoded.pictures(run.recipe, run.state, plain))
    shades = np.asarray(found["encodings.png"]).reshape(-1, 3)
    assert np.mean(np.abs(shades.astype(int) - shades[:, :1]).max(axis=1) == 0) > 0.99  # gray
    assert len(np.unique(shades, axis=0)) > 20
    chosen = np.random.RandomState(0).permutation(len(digits))[: encoded.SHOWN]
    assert len(set(digits.labels[chosen].tolist())) == 10


def test_what_cannot_be_drawn_of_codes_ends_no_training(run_experiment, monkeypatch, tmp_path, capsys):
    def pictures(*_):
        raise OSError("the images are gone")

    monkeypatch.setattr(encoded, "pictures", pictures)
    assert run_experiment(*SMALL, "--steps=2", f"--workdir={tmp_path / 'run'}", experiment="vae") == 0
    assert "warning: cannot draw what is encoded: OSError: the images are gone" in capsys.readouterr().out


def test_evaluate_says_the_bounds(vae, run_command):
    assert run_command("evaluate", f"--workdir={vae()}", "--metrics=elbo,ms_ssim", "--iwae=5") == 0
    newest = json.loads((vae() / "evaluation.json").read_text())["scores"]["newest"]
    elbo, tighter = newest["elbo[training,1797]"], newest["iwae_5[training,1797]"]
    assert -180 < elbo < tighter < 0
    run = restore(vae())
    source = sources.load("digits", data_dir="", image_size=8)
    few = likelihood.bounds(run.recipe.likelihood, run.state, source, "test", 100, jax.random.key(0))
    assert few.keys() == {"elbo[test,100]"} and abs(few["elbo[test,100]"] - elbo) < 5


def test_images_are_encoded_and_gone_between(vae, run_command, digits, capsys):
    out = vae() / "between"
    assert run_command("interpolate", f"--workdir={vae()}", f"--out={out}", "--frames=4", *digits) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "interpolation-grid-3_0_4.png",
        "interpolation-line-3_0_4.png",
        "interpolation-loop-3_0_4.gif",
    ]
    assert run_command("latent", f"--workdir={vae()}", "--descent_steps=0", f"--out={out / 'l.png'}", digits[0]) == 0
    run = restore(vae())
    images = read(run, digits[:1])
    expected = run.recipe.encode(run.state, to_unit_range(images))
    np.testing.assert_allclose(np.load(out / "l.npz")["latents"], expected, rtol=1e-5)


def test_strange_images_have_larger_scores(vae, run_command, digits, tmp_path, capsys):
    noise = np.random.RandomState(0).randint(0, 256, (16, 16)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    capsys.readouterr()
    assert run_command("classify", "--anomaly", f"--workdir={vae()}", *digits, str(tmp_path / "noise.png")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.endswith(" nats") for line in lines)
    *usual, strange = [float(line.split(": ")[1].split()[0]) for line in lines]
    assert max(usual) < strange


def test_a_gan_is_inverted(trained_once, tiny, digits):
    run = restore(trained_once("dcgan", *tiny, "--steps=2", experiment="dcgan"))
    images = sources.load("digits", data_dir="", image_size=8)[np.arange(3)]["image"]
    config = anomaly.SearchConfig(descent_steps=3, drawn=16, starts=2)
    found = anomaly.scores(run, images, config)
    assert found.shape == (3,) and (found > 0).all()


def test_classes_left_out_are_told_from_those_learnt(run_experiment, run_command, tmp_path, capsys):
    """Dark images are learnt, with a little noise; bright ones are strange, by the ELBO and by a PCA."""
    random = np.random.RandomState(0)
    for split, count in (("train", 30), ("test", 10)):
        for name, low in (("dark", 0), ("bright", 200)):
            (tmp_path / "data" / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = random.randint(low, low + 50, (8, 8)).astype(np.uint8)
                Image.fromarray(pixels).save(tmp_path / "data" / split / name / f"{number}.png")
    run = tmp_path / "run"
    given = (f"--dataset=folder:{tmp_path / 'data'}", "--classes=dark", f"--workdir={run}")
    assert run_experiment(*SMALL, *given, experiment="vae") == 0
    capsys.readouterr()
    assert run_command("classify", "--anomaly", f"--workdir={run}") == 0
    *_, head, line = capsys.readouterr().out.splitlines()
    assert head == "AUROC among 20 test images, beside those of classes dark (0.5 is chance)"
    assert line == "class bright: 1.000; by a PCA 1.000"


@pytest.mark.parametrize(
    "given, message",
    [
        (["classify", "--anomaly", "--workdir={vae}"], "learnt all classes of digits"),
        (["classify", "--anomaly", "--workdir={cgan}", "{digit}"], "cannot say how strange an image is"),
        (["interpolate", "--workdir={gan}", "{digit}", "{digit}"], "has no encoder"),
        (["interpolate", "--workdir={vae}", "{digit}"], "two or more image files"),
        (["interpolate", "--workdir={vae}", "--rows=2", "{digit}", "{digit}"], "rows=2"),
        (["interpolate", "--workdir={vae}", "--truncation=0.5", "{digit}", "{digit}"], "truncation=0.5"),
        (["evaluate", "--workdir={gan}", "--iwae=5"], "iwae=5: bounds the likelihood of runs that have one"),
        (["evaluate", "--workdir={vae}", "--iwae=5", "--metrics=ms_ssim"], "iwae=5: bounds the likelihood"),
        (["evaluate", "--workdir={gan}", "--metrics=elbo"], "unknown metric of a run of dcgan 'elbo'"),
        (["evaluate", "--workdir={vae}", "--iwae=0"], "iwae=0: must be at least 1"),
    ],
)
def test_errors_are_one_line(given, message, vae, trained_once, tiny, run_command, digits, capsys):
    gan, cgan = (trained_once(name, *tiny, "--steps=2", experiment=name) for name in ("dcgan", "cgan"))
    names = {"vae": vae(), "gan": gan, "cgan": cgan, "digit": digits[0]}
    capsys.readouterr()
    assert run_command(*(word.format(**names) for word in given)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and message in line
