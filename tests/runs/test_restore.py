"""A trained run as a model: `gan_jax.load` of its directory samples, generates and classifies as its networks do."""

import dataclasses
import json
import shutil

import jax
import numpy as np
import pytest

import gan_jax
from gan_jax.data import DataSpec, sources
from gan_jax.pictures.grids import to_pixels
from gan_jax.presets import PRESETS
from gan_jax.randomness import example_keys

SMALL = ("--image_size=8", "--batch_size=8", "--steps=2")
MLP = ("--network=mlp", "--hidden=8", *SMALL)
RUNS = {
    "dcgan": (*MLP, "--game=wasserstein", "--seed=3"),
    "cgan": MLP,
    "sgan": (*MLP, "--num_labeled=40"),
    "classifier": (*SMALL, "--channels=2"),
}

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture
def run(trained_once):
    """run(experiment) is the directory of a run of it, trained once."""
    return lambda experiment: trained_once(experiment, *RUNS[experiment], experiment=experiment)


@pytest.fixture
def load(run):
    """load(experiment) is that run."""
    return lambda experiment: gan_jax.load(run(experiment))


def test_all_is_found_in_the_directory(run, load):
    trained = load("dcgan")
    assert (trained.workdir, trained.experiment, trained.step) == (run("dcgan"), "dcgan", 2)
    assert trained.config.run.seed == 3 and trained.config.gan.game == "wasserstein"
    assert trained.config.gan.n_critic == 5  # the game's own: the configuration is the resolved one
    assert trained.spec == DataSpec(sources.load("digits", data_dir="", image_size=8).spec, tuple("0123456789"))
    assert gan_jax.load(str(run("dcgan"))).workdir == run("dcgan")


def test_the_game_brings_its_clipping(load):
    weights = jax.tree.leaves(load("dcgan").state.players["discriminator"].params)
    assert max(np.abs(leaf).max() for leaf in weights) == np.float32(PRESETS["wasserstein"]["clip"])


def test_samples_are_those_of_the_command(run, load, run_command, tmp_path):
    """As 8-bit pixels: of the same seed, label and truncation the same, whatever their number."""
    for experiment, options in [("dcgan", dict(truncation=0.5)), ("cgan", {}), ("cgan", dict(label="3,8"))]:
        flags, trained = [f"--{name}={value}" for name, value in options.items()], load(experiment)
        given = (f"--workdir={run(experiment)}", "--seed=1", "--num=35", "--format=npz")
        assert run_command("sample", *given, *flags, f"--out={tmp_path / 'a.npz'}") == 0
        with np.load(tmp_path / "a.npz") as file:
            expected = file["images"]
        drawn = trained.sample(len(expected), seed=1, **options)
        assert drawn.dtype == np.uint8
        np.testing.assert_array_equal(drawn, expected)
        np.testing.assert_array_equal(trained.sample(3, seed=1, **options), expected[:3])
    assert len(expected) == 70  # more than are drawn at once


def test_64_samples_of_seed_0_by_default(load):
    trained = load("dcgan")
    np.testing.assert_array_equal(trained.sample(), trained.sample(64, seed=0))
    assert np.abs(trained.sample(5).astype(int) - trained.sample(5, seed=1)).max() > 2


def test_a_label_is_a_name_or_a_number(load):
    trained = load("cgan")
    np.testing.assert_array_equal(trained.sample(9, label=7), trained.sample(9, label="7"))
    sampler, keys = trained.sampler, example_keys(jax.random.key(0), 9)
    expected = sampler.generate(trained.state, sampler.latents(keys, 9), {"label": np.full(9, 7)})
    assert np.abs(trained.sample(9, label=7).astype(int) - to_pixels(expected)).max() <= 1


@pytest.mark.parametrize(
    "experiment, label, labels", [("dcgan", None, None), ("cgan", 4, [4]), ("cgan", "2,5", [2, 5])]
)
def test_images_are_generated_of_latents(experiment, label, labels, load):
    trained = load(experiment)
    latents = np.asarray(trained.sampler.latents(jax.random.key(5), 70))
    condition = None if labels is None else {"label": np.resize(labels, 70)}
    images = trained.generate(latents, label=label)
    np.testing.assert_allclose(images, trained.sampler.generate(trained.state, latents, condition), atol=1e-5)


@pytest.mark.parametrize("experiment", ["classifier", pytest.param("sgan", marks=pytest.mark.slow)])
def test_pixels_and_floats_are_classified_alike(experiment, load):
    trained = load(experiment)
    pixels = sources.load("digits", data_dir="", image_size=8)[np.arange(70)]["image"]
    logits = trained.classify(pixels)
    assert logits.shape == (70, 10)
    np.testing.assert_allclose(logits, trained.classify(np.float32(pixels / 127.5 - 1)), atol=1e-4)
    np.testing.assert_allclose(logits, trained.recipe.classify(trained.state, pixels), atol=1e-4)


@pytest.mark.parametrize(
    "experiment, act, message",
    [
        (
            "classifier",
            lambda run: run.sample(),
            "is a run of classifier, which draws nothing from noise; it classifies",
        ),
        ("classifier", lambda run: run.generate(np.zeros((1, 100))), "is a run of classifier, which draws nothing"),
        ("dcgan", lambda run: run.classify(np.zeros((1, 8, 8, 1))), "is a run of dcgan, which does not classify"),
        ("dcgan", lambda run: run.sample(label=3), "label=3: .* is a run of dcgan, which cannot be asked for a label"),
        ("dcgan", lambda run: run.generate(np.zeros((1, 100)), label=3), "cannot be asked for a label"),
        ("cgan", lambda run: run.sample(label="ten"), "label=ten: the classes are 0, 1"),
        ("cgan", lambda run: run.generate(np.zeros((1, 100))), "draws what it is asked for: name a label, of 0, 1"),
    ],
)
def test_what_a_run_cannot_do_is_one_line(experiment, act, message, load):
    with pytest.raises(ValueError, match=message) as raised:
        act(load(experiment))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("act", [lambda run: run.sample(70), lambda run: run.generate(np.zeros((70, 100)))])
def test_an_image_that_is_not_finite_is_an_error(act, load):
    whole = load("dcgan")
    generate = lambda *given: whole.sampler.generate(*given).at[1].set(np.nan)
    recipe = whole.recipe._replace(sampler=whole.sampler._replace(generate=generate))
    with pytest.raises(ValueError, match="image 1 is not finite"):
        act(dataclasses.replace(whole, recipe=recipe))


def _without_checkpoint(run):
    shutil.rmtree(run / "checkpoints")


def _of_another_experiment(run):
    content = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(content | {"experiment": "dcgam"}))


def _damaged(run):
    (run / "config.json").write_text("{")


def _gone(run):
    shutil.rmtree(run)


@pytest.mark.parametrize(
    "experiment, spoil, message",
    [
        ("dcgan", _without_checkpoint, "has no checkpoint yet in checkpoints"),
        ("dcgan", _of_another_experiment, "unknown experiment 'dcgam'; choose from .*did you mean dcgan"),
        ("dcgan", _damaged, "config.json is damaged"),
        ("dcgan", _gone, "is not a run directory: it has no config.json"),
    ],
)
def test_what_is_no_run_on_images_is_one_line(experiment, spoil, message, run, tmp_path):
    copy = shutil.copytree(run(experiment), tmp_path / "run")
    spoil(copy)
    with pytest.raises(ValueError, match=message) as raised:
        gan_jax.load(copy)
    assert "\n" not in str(raised.value)
