"""`latent` inverts images and leads from them to others; on small trained runs."""

import dataclasses
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

from gan_jax.commands import latent, sample
from gan_jax.config.options import replace
from gan_jax.data import sources
from gan_jax.latents import inversion, paths
from gan_jax.latents.model import Classifier
from gan_jax.latents.paths import SearchConfig
from gan_jax.recipes.batch import to_unit_range
from gan_jax.runs.classify import classifier
from gan_jax.runs.models import find_classifier, open_model
from gan_jax.runs.restore import restore
from tests.systems import styled

# The runs that all of them share take longer to train than most tests.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_in_haste")]

MLP = ("--network=mlp", "--image_size=8", "--batch_size=32")
STYLES = (*styled.PLAIN, *styled.SMALL, "--steps=2")
RUNS = {
    "dcgan": (*MLP, "--hidden=64", "--steps=600"),
    "uniform": (*MLP, "--hidden=64", "--steps=200", "--prior=uniform"),
    "cgan": (*MLP, "--hidden=32", "--steps=3"),
    "classifier": ("--image_size=8", "--batch_size=16", "--channels=8", "--steps=250"),
    "larger": ("--image_size=12", "--batch_size=16", "--channels=4", "--steps=1"),
    "styles": STYLES,
    "labelled": (*STYLES, "--conditional"),
}
EXPERIMENTS = {"uniform": "dcgan", "larger": "classifier", "styles": "stylegan", "labelled": "stylegan"}
LANCZOS = Image.Resampling.LANCZOS
QUICK = ("--drawn=512", "--descent_steps=30", "--starts=2")


@pytest.fixture
def run(trained_once):
    """run(name) is the directory of one of RUNS, trained once."""
    return lambda name: trained_once(name, *RUNS[name], experiment=EXPERIMENTS.get(name, name))


@pytest.fixture(scope="module")
def digits(folder):
    """Files of a 0, a 1 and a 2."""
    source = sources.load("digits", data_dir="", image_size=None)
    paths = [folder / f"{digit}.png" for digit in range(3)]
    for digit, path in enumerate(paths):
        Image.fromarray(source.arrays["image"][np.flatnonzero(source.labels == digit)[0], ..., 0]).save(path)
    return [str(path) for path in paths]


@pytest.fixture
def find(run_command, capsys):
    """find(*arguments) runs the command; returns the lines that it prints, what is in its .npz, and its picture."""

    def find(*given):
        capsys.readouterr()
        assert run_command("latent", *given) == 0
        *lines, picture, arrays = capsys.readouterr().out.splitlines()
        with np.load(arrays) as file:
            return lines, dict(file), Path(picture)

    return find


def images_of(workdir, latents, condition=None):
    run = restore(workdir)
    return np.asarray(run.sampler.generate(run.state, latents, condition))


@pytest.mark.parametrize("name", ["dcgan", "uniform"])
def test_samples_are_found_again(name, run, find):
    lines, found, picture = find(f"--workdir={run(name)}", "--num=16", "--seed=1")
    assert np.mean(found["errors"] <= 0.01) >= 0.9
    drawn = sample.draw(restore(run(name)), 16, seed=1)
    np.testing.assert_allclose(
        np.mean((images_of(run(name), found["latents"]) - drawn) ** 2, axis=(1, 2, 3)), found["errors"], atol=1e-5
    )
    if name == "uniform":
        assert np.abs(found["latents"]).max() <= 1
    else:
        least, most = inversion.shell(100)
        assert ((least * 0.999 < (norms := np.linalg.norm(found["latents"], axis=1))) & (norms < most * 1.001)).all()
    assert any(f"largest {found['errors'].max():.4f}" in line and "of 16 at most 0.01" in line for line in lines)
    assert picture == run(name) / "latent-seed1.png" and Image.open(picture).width > 16 * 84


def test_no_start_is_the_samples_own_latent(run):
    """Or else it would be no wonder that they are found."""
    model, config = open_model(restore(run("dcgan")), None), SearchConfig(seed=1, drawn=512)
    others, drawn = paths.draw_others(model, config)
    own = paths.samples(model, 64, config).latents
    assert np.linalg.norm(own[:, None] - others, axis=-1).min() > 1
    np.testing.assert_allclose(drawn, images_of(run("dcgan"), others), atol=1e-5)


