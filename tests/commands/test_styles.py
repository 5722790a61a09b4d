"""What commands make of a run with styles: truncated, mixed, and ways in W."""

import jax
import numpy as np
import pytest
from PIL import Image

from gan_jax.commands import interpolate, sample
from gan_jax.commands.interpolate import Options, subject_of
from gan_jax.latents.interpolation import lerp, slerp
from gan_jax.latents.mixing import mixed
from gan_jax.randomness import example_keys
from gan_jax.runs.restore import restore
from tests.systems import styled

SMALL = (*styled.SMALL, "--steps=2")
LAYERS = 4

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture
def run(trained_once):
    return restore(trained_once("stylegan", *styled.PLAIN, *SMALL, experiment="stylegan"))


@pytest.fixture
def conditional(trained_once):
    return restore(trained_once("conditional", *styled.PLAIN, *SMALL, "--conditional", experiment="stylegan"))


@pytest.fixture
def plain(trained_once):
    return restore(trained_once("plain", "--network=mlp", "--hidden=8", *SMALL, experiment="dcgan"))


def test_layers_of_others():
    rows, columns = np.zeros((2, 5, 3)), np.ones((3, 5, 3))
    found = mixed(rows, columns, [1, 4])
    np.testing.assert_array_equal(found, np.broadcast_to(np.array([0, 1, 0, 0, 1.0])[:, None], (2, 3, 5, 3)))


def test_truncated_samples_are_those_of_truncated_styles(run):
    """In all layers, or the first; images of a truncation come from the same latents."""
    styles, keys = run.sampler.styles, example_keys(jax.random.key(3), 5)
    ws, mean = run.styles(keys), run.state.players["generator"].ema["average"]["w"]
    for cutoff in (None, 2):
        moved = np.where((np.arange(LAYERS) < (cutoff or LAYERS))[:, None], mean + 0.4 * (ws - mean), ws)
        truncated, bound = run.truncated(0.4, cutoff)
        assert bound is None
        expected = styles.generate(run.state, moved)
        np.testing.assert_allclose(sample.draw(truncated, 5, seed=3), expected, rtol=1e-3, atol=1e-4)
    assert np.ptp(np.int32(run.sample(5, truncation=0.0)), axis=0).max() <= 1
    np.testing.assert_array_equal(run.sample(5, truncation=1.0), run.sample(5))


def test_without_styles_latents_are_truncated(plain):
    assert plain.truncated(0.4) == (plain, 0.4) and plain.truncated(None) == (plain, None)


def test_the_sheet_has_samples_at_its_edges_and_mixtures_within(run, run_command, tmp_path):
    out = tmp_path / "sheet.png"
    assert (
        run_command("sample", f"--workdir={run.workdir}", "--style_mixing=0,2", "--num=2", "--seed=3", f"--out={out}")
        == 0
    )
    samples, picture = run.sample(4, seed=3), np.asarray(Image.open(out))
    factor = len(picture) // (3 * 10 + 2)
    small = picture[::factor, ::factor]
    cell = lambda row, column: small[2 + 10 * row :][:8, 2 + 10 * column :][:, :8]
    for number in (0, 1):
        np.testing.assert_array_equal(cell(number + 1, 0), samples[number, ..., 0])
        np.testing.assert_array_equal(cell(0, number + 1), samples[2 + number, ..., 0])
    ws = run.styles(example_keys(jax.random.key(3), 4))
    own = ws[1].at[np.array([0, 2])].set(ws[2][np.array([0, 2])])
    expected = run.sampler.styles.generate(run.state, own[None])[0, ..., 0]
    np.testing.assert_allclose(cell(2, 1), np.clip(np.round((expected + 1) * 127.5), 0, 255), atol=1)


def test_ways_in_w_are_straight_between_styles(run):
    subject = subject_of(run, Options(seed=2))
    assert subject.path is lerp
    w = run.styles(example_keys(jax.random.key(2), 3))[:, 0]
    np.testing.assert_allclose(subject.random(3), w, rtol=1e-6)
    images = subject.draw(subject.random(3), None)
    np.testing.assert_allclose(images, run.generate(run.sampler.latents(jax.random.key(2), 3)), atol=1e-4)
    assert subject_of(run, Options(space="z")).path is slerp


def test_ways_of_a_class(conditional):
    """One class is held in W; between classes ways are in z."""
    subject = subject_of(conditional, Options(label="3"))
    assert subject.path is lerp and subject.classes is None
    w = conditional.styles(example_keys(jax.random.key(0), 2), [3])[:, 0]
    np.testing.assert_allclose(subject.random(2), w, rtol=1e-6)
    assert len(subject_of(conditional, Options()).names) == 10
    with pytest.raises(ValueError, match="space=w: of one class, which --label names"):
        interpolate.subject_of(conditional, Options(label="3,8", space="w"))


@pytest.mark.parametrize(
    "which, command, given, message",
    [
        ("plain", "sample", ("--cutoff=2", "--truncation=0.5"), "cutoff=2: .* is a run of dcgan, without styles"),
        ("plain", "sample", ("--truncation=0",), "truncation=0: must be above 0"),
        ("plain", "sample", ("--style_mixing=0",), "is a run of dcgan, without styles"),
        ("plain", "interpolate", ("--space=w",), "space=w: .* is a run of dcgan, without styles; only z"),
        ("run", "sample", ("--cutoff=2",), "cutoff=2: needs a --truncation"),
        ("run", "sample", ("--cutoff=5", "--truncation=0.5"), "cutoff=5: there are 4 layers"),
        ("run", "interpolate", ("--space=w", "a.png", "b.png"), "space=w: without image files"),
        ("run", "interpolate", ("a.png", "b.png"), "has no encoder"),
        ("run", "sample", ("--style_mixing=2..4",), "style_mixing=2..4: name layers from 0 to 3, as in"),
        ("run", "sample", ("--style_mixing=0", "--format=png"), "style_mixing=0: without --latents, and as a grid"),
    ],
)
def test_what_cannot_be_asked_for(which, command, given, message, request, fails_of, tmp_path):
    workdir = request.getfixturevalue(which).workdir
    with pytest.raises(ValueError, match=message):
        raise ValueError(fails_of(command)(f"--workdir={workdir}", *given, f"--out={tmp_path / 'out'}"))