def test_files_are_inverted(run, digits, find, tmp_path):
    lines, found, picture = find(f"--workdir={run('dcgan')}", *QUICK, f"--out={tmp_path / 'found.png'}", *digits)
    assert [line.split(":")[0] for line in lines[:3]] == ["0.png", "1.png", "2.png"]
    assert all(f"{error:.4f}" in line for line, error in zip(lines[:3], found["errors"], strict=True))
    files = np.stack([np.asarray(Image.open(path).resize((8, 8), LANCZOS)) for path in digits]) / 127.5 - 1
    drawn = images_of(run("dcgan"), found["latents"])[..., 0]
    errors = ((drawn[:, None] - files) ** 2).mean(axis=(2, 3))
    np.testing.assert_allclose(np.diag(errors), found["errors"], atol=1e-5)
    assert (errors.argmin(axis=1) == np.arange(3)).all()
    assert picture == tmp_path / "found.png"


@pytest.mark.parametrize("name", ["dcgan", "uniform"])
def test_a_path_leads_to_another_image(name, run, digits, find):
    _, found, picture = find(f"--workdir={run(name)}", *QUICK, *digits[:2], f"--towards={digits[2]}")
    assert picture.name == "latent-0_and_1_more-towards-2.png"
    assert found["paths"].shape == (2, 9, 100)
    np.testing.assert_allclose(found["paths"][:, 0], found["latents"], atol=1e-6)
    np.testing.assert_array_equal(found["paths"][0, -1], found["paths"][1, -1])
    if name == "uniform":
        np.testing.assert_allclose(found["paths"][:, 4], found["paths"][:, [0, -1]].mean(axis=1), atol=1e-6)
    else:
        lengths = np.linalg.norm(found["paths"], axis=-1)
        np.testing.assert_allclose(lengths, np.linspace(lengths[:, 0], lengths[:, -1], 9).T, rtol=1e-5)


@pytest.mark.parametrize("own", [False, True])
def test_ascent_makes_a_classifier_surer(own, run, find):
    """The one that comes with the dataset, or a run's."""
    given = [f"--classifier={run('classifier')}"] if own else []
    lines, found, _ = find(f"--workdir={run('dcgan')}", *QUICK, "--num=4", "--maximise=3", *given)
    seen_by = find_classifier(run("classifier") if own else None, restore(run("dcgan")))
    of = lambda latents: seen_by.classify(images_of(run("dcgan"), latents))[:, 3]
    before, after = of(found["paths"][:, 0]), of(found["paths"][:, -1])
    assert after.mean() > before.mean() + 0.3
    assert f"{before.mean():.1%} at first" in lines[4] and f"{after.mean():.1%} at last" in lines[4]
    np.testing.assert_allclose(found["paths"][:, 0], sample_latents(run("dcgan"), 4), atol=1e-6)


def sample_latents(workdir, count):
    return restore(workdir).sampler.latents(jax.random.key(0), count)


def test_a_direction_leads_from_class_to_class(run, find):
    """It is one line for all, and makes the second class more probable."""
    _, found, picture = find(
        f"--workdir={run('dcgan')}", "--num=6", "--direction=0,1", "--drawn=2000", "--strength=1.5"
    )
    assert picture.name == "latent-seed0-direction-0_1.png"
    steps = np.diff(found["paths"], axis=1)
    np.testing.assert_allclose(steps, np.broadcast_to(steps[:1, :1], steps.shape), atol=1e-5)
    seen_by = find_classifier(None, restore(run("dcgan")))
    of = lambda latents: seen_by.classify(images_of(run("dcgan"), latents))
    assert (of(found["paths"][:, 0]).argmax(axis=1) == 0).all()
    assert of(found["paths"][:, -1])[:, 1].mean() > of(found["paths"][:, 0])[:, 1].mean() + 0.1


def test_a_conditional_generator_is_asked_for_one_label(run, find):
    _, found, picture = find(f"--workdir={run('cgan')}", *QUICK, "--num=4", "--label=7")
    assert picture.name == "latent-seed0-label7.png"
    own = images_of(run("cgan"), sample_latents(run("cgan"), 4), {"label": np.full(4, 7)})
    back = images_of(run("cgan"), found["latents"], {"label": np.full(4, 7)})
    np.testing.assert_allclose(((own - back) ** 2).mean(axis=(1, 2, 3)), found["errors"], atol=1e-5)


def test_an_encoder_says_where_inversion_starts(run, run_command, find, digits, monkeypatch, capsys):
    """It takes the place of the nearest of the latents drawn; with no step its latents are taken as they are."""
    whole, given = restore(run("dcgan")), (f"--workdir={run('dcgan')}", "--starts=1", "--drawn=1", *digits)
    encoded = np.asarray(sample_latents(run("dcgan"), 3))
    encode = lambda state, images: encoded + 0 * images.sum(axis=(1, 2, 3))[:, None]
    encoding = dataclasses.replace(whole, recipe=whole.recipe._replace(encode=encode))
    monkeypatch.setattr(latent, "restore", lambda workdir: encoding)
    _, alone, _ = find(*given, "--descent_steps=0")
    np.testing.assert_allclose(alone["latents"], encoded, atol=1e-6)
    targets = to_unit_range(np.stack([np.asarray(Image.open(path).resize((8, 8), LANCZOS)) for path in digits]))
    errors = ((images_of(run("dcgan"), encoded)[..., 0] - targets) ** 2).mean(axis=(1, 2))
    np.testing.assert_allclose(alone["errors"], errors, atol=1e-5)
    _, descended, _ = find(*given, "--descent_steps=30")
    assert (descended["errors"] < alone["errors"]).all()
    assert run_command("latent", *given, "--maximise=3", "--descent_steps=0") == 2
    assert "descent_steps=0" in capsys.readouterr().err


def images_of_styles(workdir, found):
    """What is drawn of the styles and the noise in an .npz."""
    run = restore(workdir)
    styles = run.sampler.styles
    noise = {name: {"map": found[f"noise_{name}"]} for name in styles.noise(run.state)["synthesis"]}
    return np.asarray(styles.generate(styles.with_noise(run.state, {"synthesis": noise}), found["latents"]))


@pytest.mark.parametrize("space, name, label", [("w", "w", ()), ("w+", "wplus", ()), ("w", "label7-w", ("--label=7",))])
def test_samples_are_found_again_in_styles(space, name, label, run, find):
    """What is written draws them: ws, the same for all layers or not, and noise, still normalised."""
    workdir = run("labelled" if label else "styles")
    lines, found, picture = find(f"--workdir={workdir}", *QUICK, "--num=16", f"--space={space}", *label)
    assert picture.name == f"latent-seed0-{name}.png"
    assert found["latents"].shape == (16, 4, 4)
    assert (np.ptp(found["latents"], axis=1).max() > 1e-3) == (space == "w+")
    for layer in range(3):
        noise, side = found[f"noise_layer_{layer}"], 8 if layer else 4
        assert noise.shape == (16, side, side, 1)
        np.testing.assert_allclose(noise.mean(axis=(1, 2, 3)), 0, atol=1e-5)
        np.testing.assert_allclose(noise.std(axis=(1, 2, 3)), 1, rtol=1e-4)
    samples = images_of(workdir, sample_latents(workdir, 16), {"label": np.full(16, 7)} if label else None)
    errors = np.mean((images_of_styles(workdir, found) - samples) ** 2, axis=(1, 2, 3))
    np.testing.assert_allclose(errors, found["errors"], atol=1e-4)
    assert errors.max() <= 0.01 and "100.0% of 16 at most 0.01" in lines[-1]


def test_a_path_in_styles_is_straight(run, digits, find):
    _, found, _ = find(f"--workdir={run('styles')}", *QUICK, "--space=w+", *digits[:2], f"--towards={digits[2]}")
    assert found["paths"].shape == (2, 9, 4, 4)
    np.testing.assert_allclose(found["paths"][:, 0], found["latents"], atol=1e-6)
    np.testing.assert_allclose(found["paths"][:, 4], found["paths"][:, [0, -1]].mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("space", ["w", "w+"])
def test_styles_are_led_to_a_class(space, run, find):
    _, found, _ = find(f"--workdir={run('styles')}", *QUICK, f"--space={space}", "--num=2", "--maximise=3")
    seen_by = find_classifier(None, restore(run("styles")))
    ends = (found | {"latents": found["paths"][:, frame]} for frame in (0, -1))
    before, after = (seen_by.classify(images_of_styles(run("styles"), end))[:, 3] for end in ends)
    assert (after > before).all()


def test_noise_on_a_path_is_noise(run, digits):
    """A class of what is darker, and one of the others; and a path to an image."""
    model, config = open_model(restore(run("styles")), None, "w"), SearchConfig(drawn=64, starts=1, descent_steps=2)
    middle = float(np.median(paths.draw_others(model, config)[1].mean(axis=(1, 2, 3))))
    lighter = lambda images: np.eye(2)[(images.mean(axis=(-3, -2, -1)) > middle).astype(int)]
    seen_by = Classifier("by brightness", ("dark", "light"), lighter, lighter)
    start, goal = paths.samples(model, 3, config), np.zeros((8, 8, 1), np.float32)
    aside, away = paths.along(model, seen_by, [0, 1], start, config), paths.towards(model, start, "", goal, config)
    for found in (aside, away):
        parts = model.parts(found.latents.reshape(-1, found.latents.shape[-1]))
        np.testing.assert_allclose(np.diff(parts["latents"].reshape(3, 9, 4, 4), 2, axis=1), 0, atol=1e-5)
        for layer in range(3):
            np.testing.assert_allclose(parts[f"noise_layer_{layer}"].std(axis=(1, 2, 3)), 1, rtol=1e-4)


def test_the_latents_found_are_the_same_again(run, digits, find):
    first, again = (find(f"--workdir={run('dcgan')}", *QUICK, digits[0])[1] for _ in range(2))
    np.testing.assert_array_equal(first["latents"], again["latents"])


def test_a_classifier_is_differentiable_and_sees_what_it_sees_in_pixels(run):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1)).astype(np.uint8)
    floats = np.float32(pixels / 127.5 - 1)
    for workdir in (None, run("classifier")):
        found = find_classifier(workdir, restore(run("dcgan")))
        gradient = jax.grad(lambda images, found=found: found.probabilities(images)[:, 3].sum())(floats)
        assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0
    own = restore(run("classifier"))
    np.testing.assert_allclose(found.probabilities(floats), classifier(own.recipe, own.state)(pixels), atol=1e-5)


def test_of_a_run_on_some_classes_the_datasets_classifier_names_all(run):
    whole = restore(run("dcgan"))
    config, spec = replace(whole.config, classes="3,8"), whole.spec._replace(classes=("3", "8"))
    assert find_classifier(None, dataclasses.replace(whole, config=config, spec=spec)).classes == tuple("0123456789")


def test_frames_are_evenly_apart():
    """Images that change by 0, 1, 1, 2, 4: of 8 in all, halves are at the fourth and at the end."""
    values = np.array([[0, 0, 1, 2, 4, 8], [0, 2, 4, 6, 8, 10]], float)
    drawn = values[..., None, None, None] * np.ones((8, 8, 1))
    np.testing.assert_array_equal(paths.evenly_apart(drawn, 3), [[0, 4, 5], [0, 3, 5]])
    np.testing.assert_array_equal(paths.evenly_apart(np.zeros((1, 4, 8, 8, 1)), 3), [[0, 0, 3]])


@pytest.mark.parametrize(
    "given, message",
    [
        (["{digit}"], "--workdir=RUN"),
        (["--workdir={none}"], "is not a run directory"),
        (["--workdir={classifier}"], "draws nothing"),
        (["--workdir={dcgan}", "none.png"], "none.png: cannot be read"),
        (["--workdir={dcgan}", "--towards=none.png"], "none.png: cannot be read"),
        (["--workdir={dcgan}", "--towards={digit}", "--maximise=3"], "towards and maximise: one at a time"),
        (["--workdir={dcgan}", "--maximise=ten"], "maximise=ten: the classes are 0, 1"),
        (["--workdir={dcgan}", "--maximise=1,2"], "maximise=1,2: one class at a time"),
        (["--workdir={dcgan}", "--direction=3"], "direction=3: name two classes, as in 0,1"),
        (["--workdir={dcgan}", "--direction=3,3"], "direction=3,3: name two classes"),
        (["--workdir={dcgan}", "--label=3"], "cannot be asked for a label"),
        (["--workdir={cgan}"], "name a class by --label, of 0, 1"),
        (["--workdir={cgan}", "--label=1,2"], "label=1,2: one class at a time"),
        (["--workdir={dcgan}", "--maximise=3", "--classifier={dcgan}"], "does not classify"),
        (["--workdir={dcgan}", "--maximise=3", "--classifier={larger}"], "takes images of the shape (12, 12, 1)"),
        (["--workdir={dcgan}", "--num=3", "{digit}"], "num=3: of samples"),
        (["--workdir={dcgan}", "--starts=9", "--drawn=8"], "starts=9: at most as many as are drawn, 8"),
        (["--workdir={dcgan}", "--out=found.npz"], "out=found.npz: name the picture"),
        (["--workdir={dcgan}", "--descent_steps=0"], "descent_steps"),
        (["--workdir={dcgan}", "--space=w+"], "is a run of dcgan, without styles; only z"),
        (["--workdir={dcgan}", "--space=v"], "unknown space 'v'; choose from z, w, w+"),
    ],
)
def test_errors_are_one_line(given, message, run, run_command, digits, tmp_path, capsys):
    names = {name: run(name) for name in RUNS if any(f"{{{name}}}" in word for word in given)}
    capsys.readouterr()
    assert run_command("latent", *(word.format(**names, digit=digits[0], none=tmp_path) for word in given)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and message in line
